"""Whole commands over jobs of two Regions, of which one may fail."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from s3leader_cli.aws import alarms, deployed_job, logs, schedules
from s3leader_cli.aws.alarms import Alarm
from s3leader_cli.aws.deployed_job import DeployedJob, JobsFound
from s3leader_cli.aws.failures import RequestFailed
from s3leader_cli.aws.logs import Filter, Line
from s3leader_cli.aws.schedules import Switched
from tests.s3leader_cli.command_line import Cli
from tests.s3leader_cli.operate.stubs import JOB

HERE, THERE = "us-east-1", "eu-west-1"
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        replace(JOB, region=each, alarms={"failed": "F"}, max_tick_age=HOUR, timeout=HOUR / 12)
        for each in (HERE, THERE)
    ]
    everything = JobsFound(jobs=tuple(found), searched=(HERE, THERE))
    monkeypatch.setattr(deployed_job, "find_jobs", lambda *_: everything)
    monkeypatch.setattr(schedules, "switch_rules", lambda *_: [])


def switching(monkeypatch: pytest.MonkeyPatch, problem: str | None) -> None:
    """Let the schedule of the second Region have a problem."""

    def switch(job: DeployedJob, state: str) -> Iterator[Switched]:
        bad = job.region == THERE and problem is not None
        yield Switched(
            region=job.region,
            kind="schedule",
            name="g/s",
            state="ENABLED" if bad else state,
            changed=not bad,
            problem=problem if bad else None,
        )

    monkeypatch.setattr(schedules, "switch_schedules", switch)


def test_job_is_paused_in_all_regions(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    switching(monkeypatch, None)
    code, out, _ = cli.run("pause")
    assert (code, out.count("schedule g/s: off")) == (0, 2)
    assert "the job is quiet after 1 h 5 min." in out


def test_region_that_fails_is_shown_and_makes_the_exit_code_one(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    switching(monkeypatch, "it is denied")
    code, out, _ = cli.run("pause")
    lines = out.splitlines()
    assert (code, lines[:2]) == (
        1,
        ["us-east-1 schedule g/s: off", "eu-west-1 schedule g/s: on: it is denied"],
    )
    assert lines[-1].startswith("The job is not, or perhaps not, paused completely")


def test_region_without_a_schedule_is_not_paused(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedules, "switch_schedules", lambda *_: [])
    code, out, _ = cli.run("pause", "--json")
    assert (code, json.loads(out)["complete"]) == (1, False)


def interrupting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Ctrl-C come while the second Region is switched."""

    def switch(job: DeployedJob, state: str) -> Iterator[Switched]:
        if job.region == THERE:
            raise KeyboardInterrupt
        yield Switched(region=HERE, kind="schedule", name="g/s", state=state, changed=True)

    monkeypatch.setattr(schedules, "switch_schedules", switch)


def test_interrupted_pause_has_printed_what_it_switched(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupting(monkeypatch)
    code, out, err = cli.run("pause")
    assert (code, out.splitlines()) == (
        130,
        [
            "us-east-1 schedule g/s: off",
            "The job is not, or perhaps not, paused completely: see above.",
        ],
    )
    assert "the schedule that was being switched may be either on or off" in err


def test_interrupted_pause_is_one_json_document(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupting(monkeypatch)
    code, out, _ = cli.run("pause", "--json")
    found = json.loads(out)
    assert (code, found["complete"], [each["region"] for each in found["switched"]]) == (
        130,
        False,
        [HERE],
    )


@pytest.mark.parametrize(
    ("standing", "said"),
    [
        ("nothing", "Nobody leads at the moment."),
        ("held", "Term 1 (tick 2026-11-23T06:00:00Z) is led by c1 for 30 s more"),
        ("lapsed", "has lapsed: its leader has crashed."),
        ("continued", "is continued: its next leg may start."),
        ("corrupt", "The highest lock is corrupt"),
    ],
)
def test_pausing_says_what_still_runs(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, standing: str, said: str
) -> None:
    switching(monkeypatch, None)
    if standing == "corrupt":
        cli.corrupt()
    elif standing != "nothing":
        term = cli.lead()
        if standing == "continued":
            term.continue_later({})
        cli.pass_time(60 if standing == "lapsed" else 0)
    _, out, _ = cli.run("pause")
    assert said in out


def lines(monkeypatch: pytest.MonkeyPatch, found: dict[str, list[Line]]) -> None:
    class Log:
        def __init__(self, job: DeployedJob, wanted: object) -> None:
            self.region = job.region

        def lines(self, start_ms: int) -> list[Line]:
            assert start_ms >= 0  # CloudWatch refuses others
            return found[self.region]

    monkeypatch.setattr(logs, "Log", Log)


def line(at_ms: int, region: str, **fields: Any) -> Line:
    return Line(at_ms=at_ms, region=region, event_id="", text=json.dumps(fields))


def test_lines_of_all_regions_are_merged_by_time(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    here = [line(1, HERE, message="elected", term=1, taken_over=False), line(3, HERE, message="z")]
    lines(monkeypatch, {HERE: here, THERE: [line(2, THERE, message="not elected", reason="held")]})
    assert cli.run("logs")[1].splitlines() == [
        "1970-01-01T00:00:00.001Z us-east-1 elected term=1 taken_over=false",
        '1970-01-01T00:00:00.002Z eu-west-1 not elected reason="held"',
        "1970-01-01T00:00:00.003Z us-east-1 z",
    ]


def test_new_lines_are_followed_until_the_command_is_interrupted(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: dict[str, list[Line]] = {HERE: [line(1, HERE, message="first")], THERE: []}
    lines(monkeypatch, found)
    pauses = iter(range(2))

    def pause(_: float) -> None:
        if next(pauses, None) is None:
            raise KeyboardInterrupt
        found[THERE] = [line(2, THERE, message="second")]

    monkeypatch.setattr("s3leader_cli.operate.logs.now", lambda: datetime(1970, 1, 1, tzinfo=UTC))
    monkeypatch.setattr("time.sleep", pause)
    code, out, _ = cli.run("logs", "--follow", "--json")
    assert (code, [json.loads(each)["message"] for each in out.splitlines()]) == (
        130,
        ["first", "second"],
    )


@pytest.mark.parametrize("failing", [True, False], ids=["outage", "suspended machine"])
def test_following_goes_on_where_a_region_was_last_read(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, failing: object
) -> None:
    """Ten minutes pass without a read: far longer than the overlap of two reads."""
    at = datetime(2026, 11, 23, 6, tzinfo=UTC)
    written = [(HERE, at), (THERE, at + HOUR / 20), (THERE, at + HOUR / 6)]
    minutes = [0]

    class Log:
        def __init__(self, job: DeployedJob, wanted: object) -> None:
            self.region = job.region

        def lines(self, start_ms: int) -> list[Line]:
            if failing and self.region == THERE and 0 < minutes[0] < 10:
                raise RequestFailed("eu-west-1 does not answer")
            known = [(region, int(each.timestamp() * 1000)) for region, each in written]
            until_ms = int(now().timestamp() * 1000)
            return [
                line(at_ms, region, message=str(at_ms))
                for region, at_ms in known
                if region == self.region and start_ms <= at_ms <= until_ms
            ]

    def now() -> datetime:
        return at + minutes[0] * HOUR / 60

    def pause(_: float) -> None:
        if minutes[0] >= 12:
            raise KeyboardInterrupt
        minutes[0] += 1 if failing else 12

    monkeypatch.setattr(logs, "Log", Log)
    monkeypatch.setattr("s3leader_cli.operate.logs.now", now)
    monkeypatch.setattr("time.sleep", pause)
    code, out, _ = cli.run("logs", "--follow", "--json")
    assert (code, [json.loads(each)["at"][11:16] for each in out.splitlines()]) == (
        130,
        ["06:00", "06:03", "06:10"],
    )


def test_following_ends_when_nobody_reads_it_any_more(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: dict[str, list[Line]] = {HERE: [line(1, HERE, message="first")], THERE: []}
    lines(monkeypatch, found)
    monkeypatch.setattr(
        "time.sleep", lambda _: found.update({THERE: [line(2, THERE, message="x")]})
    )
    monkeypatch.setattr("s3leader_cli.operate.logs.print_out", lambda text: "first" in text)
    assert cli.run("logs", "--follow")[0] == 0


@pytest.mark.parametrize(
    "text",
    ['{"message": "m", "service": ["nightly"], "election": {}}', "[" * 100_000, '{"message": NaN}'],
    ids=["other types", "deep", "NaN"],
)
def test_any_line_of_a_job_can_be_shown(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    odd = Line(at_ms=1, region=HERE, event_id="", text=text)
    lines(monkeypatch, {HERE: [odd], THERE: []})
    assert not Filter(election="nightly").accepts(odd.fields())
    code, out, _ = cli.run("logs", "--all", "--json")
    json.loads(out, parse_constant=pytest.fail)
    assert code == 0


@pytest.mark.parametrize(
    ("since", "code", "said"),
    [("900000d", 2, "expected a duration from 0 to 36500d"), ("36500d", 0, "")],
)
def test_no_line_is_older_than_what_logs_can_ask_for(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, since: str, code: int, said: str
) -> None:
    lines(monkeypatch, {HERE: [], THERE: []})
    found, _, err = cli.run("logs", "--since", since)
    assert (found, said in err) == (code, True)


def test_alarm_of_a_region_that_denies_is_not_taken_for_off(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def alarms_of(job: DeployedJob) -> list[Alarm]:
        if job.region == THERE:
            raise RequestFailed("denied")
        return [Alarm(region=HERE, kind="failed", name="F", state="OK")]

    monkeypatch.setattr(alarms, "alarms_of", alarms_of)
    code, _, err = cli.run("alarms")
    assert (code, "eu-west-1: denied" in err) == (1, True)


def test_alarm_that_is_gone_is_not_taken_for_off(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = [Alarm(region=HERE, kind="failed", name="F", state=None)]
    monkeypatch.setattr(alarms, "alarms_of", lambda _: gone)
    code, out, _ = cli.run("alarms")
    assert (code, "F does not exist" in out) == (1, True)


def test_a_monitor_is_not_content_because_no_alarm_is_known(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarms, "alarms_of", lambda _: [])
    assert cli.run("alarms", "--exit-code")[0] == 1


def test_region_whose_record_names_no_alarm_is_not_fine_for_a_monitor(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def alarms_of(job: DeployedJob) -> list[Alarm]:
        fine = Alarm(region=HERE, kind="failed", name="F", state="OK")
        return [] if job.region == THERE else [fine]

    monkeypatch.setattr(alarms, "alarms_of", alarms_of)
    code, out, _ = cli.run("alarms", "--exit-code")
    assert (code, "that could be read" in out) == (1, True)
    assert cli.run("alarms")[0] == 0
