"""What the checks of clocks, metrics, alarms and commands make of what they see."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from s3leader_acceptance.checks import clocks, commands, jobs, monitoring
from s3leader_acceptance.programs import Ended
from s3leader_acceptance.results import Check, Result
from s3leader_acceptance.runner import run_checks

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Seen(SimpleNamespace):
    """A deployment that shows what it was given, and never waits."""

    def __init__(self, **seen: Any) -> None:
        super().__init__(programs=[], fast=True, bucket="bucket")
        self.progress = SimpleNamespace(say=lambda _: None)
        self.outputs = {"FailingUnprocessed": "queue", "FailingFailedAlarm": "failed"}
        self.outputs |= {"FailingUnprocessedAlarm": "unprocessed"}
        self.makes_log_metrics = True
        self.__dict__.update(seen)

    def begin(self, _job: str) -> datetime:
        return NOON

    def set_schedules_back(self) -> None:
        """Nothing was changed."""

    def election(self, job: str) -> str:
        return job.lower()

    def wait(self, _what: str, poll: Callable[[], Any], **_: Any) -> Any:
        return poll() or None


def check(run: Any, **seen: Any) -> Result:
    one = Check(name="one", assumption="", run=run)
    deployment: Any = Seen(**seen)
    ((finding),) = run_checks(deployment, [one])
    return finding.result


# ------------------------------------------------------------------------------------ clocks


class FrontEnd:
    """A client of a front end whose clock is ahead by `ahead` seconds."""

    def __init__(self, ahead: float, *, dated: bool = True) -> None:
        self.ahead, self.dated = timedelta(seconds=ahead), dated
        self.meta = SimpleNamespace(endpoint_url="http://127.0.0.1:1")

    def _answer(self, **more: Any) -> dict[str, Any]:
        shown = (datetime.now(UTC) + self.ahead).replace(microsecond=0)
        headers = {"date": format_datetime(shown, usegmt=True)} if self.dated else {}
        return {"ResponseMetadata": {"HTTPHeaders": headers}, **more}

    def put_object(self, **_: Any) -> dict[str, Any]:
        return self._answer()

    def head_object(self, **_: Any) -> dict[str, Any]:
        shown = (datetime.now(UTC) + self.ahead).replace(microsecond=0)
        return self._answer(LastModified=shown)

    def close(self) -> None:
        pass


def compared(*front_ends: FrontEnd) -> Result:
    turn = iter(front_ends * 100)
    account = SimpleNamespace(client=lambda _: next(turn), endpoint="http://127.0.0.1:1")
    return check(clocks.clocks, account=account, s3=front_ends[0])


@pytest.mark.parametrize(
    ("ahead", "outcome"), [(0, "pass"), (1, "pass"), (-1, "pass"), (5, "fail"), (-5, "fail")]
)
def test_front_ends_may_differ_by_less_than_two_seconds(ahead: float, outcome: str) -> None:
    assert compared(FrontEnd(0), FrontEnd(ahead)).outcome == outcome


def test_clock_of_this_machine_has_no_effect() -> None:
    assert compared(FrontEnd(7200)).outcome == "pass"


def test_answer_without_a_date_is_a_failure() -> None:
    assert "had no Date" in compared(FrontEnd(0, dated=False)).why


# ---------------------------------------------------------------------------------- time-out


def overrun(*, last_write_s: float, remaining_ms: int) -> Result:
    beat = json.dumps({"term": 1, "remaining_ms": remaining_ms}).encode()
    written = NOON + timedelta(seconds=last_write_s)
    s3 = SimpleNamespace(
        list_objects_v2=lambda **_: {"Contents": [{}]},
        get_object=lambda **_: {
            "LastModified": written,
            "ResponseMetadata": {"HTTPHeaders": {"date": "Mon, 23 Nov 2026 12:01:00 GMT"}},
            "Body": SimpleNamespace(read=lambda: beat),
        },
        head_object=lambda **_: {"LastModified": NOON},
    )
    lock = SimpleNamespace(term=1, lease_ms=12_000)
    return check(jobs.time_out, s3=s3, terms=lambda *_: [lock], lock_key=lambda *_: "lock")


@pytest.mark.parametrize(
    ("last_write_s", "remaining_ms", "outcome"),
    [(10, 50, "pass"), (12, -1900, "pass"), (13, 50, "fail"), (11, -2100, "fail")],
)
def test_last_write_of_an_overrunning_leader_is_within_its_lease(
    last_write_s: float, remaining_ms: int, outcome: str
) -> None:
    assert overrun(last_write_s=last_write_s, remaining_ms=remaining_ms).outcome == outcome


# -------------------------------------------------------------------------- metrics and alarms


@pytest.mark.parametrize(
    ("makes", "sums", "outcome"),
    [
        (True, [1.0], "pass"),
        (True, [0.0], "fail"),
        (True, [], "fail"),
        (False, [], "not checked"),
    ],
)
def test_metric_needs_data_where_logs_have_metrics_at_all(
    makes: Any, sums: list[float], outcome: str
) -> None:
    found = check(monitoring.emf_metrics, makes_log_metrics=makes, points=lambda *_, **__: sums)
    assert found.outcome == outcome


def alarmed(failed: str, unprocessed: str) -> Result:
    """Check alarms that were in these states: A for ALARM, O for OK, I for neither."""
    names = {"A": "ALARM", "O": "OK", "I": "INSUFFICIENT_DATA"}
    history = {"failed": failed, "unprocessed": unprocessed}

    def describe(*, AlarmName: str, **_: Any) -> Any:  # noqa: N803 - boto3's name
        items = [
            {
                "Timestamp": number,
                "HistoryData": json.dumps({"newState": {"stateValue": names[state]}}),
            }
            for number, state in enumerate(history[AlarmName])
        ]
        return {"AlarmHistoryItems": items[::-1]}

    client = SimpleNamespace(describe_alarm_history=describe, purge_queue=lambda **_: None)
    return check(monitoring.alarms, client=lambda _: client)


@pytest.mark.parametrize(
    ("failed", "unprocessed", "outcome"),
    [
        ("OAO", "IOAO", "pass"),
        ("OAOAO", "OAO", "pass"),
        ("OA", "OAO", "fail"),
        ("OAO", "OA", "fail"),
        ("O", "OAO", "fail"),
        ("IO", "O", "fail"),
        ("", "", "fail"),
    ],
)
def test_alarms_have_to_go_to_alarm_and_back(failed: str, unprocessed: str, outcome: str) -> None:
    assert alarmed(failed, unprocessed).outcome == outcome


# ---------------------------------------------------------------------------------- commands


def command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, run: Any, ended: Ended, **seen: Any
) -> Result:
    program = SimpleNamespace(wait=lambda _: ended, stop=lambda: None)
    monkeypatch.setattr(commands, "_start", lambda *_: program)
    return check(run, state=SimpleNamespace(folder=tmp_path), **seen)


def certified(code: int, *results: str) -> Ended:
    found = [{"check": str(number), "result": each} for number, each in enumerate(results)]
    return Ended(code=code, output=json.dumps({"summary": "S.", "checks": found}), errors="")


@pytest.mark.parametrize(
    ("ended", "outcome"),
    [
        (certified(0, "pass", "skipped"), "pass"),
        (certified(1, "pass", "fail"), "fail"),
        (certified(1, "pass", "not checked"), "not checked"),
        (Ended(code=2, output="", errors="Error: No such command 'certify'."), "not checked"),
        (Ended(code=1, output="", errors="s3leader: no such bucket"), "fail"),
        (Ended(code=None, output="{", errors=""), "fail"),
    ],
    ids=["usable", "unusable", "not proved", "no command", "error", "too slow"],
)
def test_certify_decides(
    ended: Ended, outcome: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert command(monkeypatch, tmp_path, commands.certify, ended).outcome == outcome


def examined(*levels: str) -> Ended:
    found = [{"check": str(number), "level": each} for number, each in enumerate(levels)]
    output = json.dumps({"result": "ok", "findings": found})
    return Ended(code=1 if "problem" in levels else 0, output=output, errors="")


@pytest.mark.parametrize(
    ("levels", "outcome"),
    [
        (["ok", "warning"], "pass"),
        (["ok", "problem", "cannot tell"], "fail"),
        (["ok", "cannot tell"], "not checked"),
    ],
)
def test_doctor_decides(
    levels: list[str], outcome: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    terms = {"due": None, "terms": lambda _: ["a term"]}
    found = command(monkeypatch, tmp_path, commands.doctor, examined(*levels), **terms)
    assert found.outcome == outcome


def test_doctor_needs_a_term(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    terms: dict[str, Any] = {"due": None, "terms": lambda _: []}
    found = command(monkeypatch, tmp_path, commands.doctor, examined("ok"), **terms)
    assert found.why == "the schedules have started no term"
