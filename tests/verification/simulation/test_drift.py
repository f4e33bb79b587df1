"""How slow a holder's stopwatch may run: what the allowance for clock skew leaves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from s3leader._core.lock import Lock
from s3leader._core.times import from_ms

from .plan import slowest_rate


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


@pytest.mark.parametrize(
    ("lease_ms", "skew_ms", "apart_ms"),
    [
        (30_000, 3_000, 2_000),
        (30_000, 3_000, 1_000),
        (900_000, 3_000, 2_000),
        (61_999, 3_000, 1_000),
    ],
)
def test_stopwatch_at_the_bound_ends_a_term_just_before_its_lock_may_lapse(
    lease_ms: int, skew_ms: int, apart_ms: int
) -> None:
    leads_ms = lease_ms / slowest_rate(lease_ms, skew_ms, apart_ms)
    earliest = first_lapsed(lease_ms, skew_ms, apart_ms)
    assert earliest - 100 < leads_ms <= earliest


@pytest.mark.parametrize(
    ("lease_ms", "skew_ms", "apart_ms", "least", "most"),
    [
        pytest.param(30_000, 3_000, 2_000, 0.03, 0.033, id="30 s"),
        pytest.param(900_000, 3_000, 2_000, 0.001, 0.0012, id="15 min"),
        # A part of a second is lost: hence clocks at most one second apart, not two.
        pytest.param(30_999, 3_000, 2_000, 0, 0.0001, id="31 s but a millisecond"),
        pytest.param(30_999, 3_000, 1_000, 0.03, 0.033, id="... with clocks 1 s apart"),
        # Less than a quartz needs: hence the advice to add a thousandth of the lease.
        pytest.param(86_400_000, 3_000, 2_000, 0, 20e-6, id="1 day"),
        pytest.param(86_400_000, 90_000, 2_000, 1e-3, 1.1e-3, id="... with more allowance"),
    ],
)
def test_allowance_leaves_this_much_room_for_drift(
    lease_ms: int, skew_ms: int, apart_ms: int, least: float, most: float
) -> None:
    assert least < 1 - slowest_rate(lease_ms, skew_ms, apart_ms) < most
