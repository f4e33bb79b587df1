"""`max_tick_age` bounds the sum of all delays of a tick, not each delay."""

from __future__ import annotations

import pytest
from aws_cdk import Duration
from hypothesis import given
from hypothesis import strategies as st

from s3leader_cdk import TakeoverOptions, TriggerOptions
from s3leader_cdk.event_ages import EventAges, divide_max_tick_age

HOUR, DAY = 3_600, 86_400


def ages(
    asked: int | None, *, window: int = 0, wait: int = 0, timeout: int = 300, retries: int = 2
) -> EventAges:
    given = (asked, window, wait)
    age, flexible, waited = (Duration.seconds(each) if each else None for each in given)
    trigger = TriggerOptions(max_tick_age=age, flexible_window=flexible)
    takeover = TakeoverOptions(lease=Duration.seconds(5) if wait else None, wait=waited)
    allowed = Duration.seconds(timeout)
    return divide_max_tick_age(trigger, takeover, timeout=allowed, retry_attempts=retries)


def queues(found: EventAges) -> tuple[float, float]:
    return found.in_scheduler.to_seconds(), found.in_lambda.to_seconds()


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (ages(None), (1_800, 1_800)),
        (ages(None, window=900, wait=240), (1_800, 1_800)),
        (ages(120), (60, 60)),
        (ages(2 * HOUR, window=900, wait=300), (3_000, 3_000)),
        (ages(DAY), (DAY - 6 * HOUR, 6 * HOUR)),
        (ages(3_000, timeout=900), (3_000 - 1_980, 1_980)),  # what two retries need
        (ages(1_000, timeout=900), (60, 940)),
        (ages(3_000, timeout=900, retries=0), (1_500, 1_500)),
    ],
)
def test_the_age_is_divided(found: EventAges, expected: tuple[int, int]) -> None:
    assert queues(found) == expected


@given(
    st.integers(0, 1_440).map(lambda minutes: minutes * 60),
    st.just(0) | st.integers(9, 899),
    st.integers(1, 900),
    st.integers(0, 2),
    st.data(),
)
def test_the_sum_of_all_delays_is_at_most_the_age(
    window: int, wait: int, timeout: int, retries: int, data: st.DataObject
) -> None:
    asked = data.draw(st.integers(window + wait + 120, window + DAY))
    found = ages(asked, window=window, wait=wait, timeout=timeout, retries=retries)
    in_scheduler, in_lambda = queues(found)
    assert window + wait + in_scheduler + in_lambda <= asked
    assert 60 <= in_scheduler <= DAY
    assert 60 <= in_lambda <= 6 * HOUR


@pytest.mark.parametrize(
    ("asked", "window", "wait", "limits"),
    [
        (119, 0, 0, "give 120 to 86400 s"),
        (86_401, 0, 0, "give 120 to 86400 s"),
        (1_019, 900, 0, "give 1020 to 87300 s"),
        (1_259, 900, 240, "give 1260 to 87300 s"),
    ],
)
def test_an_age_that_cannot_be_divided_is_refused(
    asked: int, window: int, wait: int, limits: str
) -> None:
    with pytest.raises(ValueError, match=f"max_tick_age {asked} s cannot be used: {limits}, to d"):
        ages(asked, window=window, wait=wait)


def test_the_first_retry_comes_a_minute_after_a_timeout() -> None:
    assert ages(None, timeout=900).for_retry.to_seconds() == 960
    assert ages(None, retries=0).for_retry.to_seconds() == 0
