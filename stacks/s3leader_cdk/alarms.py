"""The alarm that no term was completed for too long."""

from __future__ import annotations

import math

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from s3leader_cdk._election.candidate_environment import seconds
from s3leader_cdk.metrics import election_metric

_MINUTE = 60
_PERIODS = 24  # so an alarm over more than a day has periods of over an hour, as it must


def not_completed_alarm(
    scope: Construct,
    alarm_id: str,
    *,
    election: str,
    bucket: str,
    description: str,
    completed_within: Duration,
    several_regions: bool,
) -> cloudwatch.Alarm:
    """Return the alarm that fires if no term was completed within `completed_within`.

    With contenders in one Region it fires on the metric `Completed`; no data means no completed
    term. With several, only the winner's Region has that metric, but every contender reports
    `Behind`: its own tick minus the latest completed tick. The alarm then fires if `Behind` stayed
    above `completed_within` for that long, or if this Region's contenders reported
    nothing.
    """
    period, periods = _divide(completed_within)
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
        threshold=seconds(completed_within) if several_regions else 1,
        evaluation_periods=periods,
        treat_missing_data=cloudwatch.TreatMissingData.BREACHING,
    )


def _divide(completed_within: Duration) -> tuple[Duration, int]:
    """Divide `completed_within` into equal periods of whole minutes, as CloudWatch requires.

    When data is missing, CloudWatch also evaluates a few periods before the configured ones. A data
    point there delays the alarm by that many periods, so the periods are short.
    """
    within_s = seconds(completed_within)
    period_s = math.ceil(within_s / _PERIODS / _MINUTE) * _MINUTE
    return Duration.seconds(period_s), math.ceil(within_s / period_s)
