"""R8: a tick that has been completed is never led again."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from s3leader._core.lock import Lock
from tests.fast.s3leader._core.protocol.script import (
    EARLIER,
    LEASE_MS,
    SKEW_MS,
    TICK,
    applied,
    conflict,
    create,
    found,
    held,
    known,
    looked,
    lost,
    mine,
    read,
    sealed,
    won,
)

LATER = TICK + timedelta(hours=1)
LAPSED_MS = LEASE_MS + SKEW_MS + 1


@pytest.mark.parametrize("done", [TICK, LATER])
def test_tick_not_later_than_done_is_done(done: datetime) -> None:
    assert lost(*looked(sealed(4, done=done)), tick=TICK).why == "done"


@pytest.mark.parametrize(("tick", "done"), [(TICK, EARLIER), (None, LATER)])
def test_later_tick_or_none_is_led(tick: datetime | None, done: datetime) -> None:
    write = create(mine(5, tick=tick, done=done))
    won((write, applied()), tick=tick, memory=known(sealed(4, done=done)))


def test_tick_that_a_lapsed_lock_says_is_done_is_not_led_and_nothing_is_sealed() -> None:
    assert lost(*looked(held(4, done=TICK), age_ms=LAPSED_MS), tick=TICK).why == "done"


def test_lapsed_last_attempt_is_left_for_the_next_tick_to_seal() -> None:
    crashed = looked(held(4, tick=TICK, attempt=3), age_ms=LAPSED_MS)
    assert lost(*crashed, tick=TICK, max_attempts=3).why == "exhausted"


def test_beaten_candidate_does_not_repeat_the_tick_that_the_winner_completed() -> None:
    result = lost(
        *looked(sealed(4)),
        (create(mine(5, tick=TICK)), conflict()),
        (read(5), found(sealed(5, tick=TICK, done=TICK))),
        tick=TICK,
        wait_ms=60_000,
    )
    assert result.why == "done"


@pytest.mark.parametrize(
    ("outcome", "tick", "before", "done"),
    [
        ("completed", TICK, EARLIER, TICK),
        ("completed", TICK, None, TICK),
        ("completed", EARLIER, TICK, TICK),
        ("completed", None, EARLIER, EARLIER),
        ("failed", TICK, EARLIER, EARLIER),
        ("resigned", TICK, None, None),
    ],
)
def test_only_a_completed_tick_advances_done_which_never_goes_back(
    outcome: str, tick: datetime | None, before: datetime | None, done: datetime | None
) -> None:
    assert Lock(term=5, tick=tick, done=before).seal(nonce="n", outcome=outcome).done == done
