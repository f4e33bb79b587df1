"""How long a lock is still good, and for which ticks a continued one is reserved (R4, R10)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from s3leader._core.candidate import LedgerHead
from tests.fast.s3leader._core.protocol.script import (
    LEASE_MS,
    SKEW_MS,
    TICK,
    at,
    config,
    held,
    known,
    sealed,
)

LATER = TICK + timedelta(hours=1)
LAPSE_MS = LEASE_MS + SKEW_MS


def continued(age_ms: int, **facts: Any) -> LedgerHead:
    """A lock that was continued `age_ms` before it was proved the highest."""
    lock = sealed(4, **{"outcome": "continued", "tick": TICK, "modified_at": at(-age_ms), **facts})
    return known(lock)


@pytest.mark.parametrize(
    ("age_ms", "facts", "is_reserved"),
    [
        (LAPSE_MS, {}, True),
        (LAPSE_MS + 1, {}, False),
        (2 * LEASE_MS + SKEW_MS, {"lease_ms": 2 * LEASE_MS}, True),
        (2 * LEASE_MS + SKEW_MS + 1, {"lease_ms": 2 * LEASE_MS}, False),
        (LAPSE_MS, {"lease_ms": None}, True),
        (LAPSE_MS + 1, {"lease_ms": None}, False),
        (0, {"outcome": "failed"}, False),
    ],
)
def test_continued_lock_is_reserved_for_its_own_lease_and_the_allowance(
    age_ms: int, facts: dict[str, Any], *, is_reserved: bool
) -> None:
    assert config().reserved(continued(age_ms, **facts), LATER) is is_reserved


@pytest.mark.parametrize(("tick", "is_reserved"), [(TICK, False), (LATER, True), (None, True)])
def test_continued_lock_is_reserved_for_other_ticks_only(
    tick: datetime | None, *, is_reserved: bool
) -> None:
    assert config().reserved(continued(0), tick) is is_reserved


def test_continued_lock_whose_age_is_unknown_is_reserved() -> None:
    unproved = replace(continued(2 * LAPSE_MS), proved_highest_at_ms=None)
    assert config().reserved(unproved, LATER)


def test_nothing_is_reserved_in_an_empty_ledger() -> None:
    assert config().reserved(known(None), LATER) is False
    assert config().left_ms(known(None)) is None


def test_time_left_of_a_lease_counts_to_when_s3_showed_the_lock() -> None:
    """Whenever it was proved the highest."""
    leader = known(held(4, modified_at=at(-7_000), seen_at=at(0)), at=None)
    assert config().left_ms(leader) == LAPSE_MS - 7_000
