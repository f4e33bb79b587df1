"""`s3leader missed` over the memory store: which ticks, and why."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeAlias

import pytest

from s3leader import Term
from s3leader_cli.aws.deployed_job import DeployedJob, JobsFound
from tests.s3leader_cli.observe.conftest import Bucket

Outcome: TypeAlias = Literal["completed", "failed"] | None
DAY = datetime(2026, 11, 23, tzinfo=UTC)
HOURLY = ("--schedule", "cron(0 * * * ? *)")


def tick(hour: int) -> str:
    return f"2026-11-23T{hour:02}:00:00Z"


class Clock:
    """Leads ticks at their hours, on a bucket that starts at midnight."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket

    def at(
        self,
        hour: int,
        outcome: Literal["completed", "failed"] | None = "completed",
        *,
        of: int | None = None,
    ) -> Term:
        self.go(hour, seconds=1)
        term = self.bucket.lead(tick=tick(hour if of is None else of))
        if outcome is not None:
            term.resign(outcome=outcome, reason=None if outcome == "completed" else "no disk")
        return term

    def go(self, hour: int, *, seconds: int = 600) -> None:
        to = int((DAY + timedelta(hours=hour, seconds=seconds)).timestamp() * 1000)
        self.bucket.clock.ms = max(self.bucket.clock.ms, to)

    def missed(self, *words: str) -> Any:
        return self.bucket.json("missed", "nightly", *(words or (*HOURLY, "--since", tick(1))))


@pytest.fixture
def clock(bucket: Bucket) -> Clock:
    bucket.clock.ms = int(DAY.timestamp() * 1000)
    clock = Clock(bucket)
    clock.at(0)
    return clock


def whys(report: Any) -> dict[str, str]:
    return {item["tick"][11:13]: item["why"] for item in [*report["missed"], *report["unknown"]]}


def test_no_tick_is_missed_if_all_are_completed(clock: Clock) -> None:
    for hour in (1, 2, 3):
        clock.at(hour)
    clock.go(3)
    report = clock.missed()
    assert (report["ticks"], report["missed"], report["unknown"]) == (3, [], [])


def test_each_missed_tick_has_a_reason(clock: Clock) -> None:
    for _ in range(2):
        clock.at(1, "failed")
    clock.at(3)
    clock.go(5)
    report = clock.missed()
    assert whys(report) == {
        "01": "failed",
        "02": "passed over",
        "04": "never led",
        "05": "never led",
    }
    assert [item["text"] for item in report["missed"]] == [
        f"failed (2 times) (no disk); tick {tick(3)} was completed since",
        f"no term was led for it; tick {tick(3)} was completed since",
        "no term was led for it",
        "no term was led for it",
    ]


def test_a_tick_that_is_completed_at_a_later_attempt_is_not_missed(clock: Clock) -> None:
    clock.at(1, "failed")
    clock.at(2, of=1)
    clock.go(2)
    assert whys(clock.missed()) == {"02": "never led"}


def test_a_tick_that_is_being_led_is_not_missed(clock: Clock) -> None:
    clock.at(1, None)
    clock.bucket.pass_time(20)
    assert whys(clock.missed(*HOURLY, "--since", tick(1), "--grace", "0")) == {}
    clock.go(1)
    assert whys(clock.missed()) == {"01": "failed"}  # its lock has lapsed


@pytest.mark.parametrize("buried", [False, True])
def test_a_tick_that_waits_for_its_next_leg_is_missed_once_that_is_lost(
    clock: Clock, buried: object
) -> None:
    clock.at(1, None).continue_later({})
    assert whys(clock.missed(*HOURLY, "--since", tick(1), "--grace", "0")) == {}
    if buried:
        clock.at(2)
    clock.go(2)
    assert whys(clock.missed()) == {"01": "failed"} | ({} if buried else {"02": "never led"})


def test_a_corrupt_highest_lock_does_not_let_a_monitor_be_content(clock: Clock) -> None:
    """Nobody can lead, though which ticks are missing cannot be read."""
    clock.bucket.put(2, "[]")
    clock.go(3)
    code, _, err = clock.bucket.run("missed", "nightly", *HOURLY, "--since", tick(1), "--exit-code")
    assert (code, "nobody can lead" in err) == (1, True)


@pytest.mark.parametrize("key", ["reason", "outcome"])
def test_what_a_lock_says_cannot_control_the_terminal(clock: Clock, key: str) -> None:
    body = {"expired": True, "tick": tick(1), "outcome": "failed"}
    clock.bucket.put(2, {**body, key: "\x1b]0;owned\x07\n\u202e"})
    clock.go(1)
    _, out, _ = clock.bucket.run("missed", "nightly", *HOURLY, "--since", tick(1))
    assert r"\x1b]0;owned\x07\n\u202e" in out


def test_an_election_without_locks_is_a_document_too(bucket: Bucket) -> None:
    code, out, _ = bucket.run("missed", "nightly", *HOURLY, "--json")
    assert (code, "is the name right" in json.loads(out)["note"]) == (3, True)


def test_a_young_tick_is_not_due_yet(clock: Clock) -> None:
    clock.go(1, seconds=200)
    assert clock.missed()["ticks"] == 0
    assert len(clock.missed(*HOURLY, "--since", tick(1), "--grace", "1m")["missed"]) == 1


def test_ticks_before_the_oldest_lock_are_not_judged(clock: Clock) -> None:
    clock.at(3)
    clock.at(4)
    for term in (1, 2):
        clock.bucket.store.delete(f"elections/nightly/lock_{term:010d}.json")
    clock.go(4)
    report = clock.missed()
    assert (report["older_than_ledger"], report["missed"]) == (3, [])


def test_a_gap_of_deleted_locks_makes_its_ticks_unknown(clock: Clock) -> None:
    for hour in (1, 2, 3):
        clock.at(hour)
    clock.bucket.store.delete(f"elections/nightly/lock_{3:010d}.json")
    clock.go(3)
    report = clock.missed()
    assert (whys(report), report["missed"]) == ({"02": "unknown"}, [])


def test_exit_code_1_only_for_ticks_that_were_missed(clock: Clock) -> None:
    words = ("missed", "nightly", *HOURLY, "--since", tick(1), "--exit-code")
    assert clock.bucket.run(*words)[0] == 0
    clock.go(1)
    code, out, _ = clock.bucket.run(*words)
    assert (code, "nightly missed 1 of 1 ticks" in out) == (1, True)
    assert f"s3leader trigger nightly --bucket locks --tick {tick(1)}\n" in out


def test_a_failed_tick_counts_unless_any_term_will_do(clock: Clock) -> None:
    clock.at(1, "failed")
    clock.go(1)
    assert len(clock.missed()["missed"]) == 1
    assert len(clock.missed(*HOURLY, "--since", tick(1), "--any-term")["missed"]) == 0


def test_several_schedules_and_a_time_zone(clock: Clock) -> None:
    clock.go(5)
    words = ("--schedule", "cron(30 3 * * ? *)", "--schedule", "cron(0 5 * * ? *)")
    report = clock.missed(*words, "--time-zone", "Europe/Berlin", "--since", tick(1))
    assert [item["tick"] for item in report["missed"]] == ["2026-11-23T02:30:00Z", tick(4)]


def test_the_schedules_of_the_deployed_job_are_taken(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = DeployedJob(
        region="eu-west-1", election="nightly", source="a record",
        schedules=(("cron(0 2 * * ? *)", "UTC"),),
    )  # fmt: skip
    found = JobsFound(jobs=(job, job), searched=("eu-west-1",))
    monkeypatch.setattr("s3leader_cli.aws.deployed_job.find_jobs", lambda *_: found)
    clock.go(5)
    report = clock.missed("--since", tick(1))
    assert (report["schedules"], whys(report)) == (
        [{"expression": "cron(0 2 * * ? *)", "zone": "UTC"}], {"02": "never led"},
    )  # fmt: skip


def test_without_a_deployed_job_the_remedy_is_a_schedule(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    none = JobsFound(jobs=(), searched=("eu-west-1",))
    monkeypatch.setattr("s3leader_cli.aws.deployed_job.find_jobs", lambda *_: none)
    code, _, err = bucket.run("missed", "nightly")
    remedy = "For candidates that something else starts, give --schedule\n"
    assert (code, "no record of a job" in err, err.endswith(remedy)) == (1, True, True)


@pytest.mark.parametrize(
    ("schedule", "says"),
    [("rate(1 hour)", "expected cron(…) or at(…)"), ("at(noon)", "cannot be evaluated")],
)
def test_a_schedule_that_cannot_be_evaluated_is_a_usage_error(
    clock: Clock, schedule: str, says: str
) -> None:
    code, _, err = clock.bucket.run("missed", "nightly", "--schedule", schedule)
    assert (code, says in err) == (2, True)


def test_an_election_without_locks_has_an_exit_code_of_its_own(bucket: Bucket) -> None:
    code, out, err = bucket.run("missed", "nightly", *HOURLY)
    assert (code, out, "is the name right?" in err) == (3, "", True)
