"""`s3leader cost`: what options mean, and what is printed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from s3leader_cli.__main__ import main
from s3leader_cli.check.cost import command
from s3leader_cli.check.cost.deployed import DeployedPlan
from s3leader_cli.check.cost.model import SECONDS_A_MONTH, Plan, lines
from s3leader_cli.check.cost.prices import Prices


def cost(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert main(["cost", "--json", *words]) == 0
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    return report


def item(report: dict[str, Any], name: str, unit: str) -> float:
    found = [each for each in report["lines"] if (each["item"], each["unit"]) == (name, unit)]
    return float(sum(each["count"] for each in found))


def dollars(plan: Plan, **prices: float) -> float:
    free = dict.fromkeys(Prices.__dataclass_fields__, 0.0)
    return sum(each.dollars for each in lines(plan, Prices(**(free | prices))))


@pytest.mark.parametrize(
    ("schedule", "ticks"),
    [
        ("rate(1 minute)", 43800),
        ("rate(5 minutes)", 8760),
        ("rate(1 day)", 365 / 12),
        ("cron(* * * * ? *)", 43800),
        ("cron(0/5 8-17 * * ? *)", 3650),
        ("cron(0 3 1 * ? *)", 1),
        ("cron(0 3 ? * MON *)", 365 / 7 / 12),
        ("at(2199-01-01T00:00:00)", 0),
    ],
)
def test_a_schedule_is_due_so_often_a_month(
    capsys: pytest.CaptureFixture[str], schedule: str, ticks: float
) -> None:
    assert cost(capsys, "--schedule", schedule)["plan"]["ticks"] == pytest.approx(ticks, rel=0.02)


def test_the_requests_are_those_of_the_lines(capsys: pytest.CaptureFixture[str]) -> None:
    report = cost(capsys, "--schedule", "rate(1 day)", "--contenders", "1", "--warm", "1")
    # A PUT to win, a tag and a PUT to resign; and a hint each 500th time.
    assert report["requests"] == pytest.approx(365 / 12 * (3 + 2 / 500), rel=1e-3)


def test_contenders_of_all_regions_are_started_and_lose(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--schedule", "rate(1 hour)", "--contenders", "2", "--regions", "3"]
    report = cost(capsys, *words)
    assert item(report, "Scheduler", "invocations") == pytest.approx(730 * 6)
    assert item(report, "losses", "PUT") == pytest.approx(730 * 5)


def test_a_long_running_leader_renews_all_month(capsys: pytest.CaptureFixture[str]) -> None:
    report = cost(capsys, "--lease", "30", "--standby", "2", "--poll", "1")
    assert item(report, "renewals", "PUT") == pytest.approx(SECONDS_A_MONTH / 10, abs=1)
    assert item(report, "standby", "GET") == pytest.approx(2 * SECONDS_A_MONTH / 0.75)
    assert item(report, "Lambda invocations", "invocations") == 0


def test_the_total_is_that_of_the_lines(capsys: pytest.CaptureFixture[str]) -> None:
    report = cost(capsys, "--schedule", "rate(5 minutes)", "--failures", "0.1", "--legs", "2")
    assert report["dollars"] == pytest.approx(
        sum(each["count"] / each["per"] * each["price"] for each in report["lines"]), rel=1e-4
    )


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        ({"put": 5.0}, 7.5),  # a win's PUT, a tag, the seal, each 500 times; without hints
        ({"list": 5.0}, 2.5),
        ({"get": 5.0}, 2.5),
        ({"invocation": 1e6}, 500),
        ({"schedule": 1e6}, 500),
    ],
)
def test_each_price_is_paid_for_its_own_kind(price: dict[str, float], expected: float) -> None:
    plan = Plan(ticks=500, contenders=1)
    hint = 0.005 if price.keys() & {"put", "get"} else 0
    assert dollars(plan, **price) == pytest.approx(expected + hint)


def test_locks_are_kept_for_the_history_and_paid_with_their_state_and_tags() -> None:
    plan = Plan(ticks=365 / 12 * 24, contenders=1, history_days=9, state_bytes=200)
    assert plan.locks_kept == pytest.approx(10 * 24 + 1)
    assert dollars(plan, storage=1e9) == pytest.approx(241 * 1000)
    assert dollars(plan, tag=10_000) == pytest.approx(240)


def test_a_long_ledger_makes_cold_starts_dearer() -> None:
    short, long = Plan(ticks=900, contenders=1), Plan(ticks=9000, contenders=1)
    each_reads_the_hint = 9000 / 1000
    assert dollars(long, list=1) == pytest.approx(10 * dollars(short, list=1))
    expected = 10 * dollars(short, get=1) + each_reads_the_hint
    assert dollars(long, get=1) == pytest.approx(expected)


def test_the_function_is_paid_for_its_work_and_for_each_start() -> None:
    plan = Plan(ticks=100, contenders=2, duration=10, memory_mb=512, overhead=0.5)
    assert dollars(plan, gb_second=1) == pytest.approx((100 * 10 + 200 * 0.5) / 2)


def test_prices_are_options(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--schedule", "rate(1 hour)", "--no-lambda", "--price-put", "0"]
    words += ["--price-list", "0", "--price-get", "0", "--price-storage", "0", "--price-tag", "0"]
    assert cost(capsys, *words)["dollars"] == 0


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--schedule", "every day"], "every day"),
        (["--schedule", "cron(0 25 * * ? *)"], "cron(0 25 * * ? *)"),
        (["--schedule", "cron(7 3 * * MON)"], "got 5: 7 3 * * MON."),
        (["--schedule", "cron(7 3 * * ? * 9)"], "got 7: 7 3 * * ? * 9."),
        (["--schedule", "cron(7)"], "got 1: 7."),
        (["--schedule", "cron(0 3 * * ? *)", "--time-zone", "Mars"], "Mars"),
        (["nightly", "--schedule", "rate(1 day)"], "give one of them"),
        (["nightly"], "--bucket"),
        (["--schedule", "rate(30 seconds)"], "rate(30 seconds)"),
        (["--poll", "0"], "--poll is 0"),
        (["--lease", "0"], "--lease is 0"),
        (["--warm", "2"], "--warm"),
        (["--failures", "1"], "--failures"),
        (["--contenders", "0"], "--contenders"),
        (["--price-put", "-1"], "--price-put"),
    ],
)
def test_a_value_that_cannot_be_used_is_a_usage_error(
    capsys: pytest.CaptureFixture[str], words: list[str], named: str
) -> None:
    assert main(["cost", *words]) == 2
    assert named in capsys.readouterr().err


def test_a_table_has_the_total_and_the_date_of_the_prices(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["cost", "--schedule", "rate(5 minutes)"]) == 0
    out = capsys.readouterr().out
    assert "│ total" in out
    assert "us-east-1, without the free tier" in out


def test_an_election_s_record_says_what_starts_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    schedules = (("rate(1 hour)", "UTC"), ("cron(0 3 * * ? *)", "Europe/Berlin"))
    deployed = DeployedPlan(schedules=schedules, contenders=3, regions=2, on_lambda=True)
    monkeypatch.setattr(command, "_deployed", lambda _: deployed)
    report = cost(capsys, "nightly", "--bucket", "locks")
    assert report["schedule"] == "rate(1 hour); cron(0 3 * * ? *) Europe/Berlin"
    assert item(report, "Scheduler", "invocations") == pytest.approx(6 * (730 + 365 / 12))
    fewer = cost(capsys, "nightly", "--bucket", "locks", "--contenders", "1")
    assert item(fewer, "Scheduler", "invocations") == pytest.approx(2 * (730 + 365 / 12))


def test_a_task_s_record_leaves_lambda_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed = DeployedPlan(
        schedules=(("rate(1 hour)", "UTC"),), contenders=1, regions=1, on_lambda=False
    )
    monkeypatch.setattr(command, "_deployed", lambda _: deployed)
    report = cost(capsys, "nightly", "--bucket", "locks")
    assert item(report, "Lambda invocations", "invocations") == 0
