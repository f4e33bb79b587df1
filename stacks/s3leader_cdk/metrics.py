"""The metrics that the runtime emits, as CDK metrics."""

from __future__ import annotations

import jsii
from aws_cdk import Duration, IStableStringProducer, Lazy
from aws_cdk import aws_cloudwatch as cloudwatch

METRICS_NAMESPACE = "s3leader"
PERIOD = Duration.minutes(1)

_CDK_LONGEST_DIMENSION = 255


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
            `Completed`, `Failed`, `Resigned`, `RenewedLate`, `LeadershipLost`, `TaggingFailed`,
            `CorruptLock`, `CampaignFailed`, `Requests` (counts), `Duration` (milliseconds) or
            `Behind` (seconds).
        election: the name of the election.
        bucket: the name of the lock bucket; the same name in another bucket is another
            election.
        contender: the number of the contender, for `Won` and `Lost`. Default: all contenders.
        region: of the function that emits it. Default: that of the alarm or dashboard.
        period: over which it is aggregated. Default: one minute.
        statistic: of the aggregate. Default: `Sum`.
        label: in graphs. Default: its name.
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
    # CloudWatch takes 1,024 characters. CDK still enforces the former limit of 255, except on
    # values that it resolves at the end.
    return value if len(value) <= _CDK_LONGEST_DIMENSION else Lazy.string(_Late(value))
