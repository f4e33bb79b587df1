"""R10: a continued lock is open to its own tick at once; to other ticks after its lease."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from s3leader._core.lock import Lock
from tests.fast.s3leader._core.protocol.script import (
    EARLIER,
    LOST,
    T0,
    TICK,
    Exchange,
    after,
    applied,
    create,
    known,
    listing,
    looked,
    lost,
    mine,
    pause,
    sealed,
    won,
)

LATER = TICK + timedelta(hours=1)


def ended(outcome: str, **more: Any) -> Lock:
    """Lock 4, which ended the second leg of the tick."""
    return sealed(4, **{"outcome": outcome, "tick": TICK, "leg": 2, **more})


def repeated(outcome: str, **more: Any) -> Lock:
    """The same for an operator's repeat of the completed tick."""
    return ended(outcome, **{"done": TICK, "repeat": True, "repeat_reason": "ops", **more})


def test_next_leg_of_a_repeat_needs_no_request_to_repeat() -> None:
    third: dict[str, Any] = {"leg": 3, "repeat": True, "repeat_reason": "ops"}
    write = create(mine(5, tick=TICK, done=TICK, **third))
    won(*looked(repeated("continued")), (write, applied()), tick=TICK)


@pytest.mark.parametrize("outcome", ["failed", "deposed"])
def test_leg_of_a_repeat_that_did_not_end_well_is_led_again(outcome: str) -> None:
    again: dict[str, Any] = {"tick": TICK, "repeat": True, "leg": 2}
    write = create(mine(5, done=TICK, **again))
    won(*looked(repeated(outcome)), (write, applied()), **again)


@pytest.mark.parametrize(
    "highest",
    [
        repeated("completed"),
        repeated("failed", tick=EARLIER),
        ended("failed", done=TICK),
    ],
    ids=["completed", "another tick's", "no repeat"],
)
def test_leg_of_a_repeat_that_is_over_is_not_led_again(highest: Lock) -> None:
    """Its event was delivered twice."""
    assert lost(*looked(highest), tick=TICK, repeat=True, leg=2).why == "done"


def test_first_leg_of_a_repeat_is_led_whatever_came_before() -> None:
    write = create(mine(5, tick=TICK, done=TICK, repeat=True, leg=1))
    won(*looked(repeated("completed")), (write, applied()), tick=TICK, repeat=True)


def test_time_that_passes_while_a_waiting_candidate_lists_is_counted() -> None:
    slow: tuple[Exchange, ...] = ((after(4), LOST, 60_000), pause(50), (after(4), listing()))
    exchanges = (*looked(ended("continued")), pause(1000), *slow)
    assert lost(*exchanges, tick=LATER, wait_ms=60_000).why == "held"


def test_candidate_of_another_tick_lists_although_it_remembers_the_lock() -> None:
    remembered = known(ended("continued", modified_at=TICK), at=T0)
    assert lost((after(4), listing()), tick=LATER, memory=remembered).why == "held"
