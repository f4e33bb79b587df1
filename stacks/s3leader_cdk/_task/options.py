"""The options that a task shares with a function, and what they cannot mean for a task."""

from __future__ import annotations

from aws_cdk import Duration

from s3leader_cdk._cdk_facts import seconds
from s3leader_cdk.job_options import (
    MAX_RETRIES,
    FailureOptions,
    TakeoverOptions,
    TriggerOptions,
)

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3_600, 86_400


def check_options(
    trigger: TriggerOptions, takeover: TakeoverOptions, failures: FailureOptions
) -> None:
    """Raise `ValueError` for options that only a Lambda function can have."""
    if trigger.catch_up != "latest":
        raise ValueError(
            f"catch_up {trigger.catch_up!r} cannot be used with a task: a contender leads the one"
            " tick in its environment. Leave catch_up out, and let the command work off"
            " everything since the last completed tick; or use a SingletonJob"
        )
    if takeover.max_continuations:
        raise ValueError(
            f"max_continuations {takeover.max_continuations} cannot be used with a task, which may"
            " run for as long as it needs: leave it out"
        )
    if failures.retry_attempts not in (0, MAX_RETRIES):  # the default counts as not given
        raise ValueError(
            f"retry_attempts {failures.retry_attempts} cannot be used with a task, which ECS does"
            " not run again: leave it out, and give TakeoverOptions(lease=…, wait=…), so that"
            " another contender leads the tick again"
        )


def scheduler_age(
    trigger: TriggerOptions, takeover: TakeoverOptions, *, history: Duration | None
) -> Duration:
    """Return how long EventBridge Scheduler tries to start a task after the flexible window.

    A tick waits in the window, then in Scheduler's retries, and then its contender may wait.

    Raises:
        ValueError: if `max_tick_age` is too short or longer than they can use, or if a lock could
            be deleted before a late contender has seen that its tick is done.
    """
    window_s = 0 if trigger.flexible_window is None else seconds(trigger.flexible_window)
    wait_s = 0 if takeover.wait is None else seconds(takeover.wait)
    fixed_s = window_s + wait_s
    asked = trigger.max_tick_age
    age_s = fixed_s + _HOUR_S if asked is None else seconds(asked)
    if not fixed_s + _MINUTE_S <= age_s <= fixed_s + _DAY_S:
        raise ValueError(
            f"max_tick_age {age_s:g} s cannot be used: give {fixed_s + _MINUTE_S:g} to"
            f" {fixed_s + _DAY_S:g} s, to divide among the flexible window ({window_s:g} s), starts"
            f" by EventBridge Scheduler (60 s to 24 hours) and wait ({wait_s:g} s)"
        )
    if history is not None and age_s >= seconds(history):
        raise ValueError(
            f"a tick could be {age_s / _HOUR_S:g} h old when its last contender campaigns, but the"
            f" lock bucket's history is {seconds(history) / _DAY_S:g} days: keep a longer history,"
            " or give a shorter max_tick_age"
        )
    return Duration.seconds(age_s - fixed_s)
