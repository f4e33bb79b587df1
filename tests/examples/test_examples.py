"""Every example is synthesized by its own command, and every handler runs."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from s3leader import LeadershipLost
from s3leader.aws_lambda import LambdaHandler, singleton
from s3leader.testing import MemoryStore, invoke
from tests.dated_moto import mock_dated_aws

EXAMPLES = Path(__file__).parents[2] / "examples"
TICKS = ["2026-11-22T03:00:00Z", "2026-11-23T03:00:00Z"]
STACKS = {
    "minimal": ["Billing"],
    "container_image": ["BillingImage"],
    "container_task": ["Report"],
    "many_elections": ["Shards"],
    "other_stack": ["Jobs", "ReportLocks", "Reports"],
    "existing_function": ["Legacy"],
    "requirements": ["Invoices"],
    "long_job": ["Export"],
    "several_schedules": ["Digest"],
    "two_regions": ["Billing-eu-west-1", "Billing-us-east-1", "BillingHome"],
}


class Context:
    function_name = "example"
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:example"
    aws_request_id = "1"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


@pytest.fixture(autouse=True)
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"AWS_{name}", "test")
    for name in ("REGION", "DEFAULT_REGION"):
        monkeypatch.setenv(f"AWS_{name}", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("S3LEADER_BUCKET", "locks")
    monkeypatch.setenv("S3LEADER_ELECTION", "example")
    with mock_dated_aws():
        boto3.client("s3").create_bucket(Bucket="locks")
        yield


@pytest.fixture(scope="module")
def assemblies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The output of `python app.py` of each folder, run in another directory."""
    made = {}
    for name in STACKS:
        made[name] = tmp_path_factory.mktemp(name)
        skip_bundling = json.dumps({"aws:cdk:bundling-stacks": []})
        environment = os.environ | {
            "CDK_OUTDIR": str(made[name]),
            "CDK_CONTEXT_JSON": skip_bundling,
        }
        command = [sys.executable, str(EXAMPLES / name / "app.py")]
        done = subprocess.run(
            command, cwd=made[name], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    return made


@pytest.mark.parametrize("name", STACKS)
def test_example_synthesizes(name: str, assemblies: dict[str, Path]) -> None:
    found = [path.name.split(".")[0] for path in assemblies[name].glob("*.template.json")]
    assert sorted(found) == STACKS[name]


def test_the_table_lists_exactly_the_examples() -> None:
    rows = re.findall(r"^\| \[(\w+)\]\((\S+)\)", (EXAMPLES / "README.md").read_text(), re.MULTILINE)
    folders = sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir())
    assert sorted(name for name, _ in rows) == folders
    assert all((EXAMPLES / link).is_file() for _, link in rows)


def module(path: str) -> Any:
    """Import an example's file by its path, without a cache."""
    spec = importlib.util.spec_from_file_location("example", EXAMPLES / path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def run(handler: LambdaHandler, tick: str = TICKS[0]) -> Any:
    return handler({"tick": tick}, Context())["result"]


def test_minimal_bills_every_customer_each_night(capsys: pytest.CaptureFixture[str]) -> None:
    handler = module("minimal/billing/main.py").handler
    assert [run(handler, tick) for tick in TICKS] == [3, 3]


def test_minimal_resumes_where_a_failed_term_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    billing, charged = module("minimal/billing/main.py"), []

    def charge(customer: str, *, token: int) -> None:
        if customer == "mary" and token == 1:
            raise LeadershipLost(term=1, why="for the test")
        charged.append((customer, token))

    monkeypatch.setattr(billing, "charge", charge)
    with pytest.raises(LeadershipLost):
        run(billing.handler)
    run(billing.handler)
    assert charged == [("ada", 1), ("grace", 1), ("mary", 2)]


def test_minimal_bills_everybody_after_an_attempt_that_failed_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    billing, store, charged = module("minimal/billing/main.py"), MemoryStore(), []

    def charge(customer: str, *, token: int) -> None:
        if token == 2:
            raise LeadershipLost(term=2, why="for the test")
        charged.append((customer, token))

    monkeypatch.setattr(billing, "charge", charge)
    invoke(billing.handler, tick=TICKS[0], store=store)
    with pytest.raises(LeadershipLost):
        invoke(billing.handler, tick=TICKS[1], store=store)
    invoke(billing.handler, tick=TICKS[1], store=store)
    assert charged[3:] == [("ada", 3), ("grace", 3), ("mary", 3)]


@pytest.mark.parametrize(
    ("path", "event", "expected"),
    [
        (
            "existing_function/poller/main.py",
            {"detail-type": "Scheduled Event", "time": TICKS[0]},
            "polled for 2026-11-22 03:00:00+00:00",
        ),
        (
            "existing_function/report/main.py",
            {"tick": TICKS[0]},
            "reported for 2026-11-22 03:00:00+00:00, attempt 1",
        ),
        ("container_image/image/billing/main.py", {"tick": TICKS[0]}, "charged 3 in term 1"),
        ("other_stack/report/main.py", {"tick": TICKS[0]}, "part 1 by example"),
        ("two_regions/billing/main.py", {"tick": TICKS[0]}, "term 1 bills in us-east-1"),
    ],
    ids=["poller", "report", "container_image", "other_stack", "two_regions"],
)
def test_a_handler_runs_for_its_tick(path: str, event: dict[str, str], expected: str) -> None:
    assert module(path).handler(event, Context())["result"] == expected


def test_invoices_are_due_at_the_end_of_the_next_month(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(EXAMPLES / "requirements")
    handler = singleton("invoices.main:bill")
    assert handler({"tick": "2026-01-01T06:00:00Z"}, Context())["result"] == "due on 2026-02-28"


def test_each_shard_has_an_election_of_its_own() -> None:
    handler = module("many_elections/shards/main.py").handler
    events = [{"tick": tick, "shard": shard} for tick in TICKS for shard in (0, 63)]
    results = [handler(event, Context())["result"] for event in events]
    assert results == [
        f"worked on shard {shard} in term {term}" for term in (1, 2) for shard in (0, 63)
    ]


def test_a_digest_continues_from_the_last_one() -> None:
    handler = module("several_schedules/digest/main.py").handler
    first, second = (run(handler, tick) for tick in TICKS)
    assert (first["since"], second["since"]) == (None, first["until"])


def test_a_long_job_starts_each_night_with_the_first_page(
    capsys: pytest.CaptureFixture[str],
) -> None:
    handler = module("long_job/export/main.py").handler
    assert [run(handler, tick) for tick in TICKS] == [3, 3]
    pages = [line for line in capsys.readouterr().out.splitlines() if line.startswith("page ")]
    assert [line.split()[1] for line in pages] == ["0", "1", "2"] * 2


def test_a_long_job_continues_with_the_next_page() -> None:
    handler, store = module("long_job/export/main.py").handler, MemoryStore()
    answers = [
        invoke(handler, tick=TICKS[0], store=store, remaining=timedelta(seconds=50))
        for _ in range(3)
    ]
    assert [(each["outcome"], each["result"]) for each in answers] == [
        ("continued", 1),
        ("continued", 2),
        ("completed", 3),
    ]
