"""R9: a remembered ledger saves requests, while it is younger than R7's hour."""

from __future__ import annotations

import pytest

from s3leader._core.candidate import Steps
from s3leader._core.holding import resign
from s3leader._core.lock import Lock
from s3leader._core.next_lock import Work
from s3leader._core.protocol import Lost, Won, campaign
from tests.fast.s3leader._core.protocol.script import (
    HOUR_MS,
    LATENCY_MS,
    LIST,
    T0,
    after,
    applied,
    at,
    config,
    conflict,
    create,
    found,
    held,
    holding,
    known,
    listing,
    mine,
    missing,
    pause,
    play,
    proofs,
    put,
    read,
    sealed,
)


def warm(lock: Lock | None, now_ms: int, observed_ms: int = 0) -> Steps[Won | Lost]:
    memory = known(lock, observed_ms=observed_ms)
    return campaign(config(), Work(), wait_ms=0, known=memory, now_ms=now_ms)


def test_memory_younger_than_an_hour_is_acted_on() -> None:
    steps = warm(sealed(4), now_ms=HOUR_MS - 1)
    assert isinstance(play(steps, (create(mine(5)), applied())), Won)


@pytest.mark.parametrize("now_ms", [HOUR_MS, 100 * HOUR_MS])
def test_memory_of_an_hour_ago_is_refreshed_with_one_list(now_ms: int) -> None:
    late = T0 + now_ms
    result = play(
        warm(sealed(4), now_ms=now_ms),
        (after(4), listing(at=late)),
        (create(mine(5)), applied(late)),
        start_ms=now_ms,
    )
    assert isinstance(result, Won)


def test_memory_of_an_empty_ledger_is_acted_on() -> None:
    exchanges = ((create(mine(1)), applied()), *proofs(mine(1)))
    assert isinstance(play(warm(None, now_ms=0), *exchanges), Won)


def test_old_memory_of_an_empty_ledger_is_refreshed() -> None:
    steps = warm(None, now_ms=HOUR_MS)
    exchanges = ((LIST, listing(at=T0 + HOUR_MS)), (create(mine(1)), applied(T0 + HOUR_MS)))
    assert isinstance(play(steps, *exchanges, *proofs(mine(1)), start_ms=HOUR_MS), Won)


def test_memory_of_a_lock_that_is_gone_leads_to_a_look_from_the_start() -> None:
    result = play(
        warm(held(4), now_ms=0),
        (after(4), listing()),
        (read(4), missing()),
        pause(50),
        (LIST, listing(9)),
        (read(9), found(held(9))),
    )
    assert isinstance(result, Lost)


def test_what_a_lost_campaign_saw_is_worth_remembering() -> None:
    result = play(
        warm(sealed(4), now_ms=0), (create(mine(5)), conflict()), (read(5), found(held(5)))
    )
    assert isinstance(result, Lost)
    assert (result.head.term, result.head.proved_highest_at_ms) == (5, T0)


def test_own_seal_is_remembered_as_the_highest_of_that_moment() -> None:
    lock = mine(5, "n0", swept=4)
    steps = resign(config(), holding(lock), outcome="resigned", reason=None, now_ms=700)
    body = lock.seal(nonce="n1", outcome="resigned", ended_at=at(0))
    seen = play(steps, (put(body, "E1"), applied(T0 + 2_000, "E2")), start_ms=700).head
    assert (seen.lock, seen.etag, seen.proved_highest_at_ms, seen.observed_ms) == (
        body,
        "E2",
        T0 + 2_000,
        700,
    )


def test_unread_news_are_listed_from_the_last_known_lock_on() -> None:
    result = play(warm(held(4), now_ms=0), (after(4), listing(5, 6)), (read(6), found(held(6))))
    assert isinstance(result, Lost)
    assert result.head.observed_ms == LATENCY_MS
