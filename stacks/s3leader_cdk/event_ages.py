"""Divide `max_tick_age` among the queues in which the event of a tick can wait."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Annotations, Duration
from constructs import Construct

from s3leader_cdk._election.candidate_environment import seconds

_HOUR_S, _DAY_S = 3_600, 86_400
_MIN_AGE_S = 60  # of EventBridge Scheduler and of Lambda
_MAX_IN_LAMBDA_S = 6 * _HOUR_S
_BEFORE_RETRY_S = (60, 120)  # Lambda's delay before its first and its second retry


@dataclass(frozen=True, kw_only=True)
class EventAges:
    """How long an event may wait in each queue, and how old its tick may become.

    Attributes:
        tick: the maximum age of a tick when a term for it begins.
        flexible_window: how long after the tick EventBridge Scheduler may begin to deliver.
        in_scheduler: how long EventBridge Scheduler tries to deliver.
        in_lambda: how long Lambda keeps the event after that, retries included.
        for_retry: how long Lambda must keep the event to retry after a time-out; 0 for no retry.
    """

    tick: Duration
    flexible_window: Duration | None
    in_scheduler: Duration
    in_lambda: Duration
    for_retry: Duration


def divided(
    asked: Duration | None,
    *,
    flexible_window: Duration | None,
    wait: Duration | None,
    timeout: Duration,
    retry_attempts: int,
) -> EventAges:
    """Divide the maximum age of a tick among the stages that can delay it.

    In order, these are the flexible window, EventBridge Scheduler's retries, Lambda's queue with
    its retries, and a contender that waits for another's lock. If each were allowed the whole age,
    work could start for a tick several times that old. Lambda gets half of what the window and the
    wait leave, or what its retries need after time-outs if that is more. Scheduler gets the rest,
    as it only has to deliver the event.

    Raises:
        ValueError: if the age is too short for all of them, or longer than they can use.
    """
    window_s, wait_s = _or_zero(flexible_window), _or_zero(wait)
    age_s = window_s + wait_s + _HOUR_S if asked is None else seconds(asked)
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
    return EventAges(
        tick=Duration.seconds(age_s),
        flexible_window=flexible_window,
        in_scheduler=Duration.seconds(left_s - in_lambda_s),
        in_lambda=Duration.seconds(in_lambda_s),
        for_retry=Duration.seconds(
            seconds(timeout) + _BEFORE_RETRY_S[0] if retry_attempts > 0 else 0
        ),
    )


def warn_of_late_retries(scope: Construct, ages: EventAges) -> None:
    """Warn if Lambda drops an event before it can retry a leader that ran into its time-out."""
    kept_s, retry_s = seconds(ages.in_lambda), seconds(ages.for_retry)
    if retry_s > kept_s:
        Annotations.of(scope).add_warning_v2(
            "s3leader:late-retry",
            f"max_tick_age {seconds(ages.tick):g} s leaves {kept_s:g} s to Lambda's queue, and the"
            f" first retry after a time-out comes after {retry_s:g} s: Lambda does not retry a"
            " leader that ran into its time-out, and its event goes to the dead letters. Give a"
            " longer max_tick_age or a shorter timeout, or retry_attempts=0 if that is meant",
        )


def _or_zero(duration: Duration | None) -> float:
    return 0.0 if duration is None else seconds(duration)
