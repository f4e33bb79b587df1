"""Alarms: the kinds there are, and how long a silence is one."""

from __future__ import annotations

import math
from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from s3leader_cdk._election.names import shortened
from s3leader_cdk.metrics import election_metric

_MINUTE, _DAY = 60, 86_400
_SHORTEST_SILENCE = 3 * _MINUTE
_LONGEST_SILENCE = 7 * _DAY  # CloudWatch looks back no further
_PIECES = 24  # for more than a day CloudWatch wants periods of an hour at least


def any_alarm(
    scope: Construct,
    alarm_id: str,
    metric: cloudwatch.IMetric,
    description: str,
    actions: Sequence[cloudwatch.IAlarmAction],
    *,
    missing: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING,
) -> cloudwatch.Alarm:
    """Return an alarm for which one is enough; `missing` data is good by default."""
    alarm = cloudwatch.Alarm(
        scope,
        alarm_id,
        metric=metric,
        alarm_description=description,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        threshold=1,
        evaluation_periods=1,
        treat_missing_data=missing,
    )
    alarm.add_alarm_action(*actions)
    return alarm


def silence_alarm(
    scope: Construct,
    alarm_id: str,
    *,
    election: str,
    bucket: str,
    expected: Duration,
    several_regions: bool,
    actions: Sequence[cloudwatch.IAlarmAction],
) -> cloudwatch.Alarm:
    """Return an alarm for `expected` without a completed term; no data is no completed term.

    Where contenders of several Regions may win, only the winner's Region sees `Completed`. So
    there it goes by what they all see: an alarm if for `expected` the ledger was further behind
    their ticks than that, without a break, or nothing was heard of them.
    """
    period, periods = silence_periods(expected)
    name, statistic = ("Behind", "Minimum") if several_regions else ("Completed", "Sum")
    operators = cloudwatch.ComparisonOperator
    silent = ", or this Region's contenders are silent" if several_regions else ""
    alarm = cloudwatch.Alarm(
        scope,
        alarm_id,
        metric=election_metric(
            name, election=election, bucket=bucket, period=period, statistic=statistic
        ),
        alarm_description=f"No term of election {shortened(election)} was completed in the time"
        f" expected{silent}. A new stack is in this state until its first term is over.",
        comparison_operator=operators.GREATER_THAN_THRESHOLD
        if several_regions
        else operators.LESS_THAN_THRESHOLD,
        threshold=expected.to_seconds() if several_regions else 1,
        evaluation_periods=periods,
        treat_missing_data=cloudwatch.TreatMissingData.BREACHING,
    )
    alarm.add_alarm_action(*actions)
    return alarm


def expected(
    asked: Duration | None, interval: Duration | None, timeout: Duration, window: Duration | None
) -> Duration | None:
    """Return within what time a completed term is expected, None where nobody can tell.

    By default one tick may be missed; two are a fault.
    """
    if asked is not None or interval is None:
        return asked
    delay_s = timeout.to_seconds() + (0 if window is None else window.to_seconds())
    seconds = 2 * interval.to_seconds() + delay_s
    return Duration.seconds(max(seconds, _SHORTEST_SILENCE))


def silence_periods(expected: Duration) -> tuple[Duration, int]:
    """Cut `expected` into equal periods as CloudWatch allows them: whole minutes.

    Small ones, since before CloudWatch takes missing data for a breach, it looks for other data
    some periods further back than it was told to.
    """
    seconds = expected.to_seconds()
    if not _SHORTEST_SILENCE <= seconds <= _LONGEST_SILENCE:
        raise ValueError(
            f"expected_within of {seconds:g} s cannot be watched: give 3 minutes to 7 days, or"
            " watch the metrics Completed and Behind by other means"
        )
    period = math.ceil(seconds / _PIECES / _MINUTE) * _MINUTE
    return Duration.seconds(period), math.ceil(seconds / period)
