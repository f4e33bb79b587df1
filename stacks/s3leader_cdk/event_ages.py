"""Divide `max_tick_age` among the queues in which the event of a tick can wait.

An event waits in up to four places, one after the other:

    flexible window -> EventBridge Scheduler's retries -> Lambda's queue and retries -> wait

If each place were allowed the whole age, a term could begin for a tick several times that old. So
the shares add up to `max_tick_age`, and a tick's last contender ends at most one timeout later.
"""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Annotations, Duration
from constructs import Construct

from s3leader_cdk._cdk_facts import of_seconds, seconds
from s3leader_cdk.job_options import TakeoverOptions, TriggerOptions

_HOUR_S, _DAY_S = 3_600, 86_400
_MIN_AGE_S = 60  # of EventBridge Scheduler and of Lambda
_MAX_IN_LAMBDA_S = 6 * _HOUR_S
_BEFORE_RETRY_S = (60, 120)  # Lambda's delay before its first and its second retry


@dataclass(frozen=True, kw_only=True)
class EventAges:
    """The maximum age of a tick, and how much of it an event may spend in each queue.

    Attributes:
        tick: the maximum age of a tick when a term for it begins.
        in_scheduler: how long EventBridge Scheduler tries to deliver, after the flexible window.
        in_lambda: how long Lambda keeps the event after that, retries included.
        for_retry: how long Lambda must keep the event to retry after a timeout; 0 for no retry.
        timeout: how long an invocation may run.
    """

    tick: Duration
    in_scheduler: Duration
    in_lambda: Duration
    for_retry: Duration
    timeout: Duration

    def check_history(self, history: Duration | None) -> None:
        """Raise `ValueError` if a tick could still run after its lock was deleted.

        The lock of a tick records that it is done. Once that lock is deleted, nothing stops a late
        contender from leading the tick again.
        """
        oldest_s = seconds(self.tick) + seconds(self.timeout)
        if history is not None and oldest_s >= seconds(history):
            raise ValueError(
                f"a tick could be {oldest_s / 3600:g} h old when its last contender ends"
                f" (max_tick_age {seconds(self.tick) / 3600:g} h, timeout"
                f" {seconds(self.timeout) / 3600:g} h), but the lock bucket's history is"
                f" {seconds(history) / _DAY_S:g} days: keep a longer history, or give a shorter"
                " max_tick_age"
            )

    def warn_of_late_retries(self, scope: Construct) -> None:
        """Warn if Lambda drops an event before it can retry a leader that timed out."""
        kept_s, retry_s = seconds(self.in_lambda), seconds(self.for_retry)
        if retry_s > kept_s:
            Annotations.of(scope).add_warning_v2(
                "s3leader:late-retry",
                f"max_tick_age {seconds(self.tick):g} s leaves {kept_s:g} s to Lambda's queue, and"
                f" the first retry after a timeout comes after {retry_s:g} s: Lambda does not retry"
                " a leader that timed out, and its event goes to the dead letters. Give a longer"
                " max_tick_age or a shorter timeout, or retry_attempts=0 if that is intended",
            )


def divide_max_tick_age(
    trigger: TriggerOptions,
    takeover: TakeoverOptions,
    *,
    timeout: Duration,
    retry_attempts: int,
) -> EventAges:
    """Return the shares of `trigger.max_tick_age`.

    Lambda gets half of what `flexible_window` and `wait` leave, or what its retries need after
    timeouts if that is more. Scheduler gets the rest, as it only has to deliver the event.

    Raises:
        ValueError: if the age is too short for all of them, or longer than they can use.
    """
    window_s, wait_s = _or_zero(trigger.flexible_window), _or_zero(takeover.wait)
    age_s = _or_zero(trigger.max_tick_age or of_seconds(window_s + wait_s + _HOUR_S))
    least_s, most_s = window_s + wait_s + 2 * _MIN_AGE_S, window_s + _DAY_S
    if not least_s <= age_s <= most_s:
        raise ValueError(
            f"max_tick_age {age_s:g} s cannot be used: give {least_s:g} to {most_s:g} s, to divide"
            f" among the flexible window ({window_s:g} s), delivery by EventBridge Scheduler (60 s"
            f" or more), Lambda's queue (60 s or more) and wait ({wait_s:g} s)"
        )
    left_s = int(age_s - window_s - wait_s)
    retries_s = retry_attempts * seconds(timeout) + sum(_BEFORE_RETRY_S[:retry_attempts])
    in_lambda_s = min(max(left_s // 2, int(retries_s)), left_s - _MIN_AGE_S, _MAX_IN_LAMBDA_S)
    retry_s = seconds(timeout) + _BEFORE_RETRY_S[0] if retry_attempts > 0 else 0
    return EventAges(
        tick=of_seconds(age_s),
        in_scheduler=of_seconds(left_s - in_lambda_s),
        in_lambda=of_seconds(in_lambda_s),
        for_retry=of_seconds(retry_s),
        timeout=timeout,
    )


def _or_zero(duration: Duration | None) -> float:
    return 0.0 if duration is None else seconds(duration)
