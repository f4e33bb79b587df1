"""The metrics and the logger of an invocation: the one module that imports Powertools."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

try:
    from aws_lambda_powertools import Logger
    from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
except ImportError as error:  # pragma: no cover - tested with the wheel, without extras
    raise ImportError(
        "s3leader.aws_lambda needs Powertools for AWS Lambda: pip install 's3leader[lambda]'"
    ) from error

__all__ = ["NAMESPACE", "Logger", "Metrics"]

NAMESPACE: Final = "s3leader"


class Metrics:
    """The metrics of one election, in CloudWatch's embedded metric format.

    Their dimensions are the bucket and the election. If there is a contender, some are written a
    second time with that dimension.
    """

    def __init__(
        self, election: str, bucket: str, function_name: str, contender: int | None
    ) -> None:
        dimensions = {"bucket": bucket, "election": election}
        self._of_election = _metrics(function_name, dimensions)
        # A second object: several sets of dimensions in one would repeat, and charge for, all
        # metrics.
        self._of_contender = None
        if contender is not None:
            dimensions["contender"] = str(contender)
            self._of_contender = _metrics(function_name, dimensions)

    def count(self, name: str, number: float = 1, *, by_contender: bool = False) -> None:
        """Add to a count."""
        self._of_election.add_metric(name=name, unit=MetricUnit.Count, value=number)
        if by_contender and self._of_contender is not None:
            self._of_contender.add_metric(name=name, unit=MetricUnit.Count, value=number)

    def seconds(self, name: str, value: float) -> None:
        """Add a metric in seconds."""
        self._of_election.add_metric(name=name, unit=MetricUnit.Seconds, value=value)

    def milliseconds(self, name: str, value: float) -> None:
        """Add a metric in milliseconds."""
        self._of_election.add_metric(name=name, unit=MetricUnit.Milliseconds, value=value)

    def flush(self) -> None:
        """Write what was added."""
        for metrics in (self._of_election, self._of_contender):
            if metrics is not None and metrics.metric_set:
                metrics.flush_metrics()


def _metrics(function_name: str, dimensions: Mapping[str, str]) -> EphemeralMetrics:
    metrics = EphemeralMetrics(namespace=NAMESPACE)
    metrics.service = ""  # the environment must not add a dimension: alarms name these only
    for name, value in dimensions.items():
        metrics.add_dimension(name=name, value=value)
    metrics.add_metadata(key="function_name", value=function_name)
    return metrics
