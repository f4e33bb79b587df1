"""When `not_completed` fires: timelines are replayed against the alarm in the template.

`alarmed` models CloudWatch's evaluation, with missing data handled as documented.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache
from itertools import cycle, product
from typing import TypedDict

import aws_cdk as cdk
import pytest

from tests.infra.synth import Synthesized, new_stack
from tests.infra.test_monitoring import ALARM, AWAY, HOME, watch

MINUTE, HOUR, DAY = 60, 3_600, 86_400
WORK = (5, 40, 20)  # seconds that the work takes, in turn
LONGEST_WORK = max(WORK)

Point = tuple[int, float]  # time in seconds, value

# ---------------------------------------------------------------------- model of CloudWatch


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


class Evaluation(TypedDict):
    """Parameters that CloudWatch does not document."""

    further_back: int  # periods; 2 in its examples
    aligned: bool  # to multiples of the period


@dataclass(frozen=True)
class Alarm:
    """An alarm's properties in the template, and how CloudWatch evaluates it."""

    metric: str
    period: int
    periods: int
    breaches: Callable[[Sequence[float]], bool]
    further_back: int = 2
    aligned: bool = False

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
def rendered(expected: int, *, several: bool) -> Alarm:
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
    )


# --------------------------------------------------------------------- metrics of contenders


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
each_window = pytest.mark.parametrize("aligned", [False, True], ids=["sliding", "aligned"])
each_evaluation = pytest.mark.parametrize(
    "evaluation",
    [
        Evaluation(further_back=back, aligned=aligned)
        for back, aligned in product((0, 2, 5), (False, True))
    ],
    ids=lambda evaluation: (
        f"{evaluation['further_back']} back, {'aligned' if evaluation['aligned'] else 'sliding'}"
    ),
)


def step(alarm: Alarm) -> int:
    """CloudWatch evaluates every minute; for long periods this model takes larger steps."""
    return MINUTE if alarm.period <= HOUR else 5 * MINUTE


def times_on(alarm: Alarm, points: Sequence[Point], times: range) -> Iterator[int]:
    return (now for now in times if alarm.is_on(points, now))


# ------------------------------------------------------------------------- no false alarms


def false_alarm(job: Job, alarm: Alarm, *pattern: Tick) -> int | None:
    """Return when the alarm is on although a pattern of ticks is normal; None for never."""
    begun = job.expected + 2 * alarm.period + MINUTE
    end = begun + 3 * job.expected
    points = emitted(job.ticks(*pattern, before=end), alarm.metric)
    return next(times_on(alarm, points, range(begun, end, step(alarm))), None)


@each_job
@each_window
@pytest.mark.parametrize(
    "pattern",
    [(Tick.WON,), (Tick.WON, Tick.FAILED), (Tick.WON, Tick.NOBODY)],
    ids=["all completed", "every other fails", "every other is missed"],
)
def test_one_region_has_no_alarm_while_terms_complete_in_time(
    job: Job, pattern: Sequence[Tick], *, aligned: bool
) -> None:
    if len(pattern) > 1 and not job.may_miss_one:
        pattern = pattern[:1]
    # The shortest evaluation range: data further back can only prevent an alarm.
    alarm = replace(rendered(job.expected, several=False), further_back=0, aligned=aligned)
    assert false_alarm(job, alarm, *pattern) is None


@each_job
@each_window
@pytest.mark.parametrize(
    "pattern",
    [
        (Tick.WON,),
        (Tick.LOST,),
        (Tick.LOST, Tick.WON, Tick.WON),
        (Tick.LOST, Tick.FAILED),
        (Tick.LOST, Tick.FAILED_ELSEWHERE),
        (Tick.WON, Tick.ABSENT),
    ],
    ids=["wins", "never wins", "turns", "every other fails", "and elsewhere", "missed here"],
)
def test_no_region_has_an_alarm_while_terms_complete_in_any(
    job: Job, pattern: Sequence[Tick], *, aligned: bool
) -> None:
    if not {*pattern} <= {Tick.WON, Tick.LOST} and not job.may_miss_one:
        pattern = pattern[:1]
    alarm = replace(rendered(job.expected, several=True), further_back=0, aligned=aligned)
    assert false_alarm(job, alarm, *pattern) is None


@each_job
def test_the_alarm_of_one_region_would_fire_in_a_region_that_never_wins(job: Job) -> None:
    alarm = rendered(job.expected, several=False)
    assert false_alarm(job, alarm, Tick.LOST) is not None


# ------------------------------------------------------------------------------ detection


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


def first_alarm(job: Job, alarm: Alarm, normal: Tick, failing: Tick) -> int:
    """Return how long after the last normal tick the alarm fires."""
    last_normal, points, end = timeline_of_failure(job, alarm, normal, failing)
    return next(times_on(alarm, points, range(last_normal, end, step(alarm)))) - last_normal


def latest(alarm: Alarm, after: int) -> int:
    """Return by when CloudWatch must fire: it needs whole periods after an event."""
    slack = LONGEST_WORK + step(alarm)
    return after + (alarm.further_back + 2) * alarm.period + slack


@each_job
@each_evaluation
@pytest.mark.parametrize("failing", [Tick.FAILED, Tick.NOBODY])
def test_with_one_region_the_alarm_fires_when_the_expected_time_is_over(
    job: Job, failing: Tick, evaluation: Evaluation
) -> None:
    alarm = replace(rendered(job.expected, several=False), **evaluation)
    found = first_alarm(job, alarm, Tick.WON, failing)
    assert job.expected <= found <= latest(alarm, job.expected)


@each_job
@each_evaluation
@pytest.mark.parametrize("failing", [Tick.NOBODY, Tick.ABSENT])
def test_with_several_regions_the_alarm_fires_when_contenders_were_silent_for_that_time(
    job: Job, failing: Tick, evaluation: Evaluation
) -> None:
    alarm = replace(rendered(job.expected, several=True), **evaluation)
    found = first_alarm(job, alarm, Tick.LOST, failing)
    assert job.expected <= found <= latest(alarm, job.expected)


@each_job
@each_evaluation
@pytest.mark.parametrize("failing", [Tick.FAILED, Tick.FAILED_ELSEWHERE])
@pytest.mark.parametrize("normal", [Tick.WON, Tick.LOST])
def test_with_several_regions_each_fires_within_twice_that_time_without_a_completed_tick(
    job: Job, normal: Tick, failing: Tick, evaluation: Evaluation
) -> None:
    alarm = replace(rendered(job.expected, several=True), **evaluation)
    found = first_alarm(job, alarm, normal, failing)
    assert job.expected <= found <= latest(alarm, 2 * job.expected)


@each_job
@pytest.mark.parametrize("several", [False, True], ids=["one Region", "several"])
def test_one_completed_term_ends_the_alarm(job: Job, *, several: bool) -> None:
    alarm = rendered(job.expected, several=several)
    _, points, end = timeline_of_failure(job, alarm, Tick.WON, Tick.FAILED)
    again = (end, {"Behind": 0.0, "Completed": 1.0}[alarm.metric])
    assert [alarm.is_on(points, end), alarm.is_on([*points, again], end + MINUTE)] == [True, False]


# --------------------------------------------------------------------------------- its periods


@pytest.mark.parametrize(
    "expected", [3 * MINUTE, 10 * MINUTE, DAY - 1, DAY, DAY + 1, 100 * HOUR, 7 * DAY - 1, 7 * DAY]
)
@pytest.mark.parametrize("several", [False, True], ids=["one Region", "several"])
def test_the_expected_time_is_divided_into_periods_that_cloudwatch_accepts(
    expected: int, *, several: bool
) -> None:
    alarm = rendered(expected, several=several)
    watched = alarm.period * alarm.periods
    most = DAY if alarm.period < HOUR else 7 * DAY
    assert alarm.period % MINUTE == 0
    assert expected <= watched <= most


@pytest.mark.parametrize("expected", [HOUR, DAY, 7 * DAY])
def test_a_period_is_a_small_part_of_the_expected_time(expected: int) -> None:
    assert rendered(expected, several=False).period <= expected / 20
