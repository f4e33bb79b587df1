"""The last millisecond of a wait, and where a candidate that was beaten goes on."""

from __future__ import annotations

import pytest

from s3leader._core.lock import Lock
from s3leader._core.next_lock import Work
from s3leader._core.protocol import Lost, campaign
from s3leader._core.requests import Wait, Waited
from s3leader.errors import StoreUnavailable
from tests.fast.s3leader._core.protocol.script import (
    LATENCY_MS,
    LEASE_MS,
    LIST,
    Exchange,
    applied,
    at,
    config,
    conflict,
    create,
    found,
    held,
    known,
    listing,
    mine,
    play,
    put,
    read,
    sealed,
)


def waiting(wait_ms: int, *exchanges: Exchange) -> Lost:
    steps = campaign(config(), Work(), wait_ms=wait_ms, known=None, now_ms=0)
    result = play(steps, *exchanges)
    assert isinstance(result, Lost)
    return result


def looked(lock: Lock) -> tuple[Exchange, Exchange]:
    return (LIST, listing(lock.term)), (read(lock.term), found(lock))


def test_candidate_waits_for_the_last_millisecond() -> None:
    """It has looked when the GET is sent."""
    again: tuple[Exchange, ...] = ((Wait(0, 1), Waited()), (read(4), found(held(4))))
    assert waiting(LATENCY_MS + 1, *looked(held(4)), *again).why == "held"


def test_candidate_with_no_time_left_does_not_wait() -> None:
    assert waiting(LATENCY_MS, *looked(held(4))).why == "held"


def test_candidate_that_is_beaten_waits_for_the_winner_at_once() -> None:
    beaten: tuple[Exchange, ...] = ((create(mine(5)), conflict()), (read(5), found(held(5))))
    until = 4 * LATENCY_MS + 100
    again: tuple[Exchange, ...] = ((Wait(50, 100), Waited()), (read(5), found(held(5))))
    assert waiting(until, *looked(sealed(4)), *beaten, *again).why == "held"


def test_second_void_win_of_a_campaign_is_an_error_that_says_what_to_do() -> None:
    """Each win is settled at the end of its lease, so nobody leads by it."""

    def void(term: int, nonce: str, ms: int) -> Exchange:
        lock = mine(term, started_at=at(0), attempt=0)
        why = "void: the win was not known before the lease ran out"
        body = lock.seal(nonce=nonce, outcome="resigned", reason=why, ended_at=at(ms))
        return (put(body, "E1"), applied())

    steps = campaign(config(), Work(), wait_ms=0, known=known(sealed(4)), now_ms=0)
    exchanges: tuple[Exchange, ...] = (
        (create(mine(5)), applied(), LEASE_MS),
        void(5, "n2", 0),
        (LIST, listing(5)),
        (read(5), found(sealed(5))),
        (create(mine(6, "n3")), applied(), LEASE_MS),
        void(6, "n4", 0),
    )
    with pytest.raises(StoreUnavailable, match=r"two wins were void, the second of them of term 6"):
        play(steps, *exchanges)
