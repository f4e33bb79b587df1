"""The options of `Monitoring`: where alarms go, and what can be changed about each alarm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal, TypeAlias, get_args

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns

from s3leader_cdk._cdk_facts import of_seconds, seconds
from s3leader_cdk._option_ranges import check_whole
from s3leader_cdk._option_types import check_fields

Severity: TypeAlias = Literal["critical", "warning"]

# Critical: ticks are not worked on, or their events are lost. Warning: Lambda retries, or a person
# did it on purpose.
SEVERITIES: Mapping[str, Severity] = MappingProxyType(
    {
        "not_completed": "critical",
        "failed": "warning",
        "leadership_lost": "warning",
        "too_many_continuations": "critical",
        "continuation_not_started": "warning",
        "corrupt_lock": "critical",
        "function_errors": "warning",
        "throttles": "warning",
        "undelivered": "critical",
        "unprocessed": "critical",
        "dead_letters": "critical",
    }
)
DESCRIPTIONS: Mapping[str, str] = {
    "failed": "A term of election {election} ended as failed: its handler raised, or"
    " its command failed.",
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
    "undelivered": "Events of the schedule started no contender. They wait in the queue.",
    "unprocessed": "The function gave up on events after all its retries, or tasks failed. Their"
    " events wait in the queue.",
    "dead_letters": "Events of the schedule started no contender, the function gave up on them"
    " after all its retries, or tasks failed. The events wait in the queue.",
    # {silent} is added where contenders of several Regions are watched.
    "not_completed": "No term of election {election} was completed in the expected time{silent}. A"
    " new stack is in this state until its first term is completed.",
}
# With four alarms each, they fit into a stack of 500 resources, and with ten lines for each and
# Region into a dashboard of 2,500 metrics.
MOST_ELECTIONS, MOST_LINES = 100, 240
MIN_SILENCE = Duration.minutes(3)
MAX_SILENCE = Duration.days(7)  # the longest that CloudWatch evaluates


@dataclass(frozen=True, kw_only=True)
class AlarmOptions:
    """What can be changed about one alarm.

    Args:
        threshold: how many within a minute (for queues: waiting at the same time) set the alarm
            off, 1 or more. Not for `not_completed`, which `expected_within` sets. Default: 1.
        severity: "critical" or "warning". The alarm's description begins with it, and it selects
            the topic where `MonitoringOptions.topic` has one for each. Default: `SEVERITIES`.
        enabled: whether the alarm exists. Default: True.
    """

    threshold: int = 1
    severity: Severity | None = None
    enabled: bool = True

    def __post_init__(self) -> None:
        """Check each value."""
        check_fields(self)
        check_whole("threshold", self.threshold, least=1)
        if self.severity is not None:
            _check_severity(self.severity)


@dataclass(frozen=True, kw_only=True)
class MonitoringOptions:
    """Alarms and the dashboard.

    Args:
        expected_within: the longest time without a completed term before the alarm
            `not_completed`, 3 minutes to 7 days, not shorter than the time between two ticks.
            Default: for a `SingletonJob` two intervals, the timeout and the window, if the interval
            can be derived from the schedule; otherwise no such alarm, and a warning at synth.
        topic: where all alarms are published; or a topic for each severity, such as
            `{"critical": pager, "warning": mail}`. Default: none.
        actions: further actions of every alarm. Default: none.
        dashboard: whether to make a dashboard. Default: True.
        alarms: changes to single alarms, by name: `not_completed`, `failed`, `leadership_lost`,
            `corrupt_lock`, `function_errors`, `throttles`, `undelivered`, `unprocessed`; if one
            queue takes both kinds of dead letters, `dead_letters` replaces the last two. If terms
            may be continued, also `too_many_continuations` and `continuation_not_started`.
    """

    expected_within: Duration | None = None
    topic: sns.ITopic | Mapping[Severity, sns.ITopic] | None = None
    actions: Sequence[cloudwatch.IAlarmAction] = ()
    dashboard: bool = True
    alarms: Mapping[str, AlarmOptions] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check each value."""
        check_fields(self)
        if self.expected_within is not None:
            expected_s = seconds(self.expected_within)
            if not seconds(MIN_SILENCE) <= expected_s <= seconds(MAX_SILENCE):
                raise ValueError(
                    f"expected_within {expected_s:g} s cannot be used: give 3 minutes to 7 days, or"
                    " watch the metrics Completed and Behind by other means"
                )
        if isinstance(self.topic, Mapping):
            for severity in self.topic:
                _check_severity(severity)
        check_alarm_names(self.alarms, [*SEVERITIES])
        for name, options in self.alarms.items():
            if not isinstance(options, AlarmOptions):
                raise TypeError(
                    f"alarms[{name!r}] {options!r} cannot be used: give AlarmOptions(…)"
                )
        if self.of("not_completed").threshold != 1:
            raise ValueError(
                "alarm 'not_completed' has no threshold: set expected_within, the longest time"
                " without a completed term"
            )

    def of(self, alarm: str) -> AlarmOptions:
        """Return the options of one alarm."""
        return self.alarms.get(alarm, AlarmOptions())

    def without(self, alarm: str) -> MonitoringOptions:
        """Return these options with one alarm switched off."""
        return replace(self, alarms={**self.alarms, alarm: AlarmOptions(enabled=False)})

    def severity(self, alarm: str) -> Severity:
        """Return the severity of one alarm."""
        return self.of(alarm).severity or SEVERITIES[alarm]

    def check_interval(self, interval: Duration | None) -> None:
        """Raise `ValueError` if the alarm would be on between two ticks."""
        if interval is None or self.expected_within is None:
            return
        expected_s, apart_s = seconds(self.expected_within), seconds(interval)
        if expected_s < apart_s:
            raise ValueError(
                f"expected_within {expected_s:g} s is shorter than the {apart_s:g} s between two"
                " ticks, so the alarm would be on in between: give more than that"
            )

    def with_default_expectation(
        self, interval: Duration | None, timeout: Duration, window: Duration | None
    ) -> MonitoringOptions:
        """Return these options with `expected_within` derived from the interval between ticks.

        One missed tick is tolerated; two are a fault.
        """
        if self.expected_within is not None or interval is None:
            return self
        delay_s = seconds(timeout) + (0 if window is None else seconds(window))
        expected_s = max(2 * seconds(interval) + delay_s, seconds(MIN_SILENCE))
        return replace(self, expected_within=of_seconds(expected_s))


def checked_watched(
    election: str | None, elections: Sequence[str], *, contenders: float, regions: int
) -> list[str]:
    """Return the elections to watch, or raise `ValueError`."""
    if (election is None) == (not elections):
        raise ValueError(
            "expected one of election='nightly' and elections=['shard/0', 'shard/1'], got"
            f" {'neither' if election is None else 'both'}"
        )
    if election is not None:
        return [election]
    most, names = min(MOST_ELECTIONS, MOST_LINES // max(regions, 1)), {*elections}
    if len(elections) > most or len(names) < len(elections):
        raise ValueError(
            f"elections: expected at most {most} different names, got {len(elections)} of which"
            f" {len(names)} differ: give each once, and more of them to a Monitoring in another"
            " stack"
        )
    if contenders:
        raise ValueError(
            f"contenders {contenders:g} was given with elections, whose dashboard does not show"
            " single contenders: leave it out"
        )
    return [*elections]


def check_alarm_names(given: Mapping[str, AlarmOptions], names: Sequence[str]) -> None:
    """Raise `ValueError` for options of an alarm that does not exist."""
    for name in given:
        if name not in names:
            raise ValueError(f"unknown alarm {name!r}: the alarms are {', '.join(names)}")


def _check_severity(severity: str) -> None:
    if severity not in get_args(Severity):
        raise ValueError(f"unknown severity {severity!r}: give 'critical' or 'warning'")
