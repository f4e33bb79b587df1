"""The two kinds of alarms: something was counted, or no term was completed for too long."""

from __future__ import annotations

import math

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from s3leader_cdk._election.candidate_environment import seconds
from s3leader_cdk.metrics import election_metric

_MINUTE = 60
_PERIODS = 24  # for more than a day CloudWatch wants periods of at least an hour
_AT_LEAST = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
_MORE = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
_LESS = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD


def count_alarm(
    scope: Construct,
    alarm_id: str,
    metric: cloudwatch.IMetric,
    *,
    description: str,
    threshold: int,
    missing: cloudwatch.TreatMissingData,
) -> cloudwatch.Alarm:
    """Return an alarm that fires on one data point of at least `threshold`."""
    return cloudwatch.Alarm(
        scope,
        alarm_id,
        metric=metric,
        alarm_description=description,
        comparison_operator=_AT_LEAST,
        threshold=threshold,
        evaluation_periods=1,
        treat_missing_data=missing,
    )


def silence_alarm(
    scope: Construct,
    alarm_id: str,
    *,
    election: str,
    bucket: str,
    description: str,
    expected: Duration,
) -> cloudwatch.Alarm:
    """Return an alarm for contenders of one Region: no term was completed within `expected`.

    No data means no completed term.
    """
    period, periods = silence_periods(expected)
    return cloudwatch.Alarm(
        scope,
        alarm_id,
        metric=election_metric("Completed", election=election, bucket=bucket, period=period),
        alarm_description=description,
        comparison_operator=_LESS,
        threshold=1,
        evaluation_periods=periods,
        treat_missing_data=cloudwatch.TreatMissingData.BREACHING,
    )


def behind_alarm(
    scope: Construct,
    alarm_id: str,
    *,
    election: str,
    bucket: str,
    description: str,
    expected: Duration,
) -> cloudwatch.Alarm:
    """Return an alarm for contenders of several Regions, on what those of this Region see.

    Only the winner's Region has the metric `Completed`, but every contender reports `Behind`: by
    how much the latest completed tick is older than its own. The alarm fires if the minimum of that
    was more than `expected` for `expected`, or if this Region's contenders reported nothing.
    """
    period, periods = silence_periods(expected)
    return cloudwatch.Alarm(
        scope,
        alarm_id,
        metric=election_metric(
            "Behind", election=election, bucket=bucket, period=period, statistic="Minimum"
        ),
        alarm_description=description,
        comparison_operator=_MORE,
        threshold=seconds(expected),
        evaluation_periods=periods,
        treat_missing_data=cloudwatch.TreatMissingData.BREACHING,
    )


def silence_periods(expected: Duration) -> tuple[Duration, int]:
    """Divide `expected` into equal periods of whole minutes, as CloudWatch requires.

    The periods are short: before CloudWatch treats missing data as breaching, it looks for older
    data a few periods further back than it is configured to.
    """
    expected_s = seconds(expected)
    period_s = math.ceil(expected_s / _PERIODS / _MINUTE) * _MINUTE
    return Duration.seconds(period_s), math.ceil(expected_s / period_s)
