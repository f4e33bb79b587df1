"""How long a task may wait to be started, from the options that it shares with a function."""

from typing import Any

import aws_cdk as cdk
import pytest

from s3leader_cdk import FailureOptions, TakeoverOptions, TriggerOptions
from s3leader_cdk._task.options import check_options, scheduler_age

DAYS, HOURS = cdk.Duration.days, cdk.Duration.hours
MINUTES, SECONDS = cdk.Duration.minutes, cdk.Duration.seconds
WAITING = TakeoverOptions(lease=SECONDS(30), wait=MINUTES(5))


def age(takeover: TakeoverOptions | None = None, history: int | None = None, **given: Any) -> float:
    kept = None if history is None else DAYS(history)
    trigger = TriggerOptions(**given)
    return float(scheduler_age(trigger, takeover or TakeoverOptions(), history=kept).to_seconds())


def test_scheduler_tries_for_an_hour_by_default() -> None:
    assert age() == 3600


def test_scheduler_has_what_the_window_and_the_wait_leave() -> None:
    left = age(WAITING, flexible_window=MINUTES(15), max_tick_age=HOURS(1))
    assert left == 3600 - 900 - 300


def test_the_default_age_makes_room_for_the_window_and_the_wait() -> None:
    assert age(WAITING, flexible_window=MINUTES(15)) == 3600


@pytest.mark.parametrize("seconds", [359, 86_701])
def test_an_age_that_scheduler_does_not_take_is_refused(seconds: int) -> None:
    with pytest.raises(ValueError, match=rf"^max_tick_age {seconds} s .* give 360 to 86700 s"):
        age(WAITING, max_tick_age=SECONDS(seconds))


def test_a_tick_that_may_outlive_its_lock_is_refused() -> None:
    with pytest.raises(ValueError, match=r"48 h old .* history is 2 days: keep a longer history"):
        age(history=2, flexible_window=HOURS(24), max_tick_age=HOURS(48))


@pytest.mark.parametrize("attempts", [0, 2])
def test_no_retries_and_the_default_of_functions_are_accepted(attempts: int) -> None:
    failures = FailureOptions(retry_attempts=attempts)
    check_options(TriggerOptions(), TakeoverOptions(), failures)
