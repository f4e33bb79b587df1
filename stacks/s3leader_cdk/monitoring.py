"""Alarms of a singleton job: it failed, it does not complete, it lost the lead, events died."""

from __future__ import annotations

import math
from collections.abc import Sequence

import jsii
from aws_cdk import Annotations, Duration, IStableStringProducer, Lazy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from s3leader_cdk.names import shortened

METRICS_NAMESPACE = "s3leader"
DIMENSIONS = ("bucket", "election")

_PERIOD = Duration.minutes(1)
_SILENCE_PERIODS = 3
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_LONGEST_SILENCE = 7 * _DAY  # CloudWatch looks back no further
_CDK_LONGEST_DIMENSION = 255


def election_metric(
    name: str,
    *,
    election: str,
    bucket: str,
    period: Duration = _PERIOD,
    statistic: str = "Sum",
) -> cloudwatch.Metric:
    """Return a metric that the runtime emits for `election` in `bucket`.

    Args:
        name: `Won`, `Lost`, `TakenOver`, `LeadershipLost`, `Completed`, `Failed`, `Requests`
            (counts) or `Duration` (milliseconds).
        election: the name of the election.
        bucket: the name of the lock bucket; elections of one name in two buckets are two.
        period: over which it is added up. Default: one minute.
        statistic: how. Default: `Sum`.
    """
    return cloudwatch.Metric(
        namespace=METRICS_NAMESPACE,
        metric_name=name,
        dimensions_map=dict(zip(DIMENSIONS, (bucket, _dimension(election)), strict=True)),
        period=period,
        statistic=statistic,
    )


class SingletonJobAlarms(Construct):
    """What a person should hear of.

    Children: `failed`, `function_errors`, `leadership_lost`, `undelivered`, `unprocessed`,
    `not_completed` (None where nothing says how often to expect a completed term).

    Args:
        scope: the parent.
        id: the construct's id within it.
        election: whose metrics to watch.
        bucket: the name of the lock bucket that the election is held in.
        function: whose errors to watch.
        undelivered: the dead-letter queue of events that never reached the function.
        unprocessed: the dead-letter queue of events that the function gave up on.
        expected_within: the longest time without a completed term, from 3 minutes to 7 days.
            Default: no such alarm, and a warning that there is none.
        actions: what every alarm does. Default: nothing but change its state.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - what every construct calls it
        *,
        election: str,
        bucket: str,
        function: lambda_.IFunction,
        undelivered: sqs.IQueue,
        unprocessed: sqs.IQueue,
        expected_within: Duration | None = None,
        actions: Sequence[cloudwatch.IAlarmAction] = (),
    ) -> None:
        super().__init__(scope, id)
        self._actions = actions
        self._election = election
        self._bucket = bucket
        shown = shortened(election)
        self.failed = self._alarm(
            "Failed",
            election_metric("Failed", election=election, bucket=bucket),
            f"A term of election {shown} ended as failed: its handler raised.",
        )
        self.leadership_lost = self._alarm(
            "LeadershipLost",
            election_metric("LeadershipLost", election=election, bucket=bucket),
            f"A leader of election {shown} was deposed or too late while at work: its lease is"
            " shorter than its pauses, or an operator stepped in.",
        )
        self.function_errors = self._function_errors(function)
        self.undelivered = self._dead_letters(
            "Undelivered", undelivered, "Events of the schedule never reached the function."
        )
        self.unprocessed = self._dead_letters(
            "Unprocessed", unprocessed, "The function gave up on events after all its retries."
        )
        self.not_completed = self._silence(expected_within)

    def _alarm(
        self, alarm_id: str, metric: cloudwatch.IMetric, description: str
    ) -> cloudwatch.Alarm:
        alarm = cloudwatch.Alarm(
            self,
            alarm_id,
            metric=metric,
            alarm_description=description,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            threshold=1,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        return self._with_actions(alarm)

    def _function_errors(self, function: lambda_.IFunction) -> cloudwatch.Alarm:
        return self._alarm(
            "FunctionErrors",
            function.metric_errors(period=_PERIOD),
            "An invocation failed. Unlike a failed term this includes time-outs, memory that ran"
            " out, code that does not import, and a bucket that refuses.",
        )

    def _dead_letters(self, alarm_id: str, queue: sqs.IQueue, description: str) -> cloudwatch.Alarm:
        metric = queue.metric_approximate_number_of_messages_visible(
            period=_PERIOD, statistic="Maximum"
        )
        return self._alarm(alarm_id, metric, f"{description} They wait in the queue.")

    def _silence(self, expected: Duration | None) -> cloudwatch.Alarm | None:
        shown = shortened(self._election)
        if expected is None:
            Annotations.of(self).add_warning_v2(
                "s3leader:no-completion-alarm",
                f"nothing will tell if election {shown} stops completing terms: pass"
                " expected_within to SingletonJob, as its schedule does not tell its interval",
            )
            return None
        period, periods = _silence_periods(expected)
        alarm = cloudwatch.Alarm(
            self,
            "NotCompleted",
            metric=election_metric(
                "Completed", election=self._election, bucket=self._bucket, period=period
            ),
            alarm_description=f"No term of election {shown} was completed in the time in which"
            " one was expected. A new stack is in this state until its first term is over.",
            comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            threshold=1,
            evaluation_periods=periods,
            treat_missing_data=cloudwatch.TreatMissingData.BREACHING,
        )
        return self._with_actions(alarm)

    def _with_actions(self, alarm: cloudwatch.Alarm) -> cloudwatch.Alarm:
        alarm.add_alarm_action(*self._actions)
        return alarm


def default_expected_within(interval: Duration | None, timeout: Duration) -> Duration | None:
    """One tick may be missed; two are a fault. None where the interval is not known."""
    if interval is None:
        return None
    seconds = 2 * interval.to_seconds() + timeout.to_seconds()
    return Duration.seconds(max(seconds, _SILENCE_PERIODS * _MINUTE))


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


def _silence_periods(expected: Duration) -> tuple[Duration, int]:
    """Cut `expected` into equal periods as CloudWatch allows them: by minutes, or by hours."""
    seconds = expected.to_seconds()
    if not _SILENCE_PERIODS * _MINUTE <= seconds <= _LONGEST_SILENCE:
        raise ValueError(
            f"expected_within of {seconds:g} s cannot be watched: give 3 minutes to 7 days, or"
            " watch the metric Completed by other means"
        )
    periods = max(_SILENCE_PERIODS, math.ceil(seconds / _DAY))
    # More than a day back, CloudWatch wants periods of an hour at least.
    unit = _MINUTE if seconds <= _DAY - periods * _MINUTE else _HOUR
    return Duration.seconds(math.ceil(seconds / periods / unit) * unit), periods
