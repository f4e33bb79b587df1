"""Catching up: the ticks that were missed are led before the current one, oldest first."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from s3leader import InvalidArgument, Term
from s3leader._core.times import format_time, parse_time, to_ms
from s3leader._io import lambda_client
from s3leader._io.memory_store import MemoryStore
from tests.fast.s3leader._lambda.invocations import Context, World, singleton_on

DAILY = json.dumps([["cron(0 3 * * ? *)", "UTC"]])


def tick(day: int) -> str:
    return f"2026-11-{day:02}T03:00:00Z"


class Runs:
    """A daily job on one store; `worked` are the days that it completed or began."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **settings: str) -> None:
        for name, value in ({"CATCH_UP": "each", "SCHEDULES": DAILY} | settings).items():
            monkeypatch.setenv(f"S3LEADER_{name}", value)
        self.store = MemoryStore(clock_ms=lambda: to_ms(parse_time(tick(30))))
        self.worked: list[int] = []
        self.fails: set[int] = set()
        self.continues: set[int] = set()
        self.takes_ms = 0
        self.context = Context()

    def __call__(self, day: int, **event: Any) -> dict[str, Any]:
        """Invoke a cold handler for the tick of a day."""

        @singleton_on(self.store, max_continuations=3)
        def handler(event: dict[str, Any], context: object, term: Term) -> None:
            assert term.tick is not None
            assert format_time(term.tick) == event["tick"]
            self.worked.append(term.tick.day)
            self.context.remaining_ms -= self.takes_ms
            if term.tick.day in self.fails:
                raise ZeroDivisionError
            if term.tick.day in self.continues and term.leg == 1:
                term.continue_later()

        return handler({"tick": tick(day), **event}, self.context)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    return Runs(monkeypatch)


def test_missed_ticks_are_led_oldest_first_each_in_a_term_of_its_own(runs: Runs) -> None:
    runs(20)
    answer = runs(23)
    assert (runs.worked, answer["term"], answer["tick"]) == ([20, 21, 22, 23], 4, tick(23))
    assert answer["caught_up"] == [tick(21), tick(22)]


def test_new_election_has_missed_nothing(runs: Runs) -> None:
    runs(23)
    assert runs.worked == [23]


def test_process_that_has_seen_no_completed_tick_looks_again(runs: Runs) -> None:
    days: list[int] = []

    @singleton_on(runs.store)
    def warm(event: dict[str, Any], context: object, term: Term) -> None:
        days.append(int(event["tick"][8:10]))
        if len(days) == 1:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        warm({"tick": tick(20)}, Context())
    runs(20)
    warm({"tick": tick(22)}, Context())
    assert days == [20, 21, 22]


def test_missed_tick_that_fails_is_tried_again_before_later_ones(runs: Runs) -> None:
    runs(20)
    runs.fails = {21}
    with pytest.raises(ZeroDivisionError):
        runs(22)
    runs.fails = set()
    runs(22)
    assert runs.worked == [20, 21, 21, 22]


def test_missed_tick_without_attempts_left_is_given_up(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S3LEADER_MAX_ATTEMPTS", "1")
    runs(20)
    runs.fails = {21}
    with pytest.raises(ZeroDivisionError):
        runs(22)
    runs(22)
    assert runs.worked == [20, 21, 22]


def test_one_invocation_leads_a_limited_number_of_missed_ticks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runs = Runs(monkeypatch, MAX_CATCH_UP="2")
    runs(10)
    answer = runs(15)
    assert (runs.worked, answer["tick"]) == ([10, 11, 12], tick(12))
    runs(16)
    assert runs.worked == [10, 11, 12, 13, 14]


def test_time_that_is_too_short_for_one_more_term_ends_the_invocation(
    runs: Runs,
) -> None:
    runs(20)
    runs.takes_ms = 40_000
    assert runs(23)["tick"] == tick(21)


def test_continued_missed_tick_goes_on_to_the_tick_of_its_first_event(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[dict[str, Any]] = []

    def start(_: str, payload: bytes, *, term: int) -> None:
        events.append(json.loads(payload))

    monkeypatch.setattr(lambda_client, "start_invocation", start)
    runs(20)
    runs.continues = {21}
    assert runs(23)["outcome"] == "continued"
    assert events == [{"tick": tick(21), "leg": 2, "catch_up_to": tick(23)}]
    event = events.pop()
    runs(int(event.pop("tick")[8:10]), **event)
    assert runs.worked == [20, 21, 21, 22, 23]


def test_leg_goes_on_after_a_tick_without_attempts_left(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lambda_client, "start_invocation", lambda *_, **__: None)
    monkeypatch.setenv("S3LEADER_MAX_ATTEMPTS", "1")
    runs(20)
    runs.fails, runs.continues = {21}, {22}
    with pytest.raises(ZeroDivisionError):
        runs(22)
    runs(22)
    assert runs(22, leg=2)["outcome"] == "completed"


def test_leader_elsewhere_ends_the_invocation(runs: Runs) -> None:
    runs(20)

    @singleton_on(runs.store)
    def outer(event: object, context: object, term: Term) -> dict[str, Any]:
        return runs(23)

    found = outer({"tick": tick(21)}, Context())["result"]
    assert (found["reason"], runs.worked) == ("held", [20])


def test_latest_tick_alone_is_led_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = Runs(monkeypatch, CATCH_UP="")
    runs(20)
    runs(23)
    assert runs.worked == [20, 23]


def test_missed_ticks_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S3LEADER_SCHEDULES", DAILY)
    world = World(now_ms=to_ms(parse_time(tick(30))))
    shown: Callable[[], list[float | None]] = lambda: [  # noqa: E731
        each.values.get("Missed") for each in world.blobs()
    ]
    for day in (20, 21, 24):
        world.invoke(world.job(), tick(day))
    assert shown() == [None, 0, 2]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"SCHEDULES": ""}, "expected S3LEADER_SCHEDULES with S3LEADER_CATCH_UP=each"),
        ({"SCHEDULES": "[1]"}, "expected S3LEADER_SCHEDULES to be a JSON list"),
        ({"CATCH_UP": "all"}, "expected S3LEADER_CATCH_UP to be 'latest' or 'each'"),
        ({"MAX_CATCH_UP": "0"}, "expected S3LEADER_MAX_CATCH_UP to be a whole number from 1"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], message: str
) -> None:
    with pytest.raises(InvalidArgument, match=message):
        Runs(monkeypatch, **settings)(23)


def test_later_leg_is_led_before_an_exhausted_tick_is_looked_at(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S3LEADER_MAX_ATTEMPTS", "1")
    monkeypatch.setattr(lambda_client, "start_invocation", lambda *_, **__: None)
    runs(20)
    runs.fails, runs.continues = {21}, {22}
    with pytest.raises(ZeroDivisionError):
        runs(21)
    assert runs(22)["outcome"] == "continued"
    assert runs(22, leg=2, catch_up_to=tick(22))["outcome"] == "completed"


def test_forged_target_of_a_first_leg_is_not_followed(runs: Runs) -> None:
    runs(20)
    assert runs(21, catch_up_to=tick(29))["tick"] == tick(21)


@pytest.mark.parametrize("event", [{"tick": "yesterday"}, {"leg": 2, "catch_up_to": "x"}])
def test_time_that_cannot_be_read_is_reported(
    runs: Runs, event: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InvalidArgument):
        runs(21, **event)
    assert "CampaignFailed" in capsys.readouterr().out


def test_many_exhausted_ticks_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    minutes = json.dumps([["cron(* * * * ? *)", "Europe/Berlin"]])
    runs = Runs(monkeypatch, SCHEDULES=minutes, MAX_CATCH_UP="5")
    runs(20)
    answer = runs(22)
    assert (len(answer["caught_up"]), answer["tick"]) == (5, "2026-11-20T03:05:00Z")
