"""The alarms of an election and a dashboard."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from aws_cdk import Annotations, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from s3leader_cdk._cdk_facts import (
    arn_of_queue,
    is_unresolved,
    made_in,
    of_seconds,
    region_of,
    seconds,
)
from s3leader_cdk._election.names import shortened
from s3leader_cdk._option_ranges import check_whole
from s3leader_cdk._option_types import BUCKET_NAME, checked_options, instance
from s3leader_cdk.alarm_topic import topic_action
from s3leader_cdk.dashboard import Watched, create_dashboard, create_dashboard_of_many
from s3leader_cdk.metrics import PERIOD, election_metric
from s3leader_cdk.metrics_output import check_function
from s3leader_cdk.monitoring_options import (
    DESCRIPTIONS,
    MAX_SILENCE,
    SEVERITIES,
    MonitoringOptions,
    check_alarm_names,
    checked_watched,
)

_FUNCTION_ALARMS = ("function_errors", "throttles")
_LEG_ALARMS = ("too_many_continuations", "continuation_not_started")
_QUEUE_ALARMS = ("undelivered", "unprocessed", "dead_letters")
_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d+")
_MOST_CONTENDERS = 99  # the library's metrics count no higher; a SingletonJob has 10 at most
_MINUTE_S = 60
_PERIODS = 24  # CloudWatch requires periods of an hour or more for an alarm over more than a day


class Monitoring(Construct):
    """Alarms and a dashboard for the contenders of one or many elections, in one Region.

    Children: `alarms`, a dict of those that were made, by the names in `MonitoringOptions.alarms`.
    With `elections`, a key is name, colon and election, such as `failed:shard/0`. `dashboard`, None
    if it is switched off.

    Args:
        election: whose metrics to watch.
        elections: instead of `election`, up to 100 of one lock bucket: each has alarms of its own,
            and all share a dashboard with a line for each.
        bucket: the name of the lock bucket that the election is held in.
        function: whose errors and throttles to watch. Default: none.
        prefix: of the lock bucket, shown in the dashboard. Default: `elections/`.
        contenders: how many contenders the dashboard shows separately. The event of each must carry
            its number, starting at 1. Default: none.
        continuations: whether terms may be continued: two more alarms, and legs in the dashboard.
            Default: False.
        undelivered: the dead-letter queue of events that never reached the function. Default: none.
        unprocessed: the dead-letter queue of events that the function gave up on. Default: none.
        regions: all Regions whose functions contend in the election, this one included. Default:
            this one alone. With several, `not_completed` fires if, for as long as
            `expected_within`, no contender of this Region has reported a completed tick that is
            younger than `expected_within`: with one hour, up to two hours after the last completed
            tick. The events must carry a tick.
        options: alarms and dashboard. Default: `MonitoringOptions()`.
    """

    @checked_options(
        bucket=BUCKET_NAME, options=instance("MonitoringOptions(…)", MonitoringOptions)
    )
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - the name that every construct uses
        *,
        election: str | None = None,
        elections: Sequence[str] = (),
        bucket: str,
        function: lambda_.IFunction | None = None,
        prefix: str = "elections/",
        contenders: int = 0,
        continuations: bool = False,
        undelivered: sqs.IQueue | None = None,
        unprocessed: sqs.IQueue | None = None,
        regions: Sequence[str] = (),
        options: MonitoringOptions | None = None,
    ) -> None:
        super().__init__(scope, id)
        made_in(scope, self)
        here = region_of(self)
        named = check_regions(regions, here=here)
        check_whole("contenders", contenders, least=0, most=_MOST_CONTENDERS)
        if function is not None:
            check_function(function)
        self._watched = [
            Watched(
                election=each,
                bucket=bucket,
                prefix=prefix,
                contenders=contenders,
                continuations=continuations,
                regions=tuple(named) if len(named) > 1 else (),
                here=here,
            )
            for each in checked_watched(
                election, elections, contenders=contenders, regions=len(named)
            )
        ]
        self._scopes = {each: Construct(self, each) for each in elections}
        self._options = options or MonitoringOptions()
        queues = _queues_by_alarm(undelivered, unprocessed)
        absent = {*_QUEUE_ALARMS} - queues.keys() | ({*_LEG_ALARMS} if not continuations else set())
        absent |= {*_FUNCTION_ALARMS} if function is None else set()
        names = [name for name in SEVERITIES if name not in absent]
        check_alarm_names(self._options.alarms, names)
        self._actions = self._actions_by_severity()
        self.alarms: dict[str, cloudwatch.Alarm] = {}
        for name in names:
            self._add_alarms(name, function, queues.get(name))
        self.dashboard = self._create_dashboard(function, queues)

    def _create_dashboard(
        self, function: lambda_.IFunction | None, queues: Mapping[str, sqs.IQueue]
    ) -> cloudwatch.Dashboard | None:
        if not self._options.dashboard:
            return None
        create = create_dashboard_of_many if self._scopes else create_dashboard
        return create(
            self,
            self._watched,
            function=function,
            queues={_alarm_id(name): queue for name, queue in queues.items()},
            alarms=[*self.alarms.values()],
        )

    def _actions_by_severity(self) -> dict[str, list[cloudwatch.IAlarmAction]]:
        topic = self._options.topic
        every = [*self._options.actions]
        if isinstance(topic, Mapping):
            topic_actions = {severity: topic_action(self, each) for severity, each in topic.items()}
            return {
                each: [*filter(None, [topic_actions.get(each)]), *every]
                for each in SEVERITIES.values()
            }
        if topic is not None:
            every = [topic_action(self, topic), *every]
        return dict.fromkeys(SEVERITIES.values(), every)

    def _add_alarms(
        self, name: str, function: lambda_.IFunction | None, queue: sqs.IQueue | None
    ) -> None:
        """Add an alarm of one name, or one for each election."""
        if not self._options.of(name).enabled:
            return
        if name == "not_completed" and self._options.expected_within is None:
            self._warn_of_silence()
            return
        shared = name in (*_FUNCTION_ALARMS, *_QUEUE_ALARMS)
        for watched in self._watched[:1] if shared else self._watched:
            scope, key = self._scopes.get(watched.election, self), f"{name}:{watched.election}"
            if shared or scope is self:
                scope, key = self, name
            alarm = (
                self._silence(scope, name, watched)
                if name == "not_completed"
                else self._count(scope, name, watched, function, queue)
            )
            if actions := self._actions[self._options.severity(name)]:
                alarm.add_alarm_action(*actions)
            self.alarms[key] = alarm

    def _warn_of_silence(self) -> None:
        elections = shortened(", ".join(each.election for each in self._watched))
        Annotations.of(self).add_warning_v2(
            "s3leader:no-completion-alarm",
            f"no alarm fires if election {elections} stops completing terms: give"
            " MonitoringOptions(expected_within=…), the longest time without a completed term,"
            " or switch the alarm 'not_completed' off",
        )

    def _description(self, name: str, watched: Watched) -> str:
        silent = ", or this Region's contenders are silent" if watched.regions else ""
        text = DESCRIPTIONS[name].format(election=shortened(watched.election), silent=silent)
        return f"[{self._options.severity(name)}] {text}"

    def _count(
        self,
        scope: Construct,
        name: str,
        watched: Watched,
        function: lambda_.IFunction | None,
        queue: sqs.IQueue | None,
    ) -> cloudwatch.Alarm:
        missing = cloudwatch.TreatMissingData.NOT_BREACHING
        metric: cloudwatch.IMetric
        if queue is not None:
            metric = queue.metric_approximate_number_of_messages_visible(
                period=PERIOD, statistic="Maximum"
            )
            # SQS reports a queue that was idle up to 15 minutes late, and an idle queue not at all.
            # Without data the queue is unchanged: the alarm stays on while events wait in it.
            missing = cloudwatch.TreatMissingData.IGNORE
        elif function is not None and name in _FUNCTION_ALARMS:
            errors = name == "function_errors"
            metric = (function.metric_errors if errors else function.metric_throttles)(
                period=PERIOD
            )
        else:
            metric = election_metric(
                _alarm_id(name), election=watched.election, bucket=watched.bucket
            )
        return cloudwatch.Alarm(
            scope,
            _alarm_id(name),
            metric=metric,
            alarm_description=self._description(name, watched),
            threshold=self._options.of(name).threshold,
            evaluation_periods=1,
            treat_missing_data=missing,
        )

    def _silence(self, scope: Construct, name: str, watched: Watched) -> cloudwatch.Alarm:
        # With contenders in one Region, no data means no completed term. With several, only the
        # winner's Region has that metric, but every contender reports `Behind`: its own tick minus
        # the latest completed tick. The alarm fires if that stayed above `expected` for as long, or
        # if this Region's contenders reported nothing.
        expected = self._options.expected_within or MAX_SILENCE
        several = bool(watched.regions)
        period, periods = _divide(expected)
        operators = cloudwatch.ComparisonOperator
        return cloudwatch.Alarm(
            scope,
            _alarm_id(name),
            metric=election_metric(
                "Behind" if several else "Completed",
                election=watched.election,
                bucket=watched.bucket,
                period=period,
                statistic="Minimum" if several else "Sum",
            ),
            alarm_description=self._description(name, watched),
            comparison_operator=(
                operators.GREATER_THAN_THRESHOLD if several else operators.LESS_THAN_THRESHOLD
            ),
            threshold=seconds(expected) if several else 1,
            evaluation_periods=periods,
            treat_missing_data=cloudwatch.TreatMissingData.BREACHING,
        )


def check_regions(regions: Sequence[str], *, here: str) -> list[str]:
    """Return the Regions of an election, or raise `ValueError`."""
    for region in regions:
        if _REGION.fullmatch(region) is None:
            raise ValueError(
                f"unknown Region {region!r} in regions: write it out, for example 'eu-west-1'"
            )
    if len({*regions}) < len(regions):
        raise ValueError(f"regions {[*regions]} name one Region twice: give each once")
    if regions and not is_unresolved(here) and here not in regions:
        raise ValueError(
            f"regions {[*regions]} do not include {here!r}, the Region of this stack: name every"
            " Region with contenders, this one included"
        )
    return [*regions]


def _divide(expected: Duration) -> tuple[Duration, int]:
    """Divide `expected` into equal periods of whole minutes, as CloudWatch requires.

    When data is missing, CloudWatch also evaluates a few periods before the configured ones. A data
    point there delays the alarm by that many periods, so the periods are short.
    """
    expected_s = seconds(expected)
    period_s = math.ceil(expected_s / _PERIODS / _MINUTE_S) * _MINUTE_S
    return of_seconds(period_s), math.ceil(expected_s / period_s)


def _alarm_id(name: str) -> str:
    """Return the construct id of an alarm: `not_completed` is `NotCompleted`."""
    return "".join(part.capitalize() for part in name.split("_"))


def _queues_by_alarm(
    undelivered: sqs.IQueue | None, unprocessed: sqs.IQueue | None
) -> dict[str, sqs.IQueue]:
    """Return the queues by the names of their alarms: one queue for both needs one alarm."""
    given = {"undelivered": undelivered, "unprocessed": unprocessed}
    queues = {name: queue for name, queue in given.items() if queue is not None}
    if len(queues) > len({arn_of_queue(queue) for queue in queues.values()}):
        return {"dead_letters": queues["undelivered"]}
    return queues
