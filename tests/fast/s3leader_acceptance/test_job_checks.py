"""What the checks of jobs make of what they see."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from s3leader import Lock
from s3leader_acceptance.checks import jobs
from s3leader_acceptance.deployment import LEGS
from s3leader_acceptance.results import Check, Result
from s3leader_acceptance.runner import run_checks

TICK = datetime(2026, 11, 23, 6, tzinfo=UTC)


class Seen(SimpleNamespace):
    """A deployment that shows what it was given, and never waits."""

    def __init__(self, **seen: Any) -> None:
        super().__init__(programs=[], fast=False, progress=SimpleNamespace(say=lambda _: None))
        self.outputs = {"TicksGroup": "group"}
        self.due = None
        self.checks_permissions = True
        self.__dict__.update(seen)

    def begin(self, _job: str) -> datetime:
        return TICK

    def wait(self, _what: str, poll: Callable[[], Any], **_: Any) -> Any:
        return poll() or None

    def completed(self, job: str, tick: datetime, *, seconds: float) -> Any:
        found = self.terms(job, tick)
        return found if any(lock.outcome == "completed" for lock in found) else None


def check(run: Any, **seen: Any) -> Result:
    one = Check(name="one", assumption="", run=run)
    deployment: Any = Seen(**seen)
    ((finding),) = run_checks(deployment, [one])
    return finding.result


def locks(*facts: dict[str, Any]) -> Callable[..., list[Lock]]:
    made = [
        Lock(term=term, expired=True, nonce="n", tick=TICK, **each)
        for term, each in enumerate(facts, 1)
    ]
    return lambda *_: made


def starts(*ids: str) -> Callable[..., list[dict[str, Any]]]:
    began = [
        {"tick": "2026-11-23T06:00:00Z", "request_id": each, "at": 60.0 * number}
        for number, each in enumerate(ids)
    ]
    return lambda *_: began


@pytest.mark.parametrize(
    ("ids", "outcome"), [("aaa", "pass"), ("aab", "fail"), ("aa", "fail"), ("", "fail")]
)
def test_retries_need_the_same_request_id_and_all_attempts(ids: str, outcome: str) -> None:
    attempts = locks(*({"outcome": "failed", "attempt": one} for one in (1, 2, 3)))
    assert check(jobs.retries, starts=starts(*ids), terms=attempts).outcome == outcome


@pytest.mark.parametrize(("last", "outcome"), [(LEGS, "pass"), (16, "fail"), (0, "fail")])
def test_legs_need_the_last_one(last: int, outcome: str) -> None:
    led = [{"outcome": "continued", "leg": leg} for leg in range(1, last + 1)]
    led[-1:] = [{**led[-1], "outcome": "completed"}] if last == LEGS else led[-1:]
    assert check(jobs.legs, terms=locks(*led)).outcome == outcome


@pytest.mark.parametrize(
    ("outcomes", "outcome"),
    [
        (["deposed", "completed"], "pass"),
        (["completed"], "fail"),
        (["deposed", "completed", "completed"], "fail"),
        (["deposed", "failed"], "fail"),
        ([], "fail"),
    ],
)
def test_takeover_needs_a_deposed_leader_and_one_completed_term(
    outcomes: list[str], outcome: str
) -> None:
    terms = locks(*({"outcome": each} for each in outcomes))
    assert check(jobs.takeover, terms=terms).outcome == outcome


@pytest.mark.parametrize(
    ("monotonic", "s3", "outcome"), [(60.2, 60, "pass"), (59, 61, "fail"), (60, 0, "fail")]
)
def test_clock_of_a_function_has_to_agree_with_s3_s(
    monotonic: float, s3: float, outcome: str
) -> None:
    measured = {"measured": {"monotonic_s": monotonic, "s3_s": s3}}
    terms = locks({"leg": 1, "state": measured, "outcome": "continued"})
    assert check(jobs.monotonic, terms=terms).outcome == outcome


def fired(*delays: tuple[float, float], second: int = 0) -> Callable[..., list[dict[str, Any]]]:
    """Return starts of six ticks, whose two contenders are late by these seconds."""
    found = []
    for minute in range(6):
        due = TICK + timedelta(minutes=minute, seconds=second)
        for contender, late in enumerate(delays[minute % len(delays)], 1):
            at = due.timestamp() + late
            found.append({"tick": f"{due:%Y-%m-%dT%H:%M:%SZ}", "contender": contender, "at": at})
    return lambda *_: found


@pytest.mark.parametrize(
    ("seen", "outcome"),
    [
        (fired((3, 41), (5, 6)), "pass"),
        (fired((1, 2)), "not checked"),
        (fired((31, 32)), "not checked"),
        (fired((3, 41), second=7), "fail"),
        (lambda *_: fired((3, 41))()[1:], "fail"),
    ],
    ids=["apart", "at once", "slow machine", "not the scheduled time", "ticks differ"],
)
def test_scheduled_time_is_shown_by_contenders_that_the_window_separates(
    seen: Any, outcome: str
) -> None:
    assert check(jobs.scheduled_time, starts=seen, terms=locks()).outcome == outcome


def test_tick_that_two_terms_completed_is_noticed() -> None:
    twice = locks({"outcome": "completed"}, {"outcome": "completed"})
    found = check(jobs.scheduled_time, starts=fired((3, 41)), terms=twice)
    assert found.why == "a tick was completed by two terms"


CONDITION = {"condition": "RetriesExhausted", "approximateInvokeCount": 3}
LETTER = {
    "requestContext": CONDITION,
    "requestPayload": {"tick": "t"},
    "responsePayload": {"errorType": "RuntimeError"},
}


@pytest.mark.parametrize(
    ("letter", "outcome"),
    [
        (LETTER, "pass"),
        (LETTER | {"responsePayload": {}}, "fail"),
        (LETTER | {"requestPayload": {}}, "fail"),
        (LETTER | {"requestContext": {}}, "fail"),
    ],
)
def test_dead_letter_needs_event_condition_and_error(letter: dict[str, Any], outcome: str) -> None:
    found = [{"Body": json.dumps(letter)}]
    assert check(jobs.unprocessed, letters=lambda _: found).outcome == outcome


def test_dead_letter_that_does_not_come_is_noticed() -> None:
    assert check(jobs.unprocessed, letters=lambda _: []).outcome == "fail"


def test_undelivered_events_are_not_checked_where_permissions_are_not() -> None:
    assert check(jobs.undelivered, checks_permissions=False).outcome == "not checked"
