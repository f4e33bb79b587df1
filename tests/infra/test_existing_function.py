"""A function that exists already becomes a candidate, or a singleton job."""

from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_lambda as lambda_

from s3leader_cdk import LockBucket, RuntimeLayer
from s3leader_cdk._packaging.asset import locate_runtime
from s3leader_cdk._packaging.staging import stage
from tests.infra import jobs
from tests.infra.jobs import existing_function
from tests.infra.synth import Synthesized, new_app, new_stack, plain, synthesize
from tests.infra.test_app import run_with_path

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


def test_each_attached_function_is_a_candidate_of_its_own_election(attached: Synthesized) -> None:
    variables = attached.variables("one")
    assert (variables["S3LEADER_ELECTION"], variables["S3LEADER_LEASE_SECONDS"]) == ("one", "20")
    tagging = attached.statements("AWS::IAM::Policy", "two")[-1]
    assert tagging["Resource"] == "<LocksBucket941BDB31.Arn>/elections/two/lock_*"


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


def test_a_layer_of_another_region_is_refused() -> None:
    app = new_app()
    layer = RuntimeLayer(new_stack("Away", app, region="eu-west-1"), "Layer")
    stack = new_stack(app=app, region="us-east-1")
    with pytest.raises(ValueError, match=r"is in eu-west-1, but function .* is in us-east-1"):
        LockBucket(stack, "Locks").attach(existing_function(stack), election="one", layer=layer)


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
    run_with_path(layer / "python", program)


def test_the_job_keeps_the_functions_properties_and_variables(job: Synthesized) -> None:
    found = job.one("AWS::Lambda::Function")
    kept = [found[name] for name in ("Handler", "MemorySize", "Runtime", "Timeout")]
    assert kept == ["index.handler", 3000, "python3.12", 60]
    variables = job.variables()
    assert (variables["COLOUR"], variables["S3LEADER_ELECTION"]) == ("red", "nightly")


def test_the_schedules_start_the_function_that_exists(job: Synthesized) -> None:
    targets = {plain(each["Target"]["Arn"]) for each in job.properties("AWS::Scheduler::Schedule")}
    assert targets == {"<Function76856677.Arn>"}


@pytest.mark.parametrize(
    ("timeout_s", "lease_s", "match"),
    [(60, 60, "lease 60 s is not shorter than the timeout of 60 s"), (None, 5, "timeout of 3 s")],
    ids=["its own", "Lambda's default"],
)
def test_a_lease_is_checked_against_the_functions_timeout(
    timeout_s: int | None, lease_s: int, match: str
) -> None:
    stack = new_stack()
    timeout = None if timeout_s is None else cdk.Duration.seconds(timeout_s)
    existing = existing_function(stack, timeout=timeout)
    with pytest.raises(ValueError, match=match):
        jobs.build(stack, function=existing, lease=cdk.Duration.seconds(lease_s))


def test_a_container_image_takes_no_layer() -> None:
    stack = new_stack()
    image = existing_function(
        stack,
        code=lambda_.Code.from_ecr_image(ecr.Repository(stack, "Repository")),
        handler=lambda_.Handler.FROM_IMAGE,
        runtime=lambda_.Runtime.FROM_IMAGE,
    )
    with pytest.raises(ValueError, match=r"is a container image, .* use grant_candidate"):
        LockBucket(stack, "Locks").attach(image, election="nightly")
