"""The alarm that no term was completed for too long."""

from __future__ import annotations

import math

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from s3leader_cdk._election.candidate_environment import seconds
from s3leader_cdk.metrics import election_metric

_MINUTE = 60
_PERIODS = 24  # for more than a day CloudWatch wants periods of at least an hour


def not_completed_alarm(
    scope: Construct,
    alarm_id: str,
    *,
    election: str,
    bucket: str,
    description: str,
    expected: Duration,
    several_regions: bool,
) -> cloudwatch.Alarm:
    """Return the alarm that fires if no term was completed within `expected`.

    With contenders in one Region it fires on the metric `Completed`; no data means no completed
    term. With several, only the winner's Region has that metric, but every contender reports
    `Behind`: by how much the latest completed tick is older than its own. The alarm fires if the
    minimum of that was more than `expected` for `expected`, or if this Region's contenders reported
    nothing.
    """
    period, periods = _divide(expected)
    name, statistic = ("Behind", "Minimum") if several_regions else ("Completed", "Sum")
    operators = cloudwatch.ComparisonOperator
    return cloudwatch.Alarm(
        scope,
        alarm_id,
        metric=election_metric(
            name, election=election, bucket=bucket, period=period, statistic=statistic
        ),
        alarm_description=description,
        comparison_operator=(
            operators.GREATER_THAN_THRESHOLD if several_regions else operators.LESS_THAN_THRESHOLD
        ),
        threshold=seconds(expected) if several_regions else 1,
        evaluation_periods=periods,
        treat_missing_data=cloudwatch.TreatMissingData.BREACHING,
    )


def _divide(expected: Duration) -> tuple[Duration, int]:
    """Divide `expected` into equal periods of whole minutes, as CloudWatch requires.

    The periods are short: before CloudWatch treats missing data as breaching, it looks for older
    data a few periods further back than it is configured to.
    """
    expected_s = seconds(expected)
    period_s = math.ceil(expected_s / _PERIODS / _MINUTE) * _MINUTE
    return Duration.seconds(period_s), math.ceil(expected_s / period_s)
