"""When `not_completed` fires: timelines are replayed against the alarm in the template.

`alarmed` models CloudWatch's evaluation, with missing data handled as documented.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from itertools import cycle

import aws_cdk as cdk
import pytest

from tests.infra.synth import Synthesized, new_stack
from tests.infra.test_monitoring import ALARM, AWAY, HOME, watch

MINUTE, HOUR, DAY = 60, 3_600, 86_400
WORK = (5, 40, 20)  # seconds that the work takes, in turn
LONGEST_WORK = max(WORK)

Point = tuple[int, float]  # time in seconds, value


def alarmed(points: Sequence[bool | None], periods: int) -> bool:
    """Return whether data points raise an alarm: oldest first, True if breaching, None if missing.

    "CloudWatch uses missing data points only as few times as possible": the evaluation range is
    longer than the evaluation periods, and data in it has precedence.
    """
    real = [point for point in points if point is not None][-periods:]
    return all(real)  # missing points breach


@pytest.mark.parametrize(
    ("points", "expected"),
    [("0-X-X", False), ("0----", False), ("-----", True), ("0XX-X", True), ("--X--", True)],
)
def test_missing_data_counts_as_in_the_table_of_cloudwatchs_documentation(
    points: str, *, expected: bool
) -> None:
    """Column "breaching", for 3 periods and a range of 5."""
    assert alarmed([{"0": False, "X": True, "-": None}[each] for each in points], 3) == expected


@dataclass(frozen=True)
class Alarm:
    """An alarm's properties in the template, and how CloudWatch evaluates it."""

    metric: str
    period: int
    periods: int
    breaches: Callable[[Sequence[float]], bool]
    further_back: int  # periods, 2 in CloudWatch's examples; not documented
    aligned: bool  # to multiples of the period; not documented

    def is_on(self, points: Sequence[Point], now: int) -> bool:
        end = now // self.period * self.period if self.aligned else now
        found: list[bool | None] = []
        for back in range(self.periods + self.further_back, 0, -1):
            first = bisect_left(points, (end - back * self.period,))
            last = bisect_left(points, (end - (back - 1) * self.period,))
            values = [value for _, value in points[first:last]]
            found.append(self.breaches(values) if values else None)
        return alarmed(found, self.periods)


@cache
def rendered(
    expected: int, *, several: bool, further_back: int = 2, aligned: bool = False
) -> Alarm:
    """Return the alarm in a template."""
    stack = new_stack(region=AWAY)
    within = cdk.Duration.seconds(expected)
    watch(stack, expected_within=within, regions=[HOME, AWAY] if several else [])
    found = Synthesized(stack).one(ALARM, "NotCompleted")
    assert found["TreatMissingData"] == "breaching"
    assert "DatapointsToAlarm" not in found
    totals: dict[str, Callable[[Sequence[float]], float]] = {"Sum": sum, "Minimum": min}
    total = totals[found["Statistic"]]
    threshold = found["Threshold"]
    breaches: dict[str, Callable[[Sequence[float]], bool]] = {
        "LessThanThreshold": lambda values: total(values) < threshold,
        "GreaterThanThreshold": lambda values: total(values) > threshold,
    }
    return Alarm(
        found["MetricName"],
        found["Period"],
        found["EvaluationPeriods"],
        breaches[found["ComparisonOperator"]],
        further_back,
        aligned,
    )


class Tick(Enum):
    """The result of a tick, as a Region with two contenders sees it."""

    WON = "completed here"
    LOST = "completed elsewhere"
    FAILED = "failed here"
    FAILED_ELSEWHERE = "failed elsewhere"
    NOBODY = "no contender anywhere"
    ABSENT = "completed elsewhere, no contender here"


def emitted(ticks: Iterable[tuple[int, Tick]], metric: str) -> list[Point]:
    """Return the data points of a metric that this Region's contenders emit."""
    points: list[Point] = []
    done: int | None = None
    for (tick, how), work in zip(ticks, cycle(WORK), strict=False):
        here = how not in {Tick.NOBODY, Tick.ABSENT}
        if metric == "Behind" and here and done is not None:
            points.append((tick + 1, tick - done))  # a follower, while somebody works
            if how is Tick.FAILED:
                points.append((tick + work, tick - done))
        if how is Tick.WON:
            points.append((tick + work, {"Behind": 0, "Completed": 1}[metric]))
        if how in {Tick.WON, Tick.LOST, Tick.ABSENT}:
            done = tick
    return points


@dataclass(frozen=True)
class Job:
    """The interval between ticks, and `expected_within`, in seconds."""

    interval: int
    expected: int

    @property
    def may_miss_one(self) -> bool:
        return self.expected >= 2 * self.interval + LONGEST_WORK

    def ticks(self, *pattern: Tick, first: int = 0, before: int) -> Iterator[tuple[int, Tick]]:
        due = range(first, before, self.interval)
        return zip(due, cycle(pattern), strict=False)


JOBS = {
    "every minute": Job(MINUTE, 7 * MINUTE),
    "every minute, soon": Job(MINUTE, 3 * MINUTE),
    "every five minutes": Job(5 * MINUTE, 15 * MINUTE),
    "nightly": Job(DAY, 2 * DAY + 5 * MINUTE),
    "nightly, soon": Job(DAY, 25 * HOUR),
    "every three days": Job(3 * DAY, 78 * HOUR),
    "every six days": Job(6 * DAY, 7 * DAY),
}
each_job = pytest.mark.parametrize("job", JOBS.values(), ids=JOBS.keys())


def step(alarm: Alarm) -> int:
    """CloudWatch evaluates every minute; for long periods this model takes larger steps."""
    return MINUTE if alarm.period <= HOUR else 5 * MINUTE


def times_on(alarm: Alarm, points: Sequence[Point], times: range) -> Iterator[int]:
    return (now for now in times if alarm.is_on(points, now))


def false_alarm(job: Job, alarm: Alarm, *pattern: Tick) -> int | None:
    """Return when the alarm is on although a pattern of ticks is normal; None for never."""
    begun = job.expected + 2 * alarm.period + MINUTE
    end = begun + 3 * job.expected
    points = emitted(job.ticks(*pattern, before=end), alarm.metric)
    return next(times_on(alarm, points, range(begun, end, step(alarm))), None)


@each_job
@pytest.mark.parametrize("aligned", [False, True], ids=["sliding", "aligned"])
@pytest.mark.parametrize(
    ("several", "pattern"),
    [
        (False, (Tick.WON,)),
        (False, (Tick.WON, Tick.FAILED)),
        (False, (Tick.WON, Tick.NOBODY)),
        (True, (Tick.WON,)),
        (True, (Tick.LOST,)),
        (True, (Tick.LOST, Tick.WON, Tick.WON)),
        (True, (Tick.LOST, Tick.FAILED)),
        (True, (Tick.LOST, Tick.FAILED_ELSEWHERE)),
        (True, (Tick.WON, Tick.ABSENT)),
    ],
)
def test_no_region_has_an_alarm_while_terms_complete_in_time_in_any(
    job: Job, pattern: Sequence[Tick], *, several: bool, aligned: bool
) -> None:
    if not {*pattern} <= {Tick.WON, Tick.LOST} and not job.may_miss_one:
        pattern = pattern[:1]
    # The shortest evaluation range: data further back can only prevent an alarm.
    alarm = rendered(job.expected, several=several, further_back=0, aligned=aligned)
    assert false_alarm(job, alarm, *pattern) is None


def timeline_of_failure(
    job: Job, alarm: Alarm, normal: Tick, failing: Tick
) -> tuple[int, list[Point], int]:
    """Return the time of the last normal tick, all data points, and the end of the timeline."""
    ticks = math.ceil((job.expected + 8 * alarm.period) / job.interval) + 1
    first_failing = ticks * job.interval
    end = first_failing + 3 * job.expected + 10 * alarm.period
    timeline = [
        *job.ticks(normal, before=first_failing),
        *job.ticks(failing, first=first_failing, before=end),
    ]
    return first_failing - job.interval, emitted(timeline, alarm.metric), end


@each_job
@pytest.mark.parametrize("aligned", [False, True], ids=["sliding", "aligned"])
@pytest.mark.parametrize("further_back", [0, 2, 5])
@pytest.mark.parametrize(
    ("several", "normal", "failing", "within"),
    [
        (False, Tick.WON, Tick.FAILED, 1),
        (False, Tick.WON, Tick.NOBODY, 1),
        (True, Tick.LOST, Tick.NOBODY, 1),
        (True, Tick.LOST, Tick.ABSENT, 1),
        (True, Tick.WON, Tick.FAILED, 2),
        (True, Tick.WON, Tick.FAILED_ELSEWHERE, 2),
        (True, Tick.LOST, Tick.FAILED, 2),
        (True, Tick.LOST, Tick.FAILED_ELSEWHERE, 2),
    ],
)
def test_the_alarm_fires_after_the_expected_time_and_within_once_or_twice_that_time(
    job: Job,
    normal: Tick,
    failing: Tick,
    within: int,
    further_back: int,
    *,
    several: bool,
    aligned: bool,
) -> None:
    alarm = rendered(job.expected, several=several, further_back=further_back, aligned=aligned)
    last_normal, points, end = timeline_of_failure(job, alarm, normal, failing)
    found = next(times_on(alarm, points, range(last_normal, end, step(alarm)))) - last_normal
    # CloudWatch needs whole periods after an event.
    slack = (further_back + 2) * alarm.period + LONGEST_WORK + step(alarm)
    assert job.expected <= found <= within * job.expected + slack


@each_job
@pytest.mark.parametrize("several", [False, True], ids=["one Region", "several"])
def test_one_completed_term_ends_the_alarm(job: Job, *, several: bool) -> None:
    alarm = rendered(job.expected, several=several)
    _, points, end = timeline_of_failure(job, alarm, Tick.WON, Tick.FAILED)
    again = (end, {"Behind": 0.0, "Completed": 1.0}[alarm.metric])
    assert [alarm.is_on(points, end), alarm.is_on([*points, again], end + MINUTE)] == [True, False]


@pytest.mark.parametrize(
    "expected", [3 * MINUTE, HOUR, DAY - 1, DAY, DAY + 1, 100 * HOUR, 7 * DAY - 1, 7 * DAY]
)
@pytest.mark.parametrize("several", [False, True], ids=["one Region", "several"])
def test_the_expected_time_is_divided_into_short_periods_that_cloudwatch_accepts(
    expected: int, *, several: bool
) -> None:
    alarm = rendered(expected, several=several)
    watched = alarm.period * alarm.periods
    most = DAY if alarm.period < HOUR else 7 * DAY
    assert alarm.period % MINUTE == 0
    assert expected <= watched <= most
    assert alarm.period <= max(MINUTE, expected / 20)
