"""The metrics and log lines come from events of the election, and from nothing beside them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from s3leader import LeadershipLost, StoreUnavailable, Term
from s3leader._io.notifier import Notifier
from s3leader._lambda import report as module
from s3leader._lambda.report import Report
from s3leader.observer import (
    CampaignFailed,
    CampaignLost,
    Event,
    LeadershipEnded,
    Observer,
    Renewed,
    Resigned,
    StoreAnswered,
    Swept,
    Won,
)
from s3leader.schedule import Schedule
from tests.fast.s3leader._lambda.invocations import (
    LATER,
    METRICS,
    World,
    completed,
    continued,
    held,
    leadership_lost,
    not_tagged,
    renewed_late,
)
from tests.fast.s3leader.recorder import METHODS, Recorder

OPERATING = Path(__file__).parents[4] / "docs" / "operating.md"
AT: dict[str, Any] = {"election": "nightly", "address": "s3://locks/elections/nightly"}
DONE, TICK = (datetime(2026, 11, 23, hour, tzinfo=UTC) for hour in (3, 6))
TIMES: dict[str, Any] = {"requests": 3, "duration": timedelta(seconds=1)}
# What an error of the handler says, and no event of the election.
OF_ERRORS = {"ContinuationNotStarted", "TooManyContinuations"}


def won(**facts: Any) -> Won:
    known: dict[str, Any] = {
        **AT, **TIMES, "term": 7, "holder": "h", "tick": TICK, "attempt": 1, "leg": 1, "done": DONE,
        "repeat": False, "repeat_reason": None, "took_over": False,
    }  # fmt: skip
    return Won(**{**known, **facts})


def lost(reason: Any) -> CampaignLost:
    whose: dict[str, Any] = {"term": 7, "holder": "h", "term_tick": TICK}
    return CampaignLost(**AT, **TIMES, **whose, reason=reason, tick=TICK, done=DONE)


def failed(key: str | None) -> CampaignFailed:
    facts: dict[str, Any] = {"kind": "Any", "error": "Any: of it", "problem": key}
    return CampaignFailed(**AT, **TIMES, **facts, tick=TICK, key=key)


def resigned(outcome: Any) -> Resigned:
    return Resigned(**AT, **TIMES, term=7, tick=TICK, outcome=outcome, reason=None)


ANSWERED = StoreAnswered(
    **AT, request="list", key="k", answer="listed", cause=None, duration=timedelta(0)
)
LATE = Renewed(**AT, term=7, left=timedelta(seconds=1), confirmed=True)
LOST = LeadershipEnded(**AT, term=7, cause="changed", why="deposed")
NOT_SWEPT = Swept(**AT, term=7, locks=0, error="AccessDenied")
# The events that make each metric, and its value.
EVENTS: Mapping[str, tuple[tuple[Event, ...], float]] = {
    "Won": ((won(),), 1),
    "TakenOver": ((won(took_over=True),), 1),
    "Leg": ((won(leg=3),), 3),
    "Repeated": ((won(repeat=True),), 1),
    "Lost": ((lost("held"),), 1),
    "LostHeld": ((lost("held"),), 1),
    "LostDone": ((lost("done"),), 1),
    "LostBeaten": ((lost("beaten"),), 1),
    "LostExhausted": ((lost("exhausted"),), 1),
    "RenewedLate": ((won(), LATE, LATE), 2),
    "LeadershipLost": ((won(), LOST), 1),
    "TaggingFailed": ((won(), NOT_SWEPT, resigned("completed")), 1),
    "Completed": ((won(), resigned("completed")), 1),
    "Failed": ((won(), resigned("failed")), 1),
    "Resigned": ((won(), resigned("resigned")), 1),
    "Continued": ((won(), resigned("continued")), 1),
    "Missed": ((won(), resigned("completed")), 2),
    "Behind": ((won(), resigned("failed")), 3 * 60 * 60),
    "Requests": ((ANSWERED, won(), ANSWERED, resigned("completed")), 2),
    "Duration": ((won(), resigned("completed")), 0),
    "CorruptLock": ((failed("lock"),), 1),
    "CampaignFailed": ((failed(None),), 1),
}
METHOD_OF = {
    CampaignFailed: "campaign_failed",
    CampaignLost: "campaign_lost",
    LeadershipEnded: "leadership_ended",
    Renewed: "renewed_late",
    Resigned: "resigned",
    StoreAnswered: "store_answered",
    Swept: "swept",
    Won: "won",
}


def made_of(events: tuple[Event, ...], error: Exception | None = None) -> Mapping[str, float]:
    """Return the metrics that a report makes of these events, and of what leaves its block."""
    world = World()
    report = Report(
        "nightly",
        "locks",
        "function",
        contender=None,
        request_id="request-1",
        counts_legs=True,
        schedules=(Schedule("cron(0 * * * ? *)", "UTC"),),
    )
    with redirect_stdout(world.output), suppress(Exception), report:
        report.tick = TICK
        for event in events:
            getattr(report, METHOD_OF[type(event)])(event)
        if error is not None:
            raise error
    (only,) = world.blobs()
    return only.values


@pytest.mark.parametrize("name", EVENTS)
def test_each_metric_is_made_of_events_alone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "monotonic_ms", lambda: 0)
    events, value = EVENTS[name]
    assert made_of(events)[name] == value


def ended(cause: Any) -> LeadershipEnded:
    return LeadershipEnded(**AT, term=7, cause=cause, why="the reason")


@pytest.mark.parametrize(
    ("events", "error", "ends"),
    [
        ((ended("changed"),), LeadershipLost(term=7, why="deposed"), {"LeadershipLost"}),
        ((ended("changed"),), ZeroDivisionError(), {"LeadershipLost", "Failed"}),
        ((ended("ran_out"), resigned("completed")), None, {"Completed", "Missed"}),
        (
            (ended("ran_out"), resigned("failed")),
            LeadershipLost(term=7, why="time"),
            {"LeadershipLost"},
        ),
        ((ended("ran_out"), resigned("failed")), ZeroDivisionError(), {"Failed"}),
        ((ended("unsealed"),), StoreUnavailable("no answer"), {"Failed"}),
        ((resigned("completed"),), ZeroDivisionError(), {"Failed"}),
    ],
)
def test_how_a_term_ended_is_counted_by_what_the_leader_learned_and_what_the_handler_raised(
    events: tuple[Event, ...], error: Exception | None, ends: set[str]
) -> None:
    always = {"Won", "Leg", "Requests", "Duration", "Behind"}
    assert made_of((won(), *events), error).keys() - always == ends


def documented() -> set[str]:
    """Return the metrics of the table of log lines."""
    rows = re.findall(r"^\| `[a-z ]+` \| (.*?) \|", OPERATING.read_text(), re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([A-Z]\w+)`", row)}


def test_the_events_make_every_metric_that_is_documented_or_emitted() -> None:
    emitted = {name for metrics in METRICS.values() for name in metrics} | {"Duration"}
    assert emitted - {*EVENTS} == documented() - {*EVENTS} == OF_ERRORS
    assert {*EVENTS} <= emitted


@pytest.mark.parametrize("way", METRICS, ids=lambda way: way.__name__)
def test_without_events_an_invocation_counts_nothing_but_what_it_raises(
    way: Callable[[World], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Notifier, "_notify", lambda *_, **__: None)
    world = World()
    way(world)
    counted = {name for blob in world.blobs() for name in blob.values}
    assert counted <= {"CampaignFailed", "CorruptLock"}


class Raises(Observer):
    def __init__(self, method: str) -> None:
        setattr(self, method, self._fail)

    def _fail(self, _: object) -> None:
        raise RuntimeError("a full disk")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "way", [completed, held, leadership_lost, renewed_late, not_tagged, continued]
)
def test_an_observer_of_the_users_that_raises_costs_no_metric(
    way: Callable[[World], None], method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, world = World.job, World()
    observer = Raises(method)
    monkeypatch.setattr(
        World, "job", lambda self, *work, **how: job(self, *work, observer=observer, **how)
    )
    way(world)
    (only,) = world.blobs()
    assert {name: only.values[name] for name in METRICS[way]} == METRICS[way]


@pytest.mark.parametrize("method", METHODS)
def test_a_report_that_raises_costs_the_users_observer_no_event(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("Powertools is broken")

    monkeypatch.setattr(Report, method, fail)
    recorder, world = Recorder(), World()
    completed(world)
    world.invoke(world.job(Term.renew, observer=recorder), LATER)
    assert recorder.names == ["won", "renewed", "swept", "resigned"]
    assert len(recorder.answers) > 3
    assert recorder.events[-1][1].outcome == "completed"
