"""A dashboard of an election: terms, wins and losses, durations and requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from s3leader_cdk.metrics import election_metric

_PERIOD = Duration.minutes(5)
_SHOWN = Duration.days(3)
_DEFAULT_PREFIX = "elections/"
_FULL, _HALF, _THIRD, _QUARTER = 24, 12, 8, 6
_MOST_ALARMS = 100  # in one widget, by CloudWatch
_LOST = ("LostHeld", "LostDone", "LostBeaten", "LostExhausted")


@dataclass(frozen=True, kw_only=True)
class Watched:
    """An election and the Regions of its contenders; none means the dashboard's own."""

    election: str
    bucket: str
    prefix: str
    regions: tuple[str, ...]
    contenders: int
    continuations: bool
    here: str

    def metric(
        self,
        name: str,
        *,
        region: str | None = None,
        contender: int | None = None,
        statistic: str = "Sum",
        label: str | None = None,
    ) -> cloudwatch.Metric:
        """Return one series, labelled with what distinguishes it."""
        shown = [label or name, "" if contender is None else str(contender), region or ""]
        return election_metric(
            name,
            election=self.election,
            bucket=self.bucket,
            contender=contender,
            region=region,
            period=_PERIOD,
            statistic=statistic,
            label=" ".join(filter(None, shown)),
        )

    def everywhere(self, *names: str) -> list[cloudwatch.IMetric]:
        """Return the sums of metrics, a series for each Region."""
        return [
            self.metric(name, region=region) for name in names for region in self.regions or (None,)
        ]

    def statistics(self, name: str, *statistics: str) -> list[cloudwatch.IMetric]:
        """Return several statistics of a metric, a series for each Region."""
        return [
            self.metric(name, region=region, statistic=statistic, label=statistic)
            for statistic in statistics
            for region in self.regions or (None,)
        ]


def create_dashboard(
    scope: Construct,
    elections: Sequence[Watched],
    *,
    function: lambda_.IFunction | None,
    queues: Mapping[str, sqs.IQueue],
    alarms: Sequence[cloudwatch.Alarm],
) -> cloudwatch.Dashboard:
    """Return the dashboard of one election.

    CloudFormation names it, as names are shared by all Regions.
    """
    (watched,) = elections
    takeovers = watched.everywhere("TakenOver", *_LOST)
    durations = watched.statistics("Duration", "p50", "p95", "Maximum")
    lag = watched.statistics("Behind", "Minimum", "Maximum")
    requests = watched.everywhere("Requests")
    failed = watched.everywhere("CampaignFailed", "CorruptLock")
    rows: list[list[cloudwatch.IWidget]] = [
        [cloudwatch.TextWidget(markdown=_header(watched), width=_FULL, height=4)],
        [
            cloudwatch.AlarmStatusWidget(
                title="Alarms in this Region", alarms=[*alarms], width=_FULL
            )
        ],
        [_terms(watched), *_wins_and_losses(watched)],
        [
            _graph("Takeovers, and losses by reason", takeovers, width=_THIRD),
            _graph("Duration of the work", durations, width=_THIRD),
            _graph(
                "Latest completed tick behind the current one; missed and repeated ticks (right)",
                lag,
                right=watched.everywhere("Missed", "Repeated"),
                width=_THIRD,
            ),
        ],
        [
            _graph(
                "Requests to S3; late renewals and terms that could not tag old locks (right)",
                requests,
                right=watched.everywhere("RenewedLate", "TaggingFailed"),
                width=_QUARTER,
            ),
            _graph("Campaigns that failed", failed, width=_QUARTER),
            *_invocations(function),
            *_waiting(queues),
        ],
        *([_legs(watched)] if watched.continuations else []),
    ]
    return cloudwatch.Dashboard(scope, "Dashboard", default_interval=_SHOWN, widgets=rows)


def create_dashboard_of_many(
    scope: Construct,
    elections: Sequence[Watched],
    *,
    function: lambda_.IFunction | None,
    queues: Mapping[str, sqs.IQueue],
    alarms: Sequence[cloudwatch.Alarm],
) -> cloudwatch.Dashboard:
    """Return the dashboard of several elections of one bucket: a line for each in each graph."""

    def graph(  # a line for each name, election and Region
        title: str, *names: str, statistic: str = "Sum", width: int = _HALF
    ) -> cloudwatch.IWidget:
        lines: list[cloudwatch.IMetric] = [
            each.metric(
                name,
                region=region,
                statistic=statistic,
                label=each.election if len(names) == 1 else f"{each.election} {name}",
            )
            for name in names
            for each in elections
            for region in each.regions or (None,)
        ]
        return _graph(title, lines, width=width)

    rows: list[list[cloudwatch.IWidget]] = [
        [cloudwatch.TextWidget(markdown=_header_of_many(elections), width=_FULL, height=4)],
        *_statuses(alarms),
        [
            graph("Completed terms", "Completed"),
            graph("Latest completed tick behind the current one", "Behind", statistic="Maximum"),
        ],
        [
            graph("Failed terms, and leaders that lost the leadership", "Failed", "LeadershipLost"),
            graph("Campaigns that failed", "CampaignFailed", "CorruptLock"),
        ],
        [
            graph("Duration of the work, longest", "Duration", statistic="Maximum"),
            graph("Takeovers", "TakenOver"),
        ],
        [
            graph("Requests to S3", "Requests", width=_QUARTER),
            *([graph("Continued terms", "Continued", width=_QUARTER)] * elections[0].continuations),
            *_invocations(function),
            *_waiting(queues),
        ],
    ]
    return cloudwatch.Dashboard(scope, "Dashboard", default_interval=_SHOWN, widgets=rows)


def _header_of_many(elections: Sequence[Watched]) -> str:
    first = elections[0]
    return (
        f"## {len(elections)} elections\n\nTheir locks are in the bucket `{first.bucket}` under"
        f" `{first.prefix}`. To see who leads one of them, since when and why:\n\n"
        f"```\n{_command(first)}\n```\n"
    )


def _statuses(alarms: Sequence[cloudwatch.Alarm]) -> list[list[cloudwatch.IWidget]]:
    title = "Alarms in this Region"
    parts = [alarms[begin : begin + _MOST_ALARMS] for begin in range(0, len(alarms), _MOST_ALARMS)]
    return [
        [cloudwatch.AlarmStatusWidget(title=title, alarms=[*part], width=_FULL)] for part in parts
    ]


def _command(watched: Watched) -> str:
    prefix = "" if watched.prefix == _DEFAULT_PREFIX else f" --prefix '{watched.prefix}'"
    return f"s3leader status {watched.election} --bucket {watched.bucket}{prefix}"


def _header(watched: Watched) -> str:
    where = (
        f" Contenders run in {', '.join(watched.regions)}; *this Region* is {watched.here}."
        if watched.regions
        else ""
    )
    return (
        f"## Election `{watched.election}`\n\n"
        f"Its locks are in the bucket `{watched.bucket}` under"
        f" `{watched.prefix}{watched.election}/`.{where} To see who leads, since when and why:\n\n"
        f"```\n{_command(watched)}\n```\n"
    )


def _graph(
    title: str,
    left: Sequence[cloudwatch.IMetric],
    *,
    width: int,
    right: Sequence[cloudwatch.IMetric] = (),
    stacked: bool = False,
) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title=title,
        left=[*left],
        right=[*right],
        width=width,
        stacked=stacked,
        left_y_axis=cloudwatch.YAxisProps(min=0),
        right_y_axis=cloudwatch.YAxisProps(min=0) if right else None,
    )


def _legs(watched: Watched) -> list[cloudwatch.IWidget]:
    longest = watched.statistics("Leg", "Maximum")
    names = ("Continued", "TooManyContinuations", "ContinuationNotStarted")
    return [
        _graph("The highest leg of a tick", longest, width=_HALF),
        _graph("Continued terms", watched.everywhere(*names), width=_HALF),
    ]


def _terms(watched: Watched) -> cloudwatch.GraphWidget:
    ends = watched.everywhere("Completed", "Failed", "Resigned", "LeadershipLost")
    return _graph("Terms", ends, width=_HALF, stacked=True)


def _wins_and_losses(watched: Watched) -> list[cloudwatch.IWidget]:
    """Return a graph for each Region, or one of the sums if contenders have no numbers."""
    if watched.contenders == 0:
        return [_graph("Wins and losses", watched.everywhere("Won", "Lost"), width=_HALF)]
    graphs: list[cloudwatch.IWidget] = []
    for region in watched.regions or (None,):
        title = "Wins (left) and losses (right) by contender" + (f", {region}" if region else "")
        wins, losses = (
            [
                watched.metric(name, region=region, contender=number)
                for number in range(1, watched.contenders + 1)
            ]
            for name in ("Won", "Lost")
        )
        graphs.append(_graph(title, wins, right=losses, width=_HALF))
    return graphs


def _invocations(function: lambda_.IFunction | None) -> list[cloudwatch.IWidget]:
    if function is None:
        return []
    errors = function.metric_errors(period=_PERIOD, label="Errors")
    throttles = function.metric_throttles(period=_PERIOD, label="Throttles")
    running = function.metric(
        "ConcurrentExecutions", period=_PERIOD, statistic="Maximum", label="Concurrent"
    )
    title = "Function in this Region"
    return [_graph(title, [errors, throttles], right=[running], width=_QUARTER)]


def _waiting(queues: Mapping[str, sqs.IQueue]) -> list[cloudwatch.IWidget]:
    waiting = [
        queue.metric_approximate_number_of_messages_visible(
            period=_PERIOD, statistic="Maximum", label=name
        )
        for name, queue in queues.items()
    ]
    return [_graph("Dead letters in this Region", waiting, width=_QUARTER)] if waiting else []
