"""A function that exists already becomes a candidate, or a singleton job."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_lambda as lambda_

from s3leader_cdk import LockBucket, RuntimeLayer
from s3leader_cdk._packaging.asset import locate_runtime, stage
from tests.infra import jobs
from tests.infra.jobs import existing_function
from tests.infra.synth import UNBUNDLED, Synthesized, new_stack, plain, synthesize

SCHEDULE = "rate(5 minutes)"


@pytest.fixture(scope="module")
def attached() -> Synthesized:
    def build(stack: cdk.Stack) -> None:
        locks = LockBucket(stack, "Locks")
        for name in ("one", "two"):
            locks.attach(
                existing_function(stack, name), election=name, lease=cdk.Duration.seconds(20)
            )

    return synthesize(build)


@pytest.fixture(scope="module")
def job() -> Synthesized:
    def build(stack: cdk.Stack) -> None:
        locks = LockBucket(stack, "Locks")
        existing = existing_function(stack, environment={"COLOUR": "red"}, memory_size=3000)
        jobs.build(stack, schedule=SCHEDULE, function=existing, lock_bucket=locks)

    return synthesize(build)


def test_the_environment_of_an_attached_function_names_its_election(attached: Synthesized) -> None:
    assert attached.variables("one") == {
        "S3LEADER_BUCKET": "<LocksBucket941BDB31>",
        "S3LEADER_BUCKET_OWNER": "<AWS::AccountId>",
        "S3LEADER_ELECTION": "one",
        "S3LEADER_LEASE_SECONDS": "20",
        "S3LEADER_PREFIX": "elections/",
    }


def test_attached_function_has_the_rights_of_its_election(attached: Synthesized) -> None:
    statements = attached.statements("AWS::IAM::Policy", "two")
    resource = "<LocksBucket941BDB31.Arn>/elections/two/lock_*"
    assert [each["Action"] for each in statements] == [
        "s3:ListBucket",
        "s3:GetObject",
        "s3:PutObject",
        "s3:PutObject",
        "s3:PutObjectTagging",
    ]
    assert statements[-1]["Resource"] == resource


def test_functions_of_a_stack_share_one_layer(attached: Synthesized) -> None:
    (layer,) = attached.ids("AWS::Lambda::LayerVersion")
    used = [each["Layers"] for each in attached.properties("AWS::Lambda::Function")]
    assert used == [[{"Ref": layer}]] * 2


def test_the_layer_runs_on_every_python_that_the_runtime_does(attached: Synthesized) -> None:
    layer = attached.one("AWS::Lambda::LayerVersion")
    assert (layer["CompatibleRuntimes"], layer["CompatibleArchitectures"]) == (
        ["python3.11", "python3.12", "python3.13", "python3.14"],
        ["arm64", "x86_64"],
    )


def test_a_given_layer_replaces_the_shared_one() -> None:
    def build(stack: cdk.Stack) -> None:
        own = RuntimeLayer(stack, "Own")
        LockBucket(stack, "Locks").attach(existing_function(stack), election="one", layer=own)

    assert len(synthesize(build).ids("AWS::Lambda::LayerVersion")) == 1


def test_attaching_twice_adds_one_layer() -> None:
    def build(stack: cdk.Stack) -> None:
        locks, existing = LockBucket(stack, "Locks"), existing_function(stack)
        locks.attach(existing, election="nightly")
        jobs.build(stack, schedule=SCHEDULE, function=existing, lock_bucket=locks)

    assert len(synthesize(build).one("AWS::Lambda::Function")["Layers"]) == 1


@pytest.mark.parametrize("runtime", [lambda_.Runtime.PYTHON_3_10, lambda_.Runtime.NODEJS_22_X])
def test_a_function_that_cannot_run_the_layer_is_refused(runtime: lambda_.Runtime) -> None:
    stack = new_stack()
    with pytest.raises(ValueError, match=rf"Test/Function runs {runtime.name}, .*python3\.14"):
        LockBucket(stack, "Locks").attach(existing_function(stack, runtime=runtime), election="one")


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The layer as it is unpacked in /opt."""
    folder = tmp_path_factory.mktemp("opt")
    stage(None, locate_runtime(), folder / "python")
    return folder


def test_the_layer_holds_plain_python_alone_so_that_any_processor_will_do(layer: Path) -> None:
    compiled = {".so", ".pyd", ".dylib"}
    assert [path for path in layer.rglob("*") if path.suffix in compiled] == []


def test_a_handler_elects_with_nothing_but_the_layer(layer: Path) -> None:
    program = """
from s3leader.aws_lambda import singleton
from s3leader.testing import invoke

@singleton
def handler(event, context, term):
    return term.number

import s3leader
assert s3leader.__file__.startswith(sys.path[0]), s3leader.__file__
assert invoke(handler)["result"] == 1
"""
    path = f"import sys; sys.path.insert(0, {str(layer / 'python')!r})"
    environment = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", f"{path}\n{program}"],
        cwd=layer,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_job_keeps_the_functions_properties(job: Synthesized) -> None:
    found = job.one("AWS::Lambda::Function")
    assert [found[name] for name in ("Handler", "MemorySize", "Runtime", "Timeout")] == [
        "index.handler",
        3000,
        "python3.12",
        60,
    ]


def test_the_job_adds_to_the_environment(job: Synthesized) -> None:
    variables = job.variables()
    assert (variables["COLOUR"], variables["S3LEADER_ELECTION"]) == ("red", "nightly")


def test_the_schedules_start_the_function_that_exists(job: Synthesized) -> None:
    targets = {plain(each["Target"]["Arn"]) for each in job.properties("AWS::Scheduler::Schedule")}
    assert targets == {"<Function76856677.Arn>"}


def refused(match: str, error: type[Exception] = ValueError, **properties: Any) -> None:
    stack = new_stack()
    existing = properties.pop("existing", {})
    with pytest.raises(error, match=match):
        jobs.build(stack, **{"function": existing_function(stack, **existing), **properties})


def test_a_lease_is_checked_against_the_functions_own_timeout() -> None:
    refused("lease 60 s is not shorter than the timeout of 60 s", lease=cdk.Duration.minutes(1))


def test_a_function_without_a_timeout_has_lambdas_own() -> None:
    lease = cdk.Duration.seconds(5)
    refused("the timeout of 3 s", existing={"timeout": None}, lease=lease)


def test_a_function_of_another_stack_is_refused() -> None:
    app = cdk.App(context=UNBUNDLED)
    elsewhere = existing_function(cdk.Stack(app, "Elsewhere"))
    stack = cdk.Stack(app, "Test")
    with pytest.raises(ValueError, match="Elsewhere/Function is in another stack than job Test/J"):
        jobs.build(stack, function=elsewhere)


def test_a_container_image_is_refused_with_what_to_do_instead() -> None:
    stack = new_stack()
    image = existing_function(
        stack,
        code=lambda_.Code.from_ecr_image(ecr.Repository(stack, "Repository")),
        handler=lambda_.Handler.FROM_IMAGE,
        runtime=lambda_.Runtime.FROM_IMAGE,
    )
    with pytest.raises(ValueError, match=r"is a container image, .* use grant_candidate"):
        LockBucket(stack, "Locks").attach(image, election="nightly")
