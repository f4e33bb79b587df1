"""The last millisecond of a wait, and where a candidate that was beaten goes on."""

from __future__ import annotations

from s3leader.lock import Lock
from s3leader.protocol import Lost, campaign
from s3leader.store import Wait, Waited
from tests.protocol.script import (
    LATENCY_MS,
    LIST,
    Exchange,
    conflict,
    create,
    found,
    held,
    listing,
    mine,
    play,
    read,
    rules,
    sealed,
)


def waiting(wait_ms: int, *exchanges: Exchange) -> Lost:
    steps = campaign(rules(), tick=None, wait_ms=wait_ms, known=None, now_ms=0)
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
