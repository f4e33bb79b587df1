"""The metrics of an election from the log lines of `s3leader run`, by metric filters.

A function prints its metrics itself. A command runs anywhere, so `s3leader run --json` only logs:
a line of JSON for each event. The lines and keys that are read here (a contender is a text):

    {"event": "elected", "taken_over": false}
    {"event": "not_elected", "reason": "held", "requests": 2, "behind_s": 60}
    {"event": "ended", "outcome": "completed", "requests": 5, "duration_ms": 812, "behind_s": 0}
    {"event": "lost"}
    {"event": "error", "error": "CorruptLock"}

each with `"bucket": …, "election": …, "contender": …`. A line without a key that a metric needs
does not count for that metric.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from constructs import Construct

from s3leader_cdk._election.names import shortened
from s3leader_cdk._option_types import BUCKET_NAME, checked_options
from s3leader_cdk.metrics import METRICS_NAMESPACE

Value = str | bool | None
_LONGEST_PATTERN, _LONGEST_BUCKET = 1024, 63


@dataclass(frozen=True, kw_only=True)
class LineMetric:
    """A metric of the lines whose keys have these values.

    Attributes:
        metric: its name.
        event: what the line says.
        where: further keys; None stands for any value.
        value: the key whose number is the metric's value. Default: lines are counted.
        unit: of the value.
        by_contender: whether the contender is a dimension too.
    """

    metric: str
    event: str
    where: Mapping[str, Value] = field(default_factory=dict)
    value: str | None = None
    unit: cloudwatch.Unit = cloudwatch.Unit.COUNT
    by_contender: bool = False

    @property
    def id(self) -> str:
        """The id of the filter: a metric may be read from several events."""
        parts = [self.metric, *self.event.split("_")] if self.value is not None else [self.metric]
        ending = "ByContender" if self.by_contender else ""
        return "".join(each[0].upper() + each[1:] for each in parts) + ending

    def conditions(self, *, bucket: str, election: str) -> dict[str, Value]:
        """Return the values that the keys of a line must have; None stands for any.

        CloudWatch takes as dimensions only keys that the pattern names.
        """
        needed: dict[str, Value] = {} if self.value is None else {self.value: None}
        if self.by_contender:
            needed["contender"] = None
        return {
            "event": self.event,
            "bucket": bucket,
            "election": election,
            **self.where,
            **needed,
        }


def _of_event(event: str, **numbers: tuple[str, cloudwatch.Unit]) -> list[LineMetric]:
    return [
        LineMetric(metric=metric, event=event, value=key, unit=unit)
        for metric, (key, unit) in numbers.items()
    ]


_REQUESTS = ("requests", cloudwatch.Unit.COUNT)
_BEHIND = ("behind_s", cloudwatch.Unit.SECONDS)
_DURATION = ("duration_ms", cloudwatch.Unit.MILLISECONDS)
_LOST, _OVER = "not_elected", "ended"

LINE_METRICS = (
    LineMetric(metric="Won", event="elected"),
    LineMetric(metric="Won", event="elected", by_contender=True),
    LineMetric(metric="TakenOver", event="elected", where={"taken_over": True}),
    LineMetric(metric="Lost", event=_LOST),
    LineMetric(metric="Lost", event=_LOST, by_contender=True),
    *(
        LineMetric(metric=f"Lost{reason.capitalize()}", event=_LOST, where={"reason": reason})
        for reason in ("held", "done", "beaten", "exhausted")
    ),
    *_of_event(_LOST, Requests=_REQUESTS, Behind=_BEHIND),
    *(
        LineMetric(metric=outcome.capitalize(), event=_OVER, where={"outcome": outcome})
        for outcome in ("completed", "failed", "resigned")
    ),
    *_of_event(_OVER, Requests=_REQUESTS, Behind=_BEHIND, Duration=_DURATION),
    LineMetric(metric="LeadershipLost", event="lost"),
    LineMetric(metric="CorruptLock", event="error", where={"error": "CorruptLock"}),
    LineMetric(metric="CampaignFailed", event="error"),
)


class LogMetrics(Construct):
    """Metric filters that make the metrics of `election_metric` from lines of `s3leader run`.

    A log group may have 100 metric filters, and each election takes 20 of them.

    Children: `filters`, by id, such as `Won` and `RequestsNotElected`.

    Args:
        log_group: what the command's container logs to, of class Standard.
        election: the name of the election.
        bucket: the name of the lock bucket that the election is held in.
    """

    @checked_options(bucket=BUCKET_NAME)
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - the name that every construct uses
        *,
        log_group: logs.ILogGroup,
        election: str,
        bucket: str,
    ) -> None:
        super().__init__(scope, id)
        _check_length(election)
        self.filters = {
            each.id: self._filter(each, log_group, conditions)
            for each in LINE_METRICS
            for conditions in [each.conditions(bucket=bucket, election=election)]
        }

    def _filter(
        self, line: LineMetric, log_group: logs.ILogGroup, conditions: Mapping[str, Value]
    ) -> logs.MetricFilter:
        names = ["bucket", "election", *(["contender"] if line.by_contender else [])]
        return logs.MetricFilter(
            self,
            line.id,
            log_group=log_group,
            filter_pattern=logs.FilterPattern.literal(filter_pattern(conditions)),
            metric_namespace=METRICS_NAMESPACE,
            metric_name=line.metric,
            metric_value="1" if line.value is None else f"$.{line.value}",
            unit=line.unit,
            dimensions={name: f"$.{name}" for name in names},
        )


def _check_length(election: str) -> None:
    """Raise `ValueError` for a name with which a pattern is longer than CloudWatch takes."""
    longest = max(
        len(filter_pattern(each.conditions(bucket="b" * _LONGEST_BUCKET, election=election)))
        for each in LINE_METRICS
    )
    if longest > _LONGEST_PATTERN:
        raise ValueError(
            f"election {shortened(election)!r} has {len(election)} characters, with which the"
            f" pattern of a metric filter is longer than {_LONGEST_PATTERN:,}: shorten the name to"
            f" {len(election) - longest + _LONGEST_PATTERN}"
        )


def filter_pattern(conditions: Mapping[str, Value]) -> str:
    """Return a filter pattern of CloudWatch Logs for JSON lines."""
    terms = [f"({_term(key, value)})" for key, value in conditions.items()]
    return f"{{ {' && '.join(terms)} }}"


def _term(key: str, value: Value) -> str:
    if isinstance(value, bool):
        return f"$.{key} IS {str(value).upper()}"
    return f"$.{key} = *" if value is None else f'$.{key} = "{value}"'
