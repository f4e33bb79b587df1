"""The alarms of an election and a dashboard."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from aws_cdk import Annotations, Duration, Stack, Token
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from s3leader_cdk._election.candidate_environment import seconds
from s3leader_cdk._election.names import shortened
from s3leader_cdk._option_ranges import check_whole
from s3leader_cdk._option_types import BUCKET_NAME, checked_options, instance
from s3leader_cdk.alarm_topic import topic_action
from s3leader_cdk.dashboard import Watched, create_dashboard
from s3leader_cdk.metrics import PERIOD, election_metric
from s3leader_cdk.metrics_output import check_function
from s3leader_cdk.monitoring_options import SEVERITIES, MonitoringOptions, check_alarm_names

_DESCRIPTIONS = {
    "failed": "A term of election {election} ended as failed: its handler raised.",
    "leadership_lost": "A leader of election {election} was deposed or missed its deadline while it"
    " worked: it was suspended for longer than its lease, or an operator deposed it.",
    "too_many_continuations": "A tick of election {election} was to be continued more often than"
    " allowed, so its term has failed: the work does not end, or needs more max_continuations.",
    "continuation_not_started": "A leg of election {election} ended, and the next invocation could"
    " not be started. Lambda's retry of the event goes on with the tick.",
    "corrupt_lock": "The highest lock of election {election} cannot be read: nobody leads until an"
    " operator has inspected and sealed it.",
    # This also counts campaigns that fail, but not because of a corrupt lock: they have no alarm of
    # their own, since Lambda's retry may succeed.
    "function_errors": "An invocation failed. Unlike a failed term this includes timeouts, memory"
    " that ran out, code that does not import, and a bucket that refuses access.",
    "throttles": "Invocations of the function were throttled for lack of concurrency, its own or"
    " the account's. Lambda retries until the event is too old, then it is a dead letter.",
    "undelivered": "Events of the schedule never reached the function. They wait in the queue.",
    "unprocessed": "The function gave up on events after all its retries. They wait in the queue.",
    "dead_letters": "Events never reached the function, or it gave up on them after all its"
    " retries. They wait in the queue.",
    # {silent} is added where contenders of several Regions are watched.
    "not_completed": "No term of election {election} was completed in the expected time{silent}. A"
    " new stack is in this state until its first term is completed.",
}
_LEG_ALARMS = ("too_many_continuations", "continuation_not_started")
_QUEUE_ALARMS = ("undelivered", "unprocessed", "dead_letters")
_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d+")
_MOST_CONTENDERS = 99  # the library's metrics count no higher; a SingletonJob has 10 at most
_MINUTE_S = 60
_PERIODS = 24  # CloudWatch requires periods of an hour or more for an alarm over more than a day


class Monitoring(Construct):
    """The alarms of an election's contenders in one Region, and a dashboard.

    Children: `alarms` (those that exist, by the names in `MonitoringOptions.alarms`), `dashboard`
    (None if switched off).

    Args:
        election: whose metrics to watch.
        bucket: the name of the lock bucket that the election is held in.
        function: whose errors to watch.
        prefix: of the lock bucket, shown in the dashboard. Default: `elections/`.
        contenders: how many contenders the dashboard shows separately; their events carry their
            numbers, from 1. Default: none.
        continuations: whether terms may be continued: two more alarms, and legs in the dashboard.
            Default: False.
        undelivered: the dead-letter queue of events that never reached the function. Default: none.
        unprocessed: the dead-letter queue of events that the function gave up on. Default: none.
        regions: all Regions whose functions contend in the election, this one included. Default:
            this one alone. With several, `not_completed` fires when, for the time
            `expected_within`, this Region's contenders reported nothing, or found each time that
            the latest completed tick is older than `expected_within`. With one hour, that is about
            two hours after the last completed tick. The events must carry a tick.
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
        election: str,
        bucket: str,
        function: lambda_.IFunction,
        prefix: str = "elections/",
        contenders: int = 0,
        continuations: bool = False,
        undelivered: sqs.IQueue | None = None,
        unprocessed: sqs.IQueue | None = None,
        regions: Sequence[str] = (),
        options: MonitoringOptions | None = None,
    ) -> None:
        super().__init__(scope, id)
        here = Stack.of(self).region
        named = check_regions(regions, here=here)
        check_whole("contenders", contenders, least=0, most=_MOST_CONTENDERS)
        check_function(function)
        self._watched = Watched(
            election=election,
            bucket=bucket,
            prefix=prefix,
            contenders=contenders,
            continuations=continuations,
            regions=tuple(named) if len(named) > 1 else (),
            here=here,
        )
        self._options = options or MonitoringOptions()
        queues = _queues_by_alarm(undelivered, unprocessed)
        absent = {*_QUEUE_ALARMS} - queues.keys() | ({*_LEG_ALARMS} if not continuations else set())
        names = [name for name in SEVERITIES if name not in absent]
        check_alarm_names(self._options.alarms, names)
        self._actions = self._actions_by_severity()
        self.alarms: dict[str, cloudwatch.Alarm] = {}
        for name in names:
            self._add_alarm(name, function, queues.get(name))
        self.dashboard = (
            create_dashboard(
                self,
                self._watched,
                function=function,
                queues={_alarm_id(name): queue for name, queue in queues.items()},
                alarms=[*self.alarms.values()],
            )
            if self._options.dashboard
            else None
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

    def _add_alarm(self, name: str, function: lambda_.IFunction, queue: sqs.IQueue | None) -> None:
        if not self._options.of(name).enabled:
            return
        alarm = (
            self._silence(name) if name == "not_completed" else self._count(name, function, queue)
        )
        if alarm is not None:
            alarm.add_alarm_action(*self._actions[self._options.severity(name)])
            self.alarms[name] = alarm

    def _description(self, name: str) -> str:
        silent = ", or this Region's contenders are silent" if self._watched.regions else ""
        text = _DESCRIPTIONS[name].format(election=shortened(self._watched.election), silent=silent)
        return f"[{self._options.severity(name)}] {text}"

    def _count(
        self, name: str, function: lambda_.IFunction, queue: sqs.IQueue | None
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
        elif name == "function_errors":
            metric = function.metric_errors(period=PERIOD)
        elif name == "throttles":
            metric = function.metric_throttles(period=PERIOD)
        else:
            metric = election_metric(
                _alarm_id(name), election=self._watched.election, bucket=self._watched.bucket
            )
        return cloudwatch.Alarm(
            self,
            _alarm_id(name),
            metric=metric,
            alarm_description=self._description(name),
            threshold=self._options.of(name).threshold,
            evaluation_periods=1,
            treat_missing_data=missing,
        )

    def _silence(self, name: str) -> cloudwatch.Alarm | None:
        expected = self._options.expected_within
        if expected is None:
            Annotations.of(self).add_warning_v2(
                "s3leader:no-completion-alarm",
                "no alarm fires if election"
                f" {shortened(self._watched.election)} stops completing terms: give"
                " MonitoringOptions(expected_within=…), the longest time without a completed term,"
                " or switch the alarm 'not_completed' off",
            )
            return None
        # With contenders in one Region, no data means no completed term. With several, only the
        # winner's Region has that metric, but every contender reports `Behind`: its own tick minus
        # the latest completed tick. The alarm fires if that stayed above `expected` for as long, or
        # if this Region's contenders reported nothing.
        several = bool(self._watched.regions)
        period, periods = _divide(expected)
        operators = cloudwatch.ComparisonOperator
        return cloudwatch.Alarm(
            self,
            _alarm_id(name),
            metric=election_metric(
                "Behind" if several else "Completed",
                election=self._watched.election,
                bucket=self._watched.bucket,
                period=period,
                statistic="Minimum" if several else "Sum",
            ),
            alarm_description=self._description(name),
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
    if regions and not Token.is_unresolved(here) and here not in regions:
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
    return Duration.seconds(period_s), math.ceil(expected_s / period_s)


def _alarm_id(name: str) -> str:
    """Return the construct id of an alarm: `not_completed` is `NotCompleted`."""
    return "".join(part.capitalize() for part in name.split("_"))


def _queues_by_alarm(
    undelivered: sqs.IQueue | None, unprocessed: sqs.IQueue | None
) -> dict[str, sqs.IQueue]:
    """Return the queues by the names of their alarms: one queue for both needs one alarm."""
    given = {"undelivered": undelivered, "unprocessed": unprocessed}
    queues = {name: queue for name, queue in given.items() if queue is not None}
    if len(queues) > len({queue.queue_arn for queue in queues.values()}):
        return {"dead_letters": queues["undelivered"]}
    return queues
