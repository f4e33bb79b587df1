"""A candidate that may wait: it polls the holder's lock, and S3 hears about one GET a second."""

from __future__ import annotations

from s3leader._core.next_lock import Work
from s3leader._core.protocol import Lost, Won, campaign
from tests.fast.s3leader._core.protocol.script import (
    LIST,
    TICK,
    Exchange,
    applied,
    config,
    create,
    found,
    held,
    listing,
    mine,
    missing,
    pause,
    play,
    read,
    sealed,
)

LOOK: tuple[Exchange, ...] = ((LIST, listing(4)), (read(4), found(held(4))))


def test_waiting_candidate_succeeds_a_holder_that_resigns() -> None:
    steps = campaign(config(), Work(), wait_ms=60_000, known=None, now_ms=0)
    result = play(
        steps,
        *LOOK,
        pause(500),
        (read(4), found(held(4, renewals=1))),
        pause(500),
        (read(4), found(sealed(4))),
        (create(mine(5)), applied()),
    )
    assert isinstance(result, Won)


def test_waiting_ends_when_its_time_is_over() -> None:
    steps = campaign(config(), Work(), wait_ms=1_500, known=None, now_ms=0)
    result = play(
        steps,
        *LOOK,
        pause(500),
        (read(4), found(held(4))),
        pause(240, 480),  # what is left of the 1,500
        (read(4), found(held(4))),
    )
    assert isinstance(result, Lost)
    assert result.why == "held"


def test_no_wait_is_no_wait() -> None:
    steps = campaign(config(), Work(), wait_ms=0, known=None, now_ms=0)
    assert isinstance(play(steps, *LOOK), Lost)


def test_waiting_candidate_leaves_when_its_tick_is_done() -> None:
    steps = campaign(config(), Work(tick=TICK), wait_ms=60_000, known=None, now_ms=0)
    done = sealed(4, tick=TICK, done=TICK)
    result = play(steps, *LOOK, pause(500), (read(4), found(done)))
    assert isinstance(result, Lost)
    assert result.why == "done"


def test_waiting_candidate_whose_holder_vanished_looks_afresh() -> None:
    steps = campaign(config(), Work(), wait_ms=60_000, known=None, now_ms=0)
    result = play(
        steps,
        *LOOK,
        pause(500),
        (read(4), missing()),
        (LIST, listing(7)),
        (read(7), found(sealed(7))),
        (create(mine(8)), applied()),
    )
    assert isinstance(result, Won)


def test_wait_counts_from_the_call() -> None:
    steps = campaign(config(), Work(), wait_ms=1_000, known=None, now_ms=50_000)
    result = play(steps, *LOOK, pause(495, 990), (read(4), found(held(4))), start_ms=50_000)
    assert isinstance(result, Lost)
