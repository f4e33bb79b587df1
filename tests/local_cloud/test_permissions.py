"""The deployed stack has the permissions that it needs, and no other, by an emulated IAM.

Checked are the roles of the function, the Scheduler, an observer and a writer of a fenced object,
and the lock bucket's policy. What no emulator enforces is checked in the templates (tests/infra):
denials of requests without TLS, permissions on KMS keys and in a VPC, the trust of Lambda, and the
list permission that makes S3 answer 404 for a missing hint. `DOCUMENTED` names those in this stack.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_cloud import LocalCloud
from s3leader import S3LeaderError
from s3leader_cli.__main__ import main
from tests.local_cloud.job import ELECTION
from tests.local_cloud.permission_cases import CASES, DENIALS, DOCUMENTED, TRUSTED, Case
from tests.local_cloud.permission_job import ANOTHER_LOCK, CheckedJob
from tests.local_cloud.projects import NEVER, STACK, assemblies, copy_project
from tests.local_cloud.test_lifetime import eventually

INPUTS = {
    "events/good.ndjson": b'{"event": 1}\n',
    "events/malformed.ndjson": b'{"event": \n',
    "events/kept-whole.ndjson.gz": b"no gzip at all",
}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    with LocalCloud(tmp_path_factory.mktemp("cloud"), enforce=True) as running:
        yield running


@pytest.fixture(scope="module")
def job(cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> CheckedJob:
    """The job after a tick that schedules fired, on inputs of all kinds."""
    project = copy_project(tmp_path_factory.mktemp("projects") / "project")
    with assemblies(project, {"stack": {"schedule": NEVER, "contenders": "2"}}) as made:
        cloud.bootstrap()
    job = CheckedJob(cloud, cloud.deploy(STACK, assembly=made / "stack"))
    for key, body in INPUTS.items():
        job.put(key, body)
    job.lead().resign()  # so that there is a lock to list, to read, and to tag
    time = job.tick()
    names = [job.fire(tick=time, contender=contender) for contender in (1, 2)]

    def ended() -> bool:
        fired = [one for one in cloud.invocations() if one.schedule in names and one.ended]
        logged = [one for one in job.decisions() if one.action == "logs:PutLogEvents"]
        return len(fired) == len(logged) == len(names)

    assert eventually(ended, 30)
    return job


def doctor(
    job: CheckedJob, monkeypatch: pytest.MonkeyPatch, role: str | None, *words: str
) -> list[tuple[str, str, str]]:
    """Return check, level and text of each finding of `s3leader doctor`, in a session of a role."""
    cloud = job.cloud
    for name, value in (cloud.session(role) if role else cloud.settings).items():
        monkeypatch.setenv(name, value)
    printed: list[dict[str, Any]] = []
    monkeypatch.setattr("s3leader_cli.check.doctor.command.print_json", printed.append)
    main(["doctor", ELECTION, "--bucket", job.locks, "--json", "--connections", "8", *words])
    [report] = printed
    return [(each["check"], each["level"], each["what"]) for each in report["findings"]]


def test_doctor_finds_nothing_wrong_with_what_the_stack_made(
    job: CheckedJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First in this file: the others leave locks and schedules as doctor does not want them."""
    found = doctor(job, monkeypatch, None, "--region", "us-east-1")
    # The emulator leaves the lifecycle rules of a template out: tests/infra/bucket shows them.
    assert {check for check, level, _ in found if level != "ok"} == {"lifecycle"}
    assert {"schedules", "policy", "rights"} <= {check for check, _, _ in found}


def test_nothing_that_the_roles_asked_for_was_refused(job: CheckedJob) -> None:
    left = [key for key in job.objects(job.data) if key.startswith("events/")]
    assert (job.top().outcome, left) == ("completed", [])
    assert [each for each in job.decisions() if not each.allowed] == []


def refusals(job: CheckedJob, since: int) -> set[str]:
    """Return the denied requests, in the notation of the policies."""
    known = [one for role in job.roles.values() for one in role.permissions]
    refused = [each for each in job.decisions()[since:] if not each.allowed]
    return {
        f"{each.action} {next((it.resource for it in known if it.matches(each, job.names)), each)}"
        for each in refused
    }


def tried(job: CheckedJob, case: Case, *, granted: bool) -> set[str]:
    """Run the operation that needs a permission, and return the denied requests."""
    since = len(job.decisions())
    taken = case.blocking if granted else {case.permission, *case.blocking}

    def decided() -> bool:
        return any(
            each.allowed is granted and case.permission.matches(each, job.names)
            for each in job.decisions()[since:]
        )

    with job.roles[case.permission.policy].without(taken):
        try:
            case.use(job)
        except (ClientError, S3LeaderError):
            assert not granted
        assert eventually(decided, 20)
    job.depose_holder()
    return refusals(job, since)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_it_is_refused_without_the_right_and_only_without_it(job: CheckedJob, case: Case) -> None:
    blocking = {f"{permission.action} {permission.resource}" for permission in case.blocking}
    without = tried(job, case, granted=False)
    granted = tried(job, case, granted=True)
    assert (without - blocking, granted - blocking) == (
        {f"{case.permission.action} {case.permission.resource}"},
        set(),
    )


def refused(job: CheckedJob, denial: Case) -> bool:
    job.s3.put_object(Bucket=job.locks, Key=ANOTHER_LOCK, Body=b"{}")
    try:
        denial.use(job)
    except ClientError as error:
        return error.response["Error"]["Code"] == "AccessDenied"
    return False


@pytest.mark.parametrize("denial", DENIALS.values(), ids=DENIALS)
def test_it_is_refused_to_everyone_by_that_denial(job: CheckedJob, denial: Case) -> None:
    denied = refused(job, denial)
    with job.without_denial(denial.permission):
        assert (denied, refused(job, denial)) == (True, False)


def test_the_scheduler_acts_for_the_job_s_own_schedules_only(job: CheckedJob) -> None:
    foreign = job.fire("default")

    def results() -> list[str]:
        return [str(i.result) for i in job.cloud.invocations() if i.schedule == foreign and i.ended]

    assert eventually(lambda: bool(results()), 20)
    assert "does not trust scheduler.amazonaws.com" in results()[0]


def test_every_right_of_the_stack_is_shown_or_named_as_documented_only(job: CheckedJob) -> None:
    shown = {each.permission for each in [*CASES.values(), *DENIALS.values()]}
    assert job.permissions() == shown | DOCUMENTED | {TRUSTED}


def test_no_role_has_rights_by_another_policy(job: CheckedJob) -> None:
    assert [role.managed for role in job.roles.values()] == [[], [], [], []]


@pytest.mark.parametrize("policy", ["candidate", "observer"])
def test_doctor_tells_the_rights_of_a_role_one_by_one(
    job: CheckedJob, monkeypatch: pytest.MonkeyPatch, policy: str
) -> None:
    found = doctor(job, monkeypatch, job.roles[policy].name, "--candidate")
    rights = [level for check, level, _ in found if check == "rights"]
    missing = ["ok"] * 3 if policy == "candidate" else ["problem"] * 3
    assert rights == ["ok", "ok", *missing]
    actions = {what.rpartition(" ")[2] for _, level, what in found if level == "cannot tell"}
    assert {"s3:GetBucketPolicy", "s3:GetObjectTagging", "s3:GetLifecycleConfiguration"} <= actions


def test_cost_reads_schedules_and_contenders_of_the_deployed_job(
    job: CheckedJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in job.cloud.settings.items():
        monkeypatch.setenv(name, value)
    printed: list[dict[str, Any]] = []
    monkeypatch.setattr("s3leader_cli.check.cost.command.print_json", printed.append)
    words = ["--bucket", job.locks, "--region", "us-east-1", "--json"]
    assert main(["cost", ELECTION, *words]) == 0
    plan = printed[0]["plan"]
    group = job.client("scheduler").list_schedules(GroupName=job.group)["Schedules"]
    assert (printed[0]["schedule"], plan["regions"]) == (NEVER, 1)
    assert plan["contenders"] == len(group) >= 2  # this module's tests add some
