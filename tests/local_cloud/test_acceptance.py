"""`scripts/acceptance`, run as a whole, interrupted, killed, and on a cloud that breaks promises.

The emulated cloud checks permissions, fires schedules and retries events. What it does not emulate
has to be reported as not checked.
"""

import json
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local_cloud import LocalCloud
from s3leader_acceptance.checks.table import chosen
from s3leader_acceptance.deployment import Deployment
from s3leader_acceptance.plan import RESOURCES
from s3leader_acceptance.results import Result
from s3leader_acceptance.runner import run_checks
from tests.local_cloud.acceptance_runs import Run, account_of, staged

PASS, NOT_CHECKED = "pass", "not checked"
EXPECTED = {
    "certify": PASS,
    "races": PASS,
    "clocks": PASS,
    "lifecycle": NOT_CHECKED,
    "denials": PASS,
    "conditions": PASS,
    "scheduled-time": NOT_CHECKED,
    "undelivered": PASS,
    "retries": PASS,
    "unprocessed": PASS,
    "takeover": PASS,
    "legs": PASS,
    "monotonic": PASS,
    "time-out": PASS,
    "doctor": PASS,
    "emf-metrics": NOT_CHECKED,
    "filter-metrics": NOT_CHECKED,
    "alarms": NOT_CHECKED,
}
LONG = ("--yes", "--fast", "--only", "takeover")  # it waits for a lease of five seconds
STARTED = "checking takeover"
WAITS = "s3leader_acceptance.deployment._FAST_SECONDS"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    with LocalCloud(tmp_path_factory.mktemp("cloud"), enforce=True) as running:
        running.bootstrap()
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def stopped(cloud: LocalCloud, folder: Path) -> Iterator[dict[str, Run]]:
    """Two runs, one of which gets SIGKILL and the other SIGTERM while their checks are at work."""
    runs = {name: Run.start(cloud, folder / name, *LONG) for name in ("KILL", "TERM")}
    for name, run in runs.items():
        assert run.says(STARTED)
        run.process.send_signal(signal.Signals[f"SIG{name}"])
    yield runs
    for run in runs.values():
        run.process.kill()


@pytest.fixture(scope="module")
def killed(stopped: dict[str, Run]) -> Run:
    """A run whose stack stays."""
    stopped["KILL"].end()
    return stopped["KILL"]


@pytest.fixture(scope="module")
def interrupted(stopped: dict[str, Run]) -> Run:
    stopped["TERM"].end()
    return stopped["TERM"]


@pytest.fixture(scope="module")
def whole(cloud: LocalCloud, folder: Path, stopped: dict[str, Run]) -> Iterator[Run]:
    run = Run.start(cloud, folder / "whole", "--yes", "--fast")
    yield run
    run.process.kill()


@pytest.fixture
def stack(killed: Run, whole: Run) -> Deployment:
    """The stack of the killed run; the whole run has begun meanwhile."""
    return killed.deployment()


def result(deployment: Deployment, check: str) -> Result:
    ((finding),) = run_checks(deployment, chosen((check,)))
    return finding.result


def test_kill_leaves_a_stack_and_a_state_that_names_it(killed: Run) -> None:
    (state,) = killed.states
    assert (state.stack, f"stack {state.stack}" in killed.left()) == (killed.name, True)


def test_plan_says_what_is_created(killed: Run) -> None:
    formation = killed.cloud.client("cloudformation")
    pages = formation.get_paginator("list_stack_resources").paginate(StackName=killed.name)
    found = Counter(
        each["ResourceType"] for page in pages for each in page["StackResourceSummaries"]
    )
    assert {kind: count for kind, count in found.items() if kind in RESOURCES} == {
        kind: count for kind, (count, _) in RESOURCES.items()
    }


def test_interrupted_run_ends_with_the_signal_s_code_and_leaves_nothing(interrupted: Run) -> None:
    ended = interrupted.end()
    assert (ended, interrupted.left(), interrupted.states) == (128 + signal.SIGTERM, [], [])


def test_policy_that_was_removed_is_noticed(stack: Deployment) -> None:
    policy = stack.s3.get_bucket_policy(Bucket=stack.bucket)["Policy"]
    stack.s3.delete_bucket_policy(Bucket=stack.bucket)
    found = result(stack, "denials")
    stack.s3.put_bucket_policy(Bucket=stack.bucket, Policy=policy)
    assert (found.outcome, "PUT of a lock without a condition was permitted" in found.why) == (
        "fail",
        True,
    )


def test_right_that_is_too_wide_is_noticed(stack: Deployment) -> None:
    everything = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    role = stack.outputs["WriterRole"].rpartition("/")[2]
    policy = {"RoleName": role, "PolicyName": "wide"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
    stack.client("iam").put_role_policy(**policy, PolicyDocument=document)
    found = result(stack, "conditions")
    stack.client("iam").delete_role_policy(**policy)
    assert found.why == "PUT without a condition by a writer was permitted"


def test_right_that_is_missing_is_noticed(
    stack: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WAITS, 0)
    stack.outputs = {**stack.outputs, "CandidateRole": stack.outputs["NothingRole"]}
    found = result(stack, "conditions")
    assert "which the candidate's policy permits" in found.why


@pytest.mark.parametrize("header", ["If-None-Match", "If-Match"])
def test_store_that_ignores_a_condition_is_noticed(
    stack: Deployment, header: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def strip(params: dict[str, Any], **_: object) -> None:
        params["headers"].pop(header, None)

    connect = type(stack.account).client

    def connected(account: Any, service: str, **options: Any) -> Any:
        client = connect(account, service, **options)
        client.meta.events.register("before-call.s3.PutObject", strip)
        return client

    monkeypatch.setattr(type(stack.account), "client", connected)
    found = result(stack, "races")
    assert (found.outcome, "writers of one race were answered 200" in found.why) == ("fail", True)


def test_missing_lifecycle_rule_is_noticed_where_other_buckets_have_theirs(
    stack: Deployment,
) -> None:
    _set_rule(stack, stack.outputs["Control"])
    assert result(stack, "lifecycle").outcome == "fail"


def test_rule_that_deletes_by_age_alone_is_noticed(stack: Deployment) -> None:
    _set_rule(stack, stack.bucket)
    assert "1 rules delete by age, with the tags [{}]" in result(stack, "lifecycle").why


def _set_rule(stack: Deployment, bucket: str) -> None:
    rule = {"ID": "all", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 2}}
    stack.s3.put_bucket_lifecycle_configuration(
        Bucket=bucket, LifecycleConfiguration={"Rules": [rule]}
    )


def test_destroy_removes_what_the_killed_run_has_left(cloud: LocalCloud, killed: Run) -> None:
    ended = Run.start(cloud, killed.folder, "--destroy").end()
    assert (ended, killed.left(), killed.states) == (0, [], [])


def test_whole_run_passes_what_the_cloud_emulates_and_no_more(whole: Run) -> None:
    assert (whole.end(), whole.outcomes()) == (0, EXPECTED)


def test_what_is_not_checked_says_why(whole: Run) -> None:
    whole.end()
    unchecked = [one for one in whole.report["checks"] if one["outcome"] == NOT_CHECKED]
    assert all(one["why"] for one in unchecked)


@pytest.mark.parametrize("file", ["acceptance.md", "acceptance.json"])
def test_report_has_nothing_that_identifies_the_account(
    cloud: LocalCloud, whole: Run, file: str
) -> None:
    whole.end()
    text = (whole.folder / whole.name / file).read_text()
    key_id, bucket = cloud.settings["AWS_ACCESS_KEY_ID"], f"{whole.name}-bucket"
    hidden = ("arn:", "0" * 12, "http://127", bucket, key_id)
    assert [each for each in hidden if each in text] == []


def test_whole_run_leaves_nothing(cloud: LocalCloud, whole: Run, interrupted: Run) -> None:
    whole.end()
    assert (whole.left(), whole.states, staged(cloud)) == ([], [], set())


def test_run_says_what_it_creates_and_what_it_waits_for(whole: Run) -> None:
    whole.end()
    assert all(
        text in whole.printed
        for text in ("********0000", "5 functions", "costs at most $", ": at most 20 min")
    )


def test_nothing_is_created_without_consent(cloud: LocalCloud, folder: Path) -> None:
    run = Run.start(cloud, folder / "asked")
    assert (run.end(), list((folder / "asked").glob("s3leader*"))) == (2, [])


def test_account_without_bootstrap_is_refused_with_the_command(tmp_path: Path) -> None:
    with LocalCloud(tmp_path / "cloud") as bare:
        run = Run.start(bare, tmp_path / "run", "--yes")
        assert (run.end(), "run `npx cdk bootstrap` once" in run.printed) == (1, True)
        assert account_of(bare).number == "000000000000"
