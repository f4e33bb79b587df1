"""The metrics that the runtime emits, as CDK knows metrics."""

from __future__ import annotations

import jsii
from aws_cdk import Duration, IStableStringProducer, Lazy
from aws_cdk import aws_cloudwatch as cloudwatch

from s3leader_cdk._option_types import BUCKET_NAME, checked_options

METRICS_NAMESPACE = "s3leader"
PERIOD = Duration.minutes(1)

_CDK_LONGEST_DIMENSION = 255


@checked_options(bucket=BUCKET_NAME)
def election_metric(
    name: str,
    *,
    election: str,
    bucket: str,
    contender: int | None = None,
    region: str | None = None,
    period: Duration = PERIOD,
    statistic: str = "Sum",
    label: str | None = None,
) -> cloudwatch.Metric:
    """Return a metric that the runtime emits for `election` in `bucket`.

    Args:
        name: `Won`, `Lost`, `LostHeld`, `LostDone`, `LostBeaten`, `LostExhausted`, `TakenOver`,
            `Completed`, `Failed`, `Resigned`, `LeadershipLost`, `CorruptLock`, `CampaignFailed`,
            `Requests` (counts), `Duration` (milliseconds) or `Behind` (seconds).
        election: the name of the election.
        bucket: the name of the lock bucket; elections of one name in two buckets are two.
        contender: whose `Won` or `Lost`, by the number in its event. Default: all contenders'.
        region: where the function runs that emits it. Default: where it is asked for.
        period: over which it is added up. Default: one minute.
        statistic: how. Default: `Sum`.
        label: what a graph calls it. Default: its name.
    """
    dimensions = {"bucket": bucket, "election": _dimension(election)}
    if contender is not None:
        dimensions["contender"] = str(contender)
    return cloudwatch.Metric(
        namespace=METRICS_NAMESPACE,
        metric_name=name,
        dimensions_map=dimensions,
        region=region,
        period=period,
        statistic=statistic,
        label=label,
    )


@jsii.implements(IStableStringProducer)
class _Late:
    def __init__(self, text: str) -> None:
        self._text = text

    def produce(self) -> str:
        return self._text


def _dimension(value: str) -> str:
    # CloudWatch takes 1,024 characters. CDK holds on to the 255 of former times, but does not
    # count those of what is only known when the template is written.
    return value if len(value) <= _CDK_LONGEST_DIMENSION else Lazy.string(_Late(value))
