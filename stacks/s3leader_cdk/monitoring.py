"""What a person should hear of, and what there is to see: alarms and a dashboard of an election."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from aws_cdk import Annotations, Duration, Stack, Token
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from s3leader_cdk._election.names import shortened
from s3leader_cdk._option_types import BUCKET_NAME, checked_options
from s3leader_cdk.alarms import any_alarm, silence_alarm
from s3leader_cdk.dashboard import Watched, create_dashboard
from s3leader_cdk.metrics import PERIOD, election_metric
from s3leader_cdk.metrics_output import check_function

_DESCRIPTIONS = {
    "Failed": "A term of election {election} ended as failed: its handler raised.",
    "LeadershipLost": "A leader of election {election} was deposed or too late while at work: its"
    " lease is shorter than its pauses, or an operator stepped in.",
    "CorruptLock": "The highest lock of election {election} cannot be read as one: nobody leads"
    " until an operator has looked at it and sealed it.",
    # Campaigns that fail for other reasons raise too. Lambda's retry may mend them, so they are
    # counted here only, and not by an alarm of their own.
    "FunctionErrors": "An invocation failed. Unlike a failed term this includes time-outs, memory"
    " that ran out, code that does not import, and a bucket that refuses.",
    "Throttles": "Invocations of the function were refused for lack of concurrency, its own or the"
    " account's. Lambda tries again until the event is too old, and Unprocessed has it then.",
    "Undelivered": "Events of the schedule never reached the function. They wait in the queue.",
    "Unprocessed": "The function gave up on events after all its retries. They wait in the queue.",
    "DeadLetters": "Events never reached the function, or it gave up on them after all its retries."
    " They wait in the queue.",
}
_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d+")
_MEMORY_IF_UNSAID = 128  # by Lambda
_MOST_CONTENDERS = 99  # the runtime counts no higher


class Monitoring(Construct):
    """The alarms of an election's contenders in one Region, and a dashboard of them all.

    Children: `failed`, `leadership_lost`, `function_errors`, `throttles`, `corrupt_lock`,
    `not_completed` (None where nothing says how often to expect a completed term), `undelivered`,
    `unprocessed` (None without the queue, the same alarm if both have one queue), `dashboard` (None
    if not wanted); `alarms` is the list of those that exist.

    Args:
        scope: the parent.
        id: the construct's id within it.
        election: whose metrics to watch.
        bucket: the name of the lock bucket that the election is held in.
        function: whose errors to watch.
        prefix: of the lock bucket, for the dashboard to tell. Default: `elections/`.
        contenders: how many to show one by one, by the number in their events: 1 and up.
            Default: none.
        undelivered: the dead-letter queue of events that never reached the function. Default: none.
        unprocessed: the dead-letter queue of events that the function gave up on. Default: none.
        expected_within: the longest time without a completed term, from 3 minutes to 7 days.
            Default: no such alarm, and a warning that there is none.
        regions: all Regions whose functions contend in the election, this one included. Default:
            this one alone. With several, `not_completed` goes off when this Region's contenders
            have been silent for `expected_within`, or have found the latest completed tick further
            behind than that for just as long: about twice that time after the last completed tick.
            It goes by their ticks, so their events need one.
        memory_size: of the function in MiB, for what computing costs. Default: what the function
            says, if it was made in this app; otherwise that cost is not shown.
        actions: what every alarm does. Default: nothing but change its state.
        dashboard: whether there is one. Default: True.
    """

    @checked_options(bucket=BUCKET_NAME)
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - what every construct calls it
        *,
        election: str,
        bucket: str,
        function: lambda_.IFunction,
        prefix: str = "elections/",
        contenders: int = 0,
        undelivered: sqs.IQueue | None = None,
        unprocessed: sqs.IQueue | None = None,
        expected_within: Duration | None = None,
        regions: Sequence[str] = (),
        memory_size: int | None = None,
        actions: Sequence[cloudwatch.IAlarmAction] = (),
        dashboard: bool = True,
    ) -> None:
        super().__init__(scope, id)
        here = Stack.of(self).region
        _check(contenders, regions, here=here)
        check_function(function)
        self._watched = Watched(
            election=election,
            bucket=bucket,
            prefix=prefix,
            contenders=contenders,
            regions=tuple(regions) if len(regions) > 1 else (),
            here=here,
        )
        self._actions = actions
        self.failed = self._count("Failed")
        self.leadership_lost = self._count("LeadershipLost")
        self.corrupt_lock = self._count("CorruptLock")
        self.function_errors = self._any("FunctionErrors", function.metric_errors(period=PERIOD))
        self.throttles = self._any("Throttles", function.metric_throttles(period=PERIOD))
        queues = _by_alarm(undelivered, unprocessed)
        waiting = {name: self._dead_letters(name, queue) for name, queue in queues.items()}
        both = waiting.get("DeadLetters")
        self.undelivered = waiting.get("Undelivered", both)
        self.unprocessed = waiting.get("Unprocessed", both)
        self.not_completed = self._silence(expected_within)
        self.alarms = [
            *([] if self.not_completed is None else [self.not_completed]),
            self.failed,
            self.leadership_lost,
            self.corrupt_lock,
            self.function_errors,
            self.throttles,
            *waiting.values(),
        ]
        self.dashboard = self._show(function, memory_size, queues) if dashboard else None

    def _count(self, name: str) -> cloudwatch.Alarm:
        metric = election_metric(name, election=self._watched.election, bucket=self._watched.bucket)
        return self._any(name, metric)

    def _any(
        self,
        alarm_id: str,
        metric: cloudwatch.IMetric,
        missing: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING,
    ) -> cloudwatch.Alarm:
        description = _DESCRIPTIONS[alarm_id].format(election=shortened(self._watched.election))
        return any_alarm(self, alarm_id, metric, description, self._actions, missing=missing)

    def _dead_letters(self, alarm_id: str, queue: sqs.IQueue) -> cloudwatch.Alarm:
        metric = queue.metric_approximate_number_of_messages_visible(
            period=PERIOD, statistic="Maximum"
        )
        # SQS reports a queue that was idle up to 15 minutes late, and an idle one not at all.
        # Without data the queue is what it was: the alarm stays on while events wait in it.
        return self._any(alarm_id, metric, cloudwatch.TreatMissingData.IGNORE)

    def _silence(self, expected: Duration | None) -> cloudwatch.Alarm | None:
        if expected is None:
            Annotations.of(self).add_warning_v2(
                "s3leader:no-completion-alarm",
                f"nothing will tell if election {shortened(self._watched.election)} stops"
                " completing terms: pass expected_within, the longest time to go without one",
            )
            return None
        return silence_alarm(
            self,
            "NotCompleted",
            election=self._watched.election,
            bucket=self._watched.bucket,
            expected=expected,
            several_regions=bool(self._watched.regions),
            actions=self._actions,
        )

    def _show(
        self,
        function: lambda_.IFunction,
        memory_size: int | None,
        queues: Mapping[str, sqs.IQueue],
    ) -> cloudwatch.Dashboard:
        return create_dashboard(
            self,
            self._watched,
            function=function,
            memory_size=_memory_size(function) if memory_size is None else memory_size,
            queues=queues,
            alarms=self.alarms,
        )


def _by_alarm(
    undelivered: sqs.IQueue | None, unprocessed: sqs.IQueue | None
) -> dict[str, sqs.IQueue]:
    """Return what to watch by the alarm's id: one queue needs one alarm, whatever comes to it."""
    given = {"Undelivered": undelivered, "Unprocessed": unprocessed}
    queues = {name: queue for name, queue in given.items() if queue is not None}
    if len(queues) > len({queue.queue_arn for queue in queues.values()}):
        return {"DeadLetters": queues["Undelivered"]}
    return queues


def _memory_size(function: lambda_.IFunction) -> int | None:
    made = function.node.default_child
    if not isinstance(made, lambda_.CfnFunction) or Token.is_unresolved(made.memory_size):
        return None
    return _MEMORY_IF_UNSAID if made.memory_size is None else int(made.memory_size)


def _check(contenders: int, regions: Sequence[str], *, here: str) -> None:
    if not 0 <= contenders <= _MOST_CONTENDERS:
        raise ValueError(f"contenders {contenders} cannot be shown: give 0 to {_MOST_CONTENDERS}")
    for region in regions:
        if _REGION.fullmatch(region) is None:
            raise ValueError(f"region {region!r} is none: write it out, for example 'eu-west-1'")
    if len({*regions}) < len(regions):
        raise ValueError(f"regions {[*regions]} name one twice: give each once")
    if regions and not Token.is_unresolved(here) and here not in regions:
        raise ValueError(f"regions {[*regions]} leave out {here!r}, where the function itself runs")
