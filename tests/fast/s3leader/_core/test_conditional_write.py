"""The last moment of a write that gets no answer, and bodies of any kind."""

from __future__ import annotations

import pytest

from s3leader._core.candidate import LedgerHead, Steps
from s3leader._core.conditional_write import seal_other, write_until_known
from s3leader._core.holding import Holding, renew
from s3leader._core.requests import Wait, Waited
from s3leader.errors import LeadershipLost, StoreUnavailable
from tests.fast.s3leader._core.protocol.script import (
    LATENCY_MS,
    LEASE_MS,
    LOST,
    Exchange,
    config,
    conflict,
    create,
    found,
    held,
    holding,
    known,
    mine,
    missing,
    pause,
    play,
    put,
    read,
)

FIRST = mine(5, "n0")
RENEWAL = put(FIRST.renewed(nonce="n1"), "E1")


def renewal() -> Steps[Holding]:
    return renew(config(), holding(FIRST))


@pytest.mark.parametrize(
    "body",
    [b"[]", b"[1]", b'"n1"', b"7", b"null", b"true", b"", b"\xff", b"[" * 100_000, b'{"nonce": 1}'],
    ids=lambda body: body[:9].decode("latin-1"),
)
def test_body_that_names_no_nonce_is_somebody_elses(body: bytes) -> None:
    exchanges: tuple[Exchange, ...] = ((RENEWAL, conflict()), (read(5), found(body, etag="E9")))
    with pytest.raises(LeadershipLost):
        play(renewal(), *exchanges)


# ---------------------------------------------------------- no try is sent past the deadline


@pytest.mark.parametrize("left_ms", [1, 2, 25])
def test_renewal_that_has_no_time_for_another_try_is_over_just_after_the_deadline(
    left_ms: int,
) -> None:
    start_ms = LEASE_MS - LATENCY_MS - left_ms
    wait = (Wait(left_ms + 1, left_ms + 1), Waited())
    kept = play(renewal(), (RENEWAL, LOST), wait, start_ms=start_ms)
    assert kept == holding(FIRST, doubtful=frozenset({"n1"}))


@pytest.mark.parametrize(("left_ms", "longest_ms"), [(26, 25), (40, 39), (50, 49), (51, 50)])
def test_last_pause_of_a_renewal_ends_before_the_deadline(left_ms: int, longest_ms: int) -> None:
    start_ms = LEASE_MS - LATENCY_MS - left_ms
    exchanges: tuple[Exchange, ...] = ((RENEWAL, LOST), pause(25, longest_ms))
    rest = (RENEWAL, LOST, left_ms - longest_ms)
    kept = play(renewal(), *exchanges, rest, start_ms=start_ms)
    assert kept == holding(FIRST, doubtful=frozenset({"n1"}))


def test_error_names_the_last_cause_that_there_was() -> None:
    steps = write_until_known(create(mine(1)), "n1", patience_ms=LEASE_MS)
    last = ((create(mine(1)), conflict()), (read(1), missing(), LEASE_MS))
    with pytest.raises(StoreUnavailable, match=r"the last answer: the answer was lost\)"):
        play(steps, (create(mine(1)), LOST), pause(25), *last)


@pytest.mark.parametrize("seen", [known(None), known(held(4))], ids=["none", "not read"])
def test_only_a_lock_that_was_read_can_be_deposed(seen: LedgerHead) -> None:
    with pytest.raises(TypeError, match="only a lock that was read"):
        next(seal_other(config(), seen, "why"))
