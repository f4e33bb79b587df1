"""R7: old numbers do get deleted, so a proof that a lock is the highest holds for one hour.

A monotonic clock proves nothing here: it may stand still while a virtual machine is paused. In
these tests it does, and only S3's `Date` advances. Two days later lock 80 is the highest.
"""

from __future__ import annotations

from typing import Any

import pytest

from s3leader.errors import StoreUnavailable
from tests.fast.s3leader._core.protocol.script import (
    DAY_MS,
    HOUR_MS,
    LEASE_MS,
    LIST,
    LOST,
    T0,
    Exchange,
    after,
    applied,
    conflict,
    contend,
    create,
    found,
    held,
    known,
    listing,
    looked,
    lost,
    mine,
    pause,
    read,
    sealed,
    voided,
    won,
)

CREATE_5 = create(mine(5))
LATE = T0 + HOUR_MS
VOID = voided(mine(5), "the proof that this number was next is too old", ms=HOUR_MS)
STALE_WIN: tuple[Exchange, ...] = ((CREATE_5, applied(LATE)), (VOID, applied(LATE)))
WARM: dict[str, Any] = {"memory": known(sealed(4))}
HELD_80: Exchange = (read(80), found(held(80)))


def test_win_an_hour_after_the_proof_is_void_sealed_and_followed_by_a_list() -> None:
    reads: tuple[Exchange, ...] = (
        (LIST, listing(5, 80, at=LATE)),
        (read(80), found(sealed(80), at=LATE)),
    )
    won(*STALE_WIN, *reads, (create(mine(81, "n3")), applied(LATE)), **WARM)


def test_win_a_second_before_the_hour_counts() -> None:
    won((CREATE_5, applied(LATE - 1000)), **WARM)


def test_win_recognised_by_a_read_is_dated_by_when_it_was_written() -> None:
    answer = found(CREATE_5.body, at=LATE, age_ms=2_000)
    won((CREATE_5, LOST), pause(25), (CREATE_5, conflict()), (read(5), answer), **WARM)


def test_remembered_leader_that_has_resigned_is_proved_highest_by_the_first_look_only() -> None:
    again = (read(4), found(sealed(4), at=LATE - 1000))
    lost(again, *STALE_WIN, *looked(held(80)), memory=known(held(4)))


def test_candidate_continues_if_another_sealed_its_void_win() -> None:
    theirs = (read(5), found(sealed(5, outcome="deposed")))
    tries = ((CREATE_5, applied(LATE)), (VOID, conflict()), theirs)
    assert lost(*tries, *looked(held(80)), **WARM).head.term == 80


def test_head_without_a_proof_is_listed_before_it_is_succeeded() -> None:
    memory = known(sealed(4), at=None)
    won((after(4), listing()), (CREATE_5, applied()), memory=memory)


def test_lock_read_sealed_an_hour_after_it_was_read_unsealed_proves_nothing_new() -> None:
    exchanges: tuple[Exchange, ...] = (pause(990, 990), (read(4), found(sealed(4), at=LATE)))
    lost(*looked(held(4)), *exchanges, *STALE_WIN, *looked(held(80)), wait_ms=1_000)


# What another suspended candidate may have created: docs/decisions/0004.
VOID_WINS = [
    pytest.param(found(held(5), at=LATE), id="held"),
    pytest.param(found(held(5), at=T0 + 2 * DAY_MS, age_ms=DAY_MS), id="lapsed"),
]
NEWER: tuple[Exchange, ...] = ((after(5), listing(80)), HELD_80)


@pytest.mark.parametrize("void_win", VOID_WINS)
def test_void_win_of_a_rival_is_not_taken_for_the_highest_lock(void_win: Any) -> None:
    tries: tuple[Exchange, ...] = ((CREATE_5, conflict(T0 + 2 * DAY_MS)), (read(5), void_win))
    assert lost(*tries, *NEWER, **WARM).head.term == 80


@pytest.mark.parametrize("void_win", VOID_WINS)
def test_void_win_is_not_taken_for_the_lock_that_was_waited_for(void_win: Any) -> None:
    again: tuple[Exchange, ...] = (pause(990, 990), (read(5), void_win))
    assert lost(*looked(held(5)), *again, *NEWER, wait_ms=1_000).head.term == 80


@pytest.mark.parametrize("void_win", VOID_WINS)
def test_void_win_is_not_taken_for_the_lock_that_was_listed(void_win: Any) -> None:
    reads: tuple[Exchange, ...] = ((LIST, listing(5)), (read(5), void_win), pause(50))
    assert lost(*reads, (LIST, listing(5, 80)), HELD_80).head.term == 80


def test_second_void_win_of_a_campaign_is_an_error_that_says_what_to_do() -> None:
    """Each win is known at the end of its lease, so it elects no leader."""
    why = "the win was not known before the lease ran out"
    with pytest.raises(StoreUnavailable, match=r"two wins were void, the second of them of term 6"):
        contend(
            (CREATE_5, applied(), LEASE_MS),
            (voided(mine(5), why), applied()),
            *looked(sealed(5)),
            (create(mine(6, "n3")), applied(), LEASE_MS),
            (voided(mine(6), why, nonce="n4"), applied()),
            **WARM,
        )
