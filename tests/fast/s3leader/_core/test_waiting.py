"""When a waiting candidate looks at the leader's lock again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from s3leader._core.candidate import LedgerHead
from s3leader._core.lock import Lock
from s3leader._core.waiting import pause
from tests.fast.s3leader._core.protocol.script import (
    LEASE_MS,
    SKEW_MS,
    T0,
    TICK,
    at,
    config,
    held,
    known,
    sealed,
)

POLL_MS = 2_000
LAPSE_MS = LEASE_MS + SKEW_MS


def seen(age_ms: int, lock: Lock | None = None) -> LedgerHead:
    """A leader's lock, read `age_ms` after its holder wrote it."""
    return known(replace(lock or held(4), modified_at=at(-age_ms), seen_at=at(0)))


def bounds(head: LedgerHead, left_ms: int = 60_000) -> tuple[int, int]:
    request = pause(config(), head, left_ms)
    assert request.may_stop
    return request.low_ms, request.high_ms


def test_a_fresh_lease_is_looked_at_once_a_poll_with_jitter() -> None:
    assert bounds(seen(0)) == (POLL_MS // 2, POLL_MS)


def test_a_lease_that_ends_before_the_next_poll_is_looked_at_when_it_has_lapsed() -> None:
    assert bounds(seen(LAPSE_MS - 300)) == (550, 800)


def test_a_lease_that_ends_after_the_next_poll_is_polled() -> None:
    assert bounds(seen(LAPSE_MS - POLL_MS + 500)) == (POLL_MS // 2, POLL_MS)


@pytest.mark.parametrize("left_ms", [1, 700, POLL_MS])
def test_the_last_look_comes_at_the_end_of_the_campaign(left_ms: int) -> None:
    assert bounds(seen(0), left_ms=left_ms) == (left_ms, left_ms)


def test_a_lapse_just_before_the_end_of_the_campaign_is_looked_for() -> None:
    assert bounds(seen(LAPSE_MS - 300), left_ms=801) == (550, 800)


def test_the_lapse_of_a_lock_without_a_lease_is_by_ones_own() -> None:
    assert bounds(seen(LAPSE_MS, held(4, lease_ms=None))) == (250, 500)


def test_the_end_of_a_reservation_is_known_beforehand_too() -> None:
    continued = sealed(4, outcome="continued", tick=TICK)
    head = replace(known(replace(continued, modified_at=at(0))), proved_highest_at_ms=T0 + LAPSE_MS)
    assert bounds(head) == (250, 500)


def test_a_reservation_of_unknown_age_is_polled() -> None:
    head = known(replace(sealed(4, outcome="continued", tick=TICK), modified_at=None))
    assert bounds(head) == (POLL_MS // 2, POLL_MS)
