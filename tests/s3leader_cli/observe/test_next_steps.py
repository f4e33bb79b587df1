"""What `s3leader status` says is off, and when it says that an operator is needed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.s3leader_cli.observe.conftest import TICK, Bucket

LATER = "2026-11-23T07:00:00Z"


def status(bucket: Bucket, *words: str) -> tuple[int, Any]:
    code = bucket.run("status", "nightly", "--exit-code", *words)[0]
    return code, bucket.json("status", "nightly", *words)


def commands(report: Any) -> list[str]:
    return [word for step in report["next_steps"] for word in step["commands"]]


def test_a_completed_term_is_fine(bucket: Bucket) -> None:
    bucket.lead().resign()
    code, report = status(bucket)
    assert (code, report["fine"], report["next_steps"]) == (0, True, [])


def test_a_leader_at_work_is_fine(bucket: Bucket) -> None:
    bucket.lead()
    assert status(bucket)[0] == 0


def test_a_failed_term_names_the_commands_that_explain_and_repeat_it(bucket: Bucket) -> None:
    bucket.lead().resign(outcome="failed", reason="no disk")
    code, report = status(bucket)
    where = "s3leader {} nightly --bucket locks"
    assert (code, report["next_steps"][0]["what"]) == (1, "term 1 failed: no disk")
    assert commands(report) == [
        f"{where.format('logs')} --term 1", f"{where.format('trigger')} --tick {TICK}",
    ]  # fmt: skip
    assert f"\n    {where.format('logs')} --term 1\n" in bucket.run("status", "nightly")[1]


def test_the_logs_of_an_older_term_are_looked_for_where_they_are(bucket: Bucket) -> None:
    bucket.lead().resign(outcome="failed")
    bucket.pass_time(3 * 3600)
    assert commands(status(bucket)[1])[0].endswith("--term 1 --since 5h")


def test_failures_in_a_row_are_counted(bucket: Bucket) -> None:
    bucket.lead(tick="2026-11-23T05:00:00Z").resign()
    for _ in range(3):
        bucket.lead().resign(outcome="failed")
    assert status(bucket)[1]["next_steps"][0]["what"].startswith("the last 3 terms failed")
    assert "failed (3 times), completed" in bucket.run("status", "nightly")[1]


def test_failures_before_the_leader_at_work_need_nobody_yet(bucket: Bucket) -> None:
    for _ in range(3):
        bucket.lead().resign(outcome="failed")
    bucket.lead()
    code, report = status(bucket)
    assert (code, report["fine"], len(report["next_steps"])) == (0, True, 2)


def test_a_lapsed_lock_that_nobody_took_over_needs_an_operator(bucket: Bucket) -> None:
    bucket.lead()
    bucket.pass_time(60)
    code, report = status(bucket)
    assert (code, "has lapsed 27 s ago" in report["next_steps"][0]["what"]) == (1, True)
    bucket.lead(candidate="c2").resign()
    assert status(bucket)[0] == 0


def test_a_corrupt_lock_names_the_command_that_seals_it(bucket: Bucket) -> None:
    bucket.lead().resign()
    bucket.put(2, "?")
    code, report = status(bucket)
    assert (code, "depose nightly --bucket locks --force" in commands(report)[1]) == (1, True)
    assert report["recent"][0]["outcome"] == "completed"


@pytest.mark.parametrize(("seconds", "code"), [(5, 0), (60, 1)])
def test_a_continued_tick_waits_for_its_next_leg_for_a_lease(
    bucket: Bucket, seconds: int, code: int
) -> None:
    bucket.lead().continue_later({"after": 7})
    bucket.pass_time(seconds)
    found, report = status(bucket)
    assert (found, "waits for leg 2" in report["next_steps"][0]["what"]) == (code, True)


def test_a_void_win_does_not_hide_that_the_last_term_failed(bucket: Bucket) -> None:
    bucket.lead().resign(outcome="failed", reason="no disk")
    bucket.lead().resign(outcome="resigned", reason="void: it was won too late")
    code, report = status(bucket)
    assert (code, "term 1 failed" in report["next_steps"][0]["what"]) == (1, True)


def test_a_continuation_that_is_lost_for_days_is_not_shown_as_lost_for_seconds(
    bucket: Bucket,
) -> None:
    bucket.lead().continue_later({"after": 7})
    bucket.pass_time(2 * 86400 + 5)
    _, report = status(bucket)
    assert "since 172805 s" in report["next_steps"][0]["what"]


@pytest.mark.parametrize(("max_age", "code"), [("2h", 0), ("30m", 1)])
def test_the_last_completion_may_be_too_old(bucket: Bucket, max_age: str, code: int) -> None:
    bucket.lead().resign()
    bucket.pass_time(3600)
    for _ in range(30):
        bucket.lead(tick=LATER).resign(outcome="resigned")
    assert status(bucket, "--max-age", max_age)[0] == code


def test_progress_is_shown_as_keys_and_values(bucket: Bucket) -> None:
    bucket.lead().save({"rows": 1234567, "after": "k" * 100, "done": True})
    out = bucket.run("status", "nightly")[1]
    assert f"rows=1,234,567  after={'k' * 60}…  done=true" in out


def test_a_mistyped_name_is_an_error_that_suggests_others(bucket: Bucket) -> None:
    for name in ("nightly", "team/nightli", "weekly"):
        bucket.lead(name)
    code, out, _ = bucket.run("status", "nightli")
    assert (code, "Similar names: team/nightli, nightly" in " ".join(out.split())) == (3, True)
    assert bucket.json("status", "nightli")["similar"] == ["team/nightli", "nightly"]
