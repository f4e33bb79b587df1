"""How slow a holder's stopwatch may run: what the allowance for clock skew leaves.

A holder leads for `lease / rate` of true time after its lock was written; with S3's clocks up to
`apart` apart, another may find it lapsed `lease + clock_skew - apart` after that, in whole seconds.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from s3leader._core.lock import Lock
from s3leader._core.times import from_ms
from tests.verification.simulation.plan import slowest_rate

CASES = [
    (30_000, 3_000, 2_000),
    (30_000, 3_000, 1_000),
    (900_000, 3_000, 2_000),
    (61_999, 3_000, 1_000),
]


def first_lapsed(lease_ms: int, skew_ms: int, apart_ms: int) -> int:
    """The least true time after a lock was written at which any reader may find it lapsed."""
    lock = Lock(term=1, lease_ms=lease_ms)
    earliest = 10**9
    for grain_ms in range(0, 1000, 50):  # where in a second it was written
        modified_ms = (grain_ms - apart_ms // 2) // 1000 * 1000
        for true_ms in range(lease_ms - 1000, lease_ms + skew_ms + 2000, 50):
            date_ms = (grain_ms + true_ms + apart_ms // 2) // 1000 * 1000
            seen = replace(lock, modified_at=from_ms(modified_ms), seen_at=from_ms(date_ms))
            if seen.lapsed(lease_ms=lease_ms, clock_skew_ms=skew_ms):
                earliest = min(earliest, true_ms)
                break
    return earliest


@pytest.mark.parametrize(("lease_ms", "skew_ms", "apart_ms"), CASES)
def test_stopwatch_at_the_bound_ends_a_term_just_before_its_lock_may_lapse(
    lease_ms: int, skew_ms: int, apart_ms: int
) -> None:
    leads_ms = lease_ms / slowest_rate(lease_ms, skew_ms, apart_ms)
    earliest = first_lapsed(lease_ms, skew_ms, apart_ms)
    assert earliest - 100 < leads_ms <= earliest


def test_thirty_seconds_of_lease_leave_room_for_three_per_cent_of_drift() -> None:
    assert 1 - slowest_rate(30_000, 3_000, 2_000) > 0.03


def test_a_quarter_of_an_hour_leaves_room_for_a_thousandth() -> None:
    assert 1 - slowest_rate(900_000, 3_000, 2_000) > 0.001


def test_lease_with_a_part_of_a_second_loses_it() -> None:
    """Hence at most one second apart, not two, for leases of any length."""
    assert slowest_rate(30_999, 3_000, 2_000) > 0.9999
    assert 1 - slowest_rate(30_999, 3_000, 1_000) > 0.03


def test_a_day_of_lease_leaves_less_room_than_a_quartz_needs() -> None:
    """Hence the advice: of a long lease, add a thousandth to the allowance."""
    assert 1 - slowest_rate(86_400_000, 3_000, 2_000) < 20e-6
    assert 1 - slowest_rate(86_400_000, 90_000, 2_000) > 1e-3
