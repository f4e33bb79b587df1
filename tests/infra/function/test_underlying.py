"""A job's function may be an alias or a version, and in another stack of the app."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Annotations, Match

from s3leader_cdk import Contenders, JobFunction, LockBucket, Monitoring
from tests.infra.jobs import FOLDER, HANDLER, build, existing_function
from tests.infra.synth import Synthesized, new_app, new_stack, plain

IMPORTED = "arn:aws:lambda:eu-west-1:123456789012:function:imported"


def job_function(stack: cdk.Stack) -> lambda_.Function:
    return JobFunction(stack, "Function", code=FOLDER, handler=HANDLER)


def live(function: lambda_.Function) -> lambda_.Alias:
    return function.add_alias("live", provisioned_concurrent_executions=2)


@pytest.fixture(scope="module")
def alias() -> Synthesized:
    stack = new_stack()
    build(stack, function=live(job_function(stack)), max_continuations=3)
    return Synthesized(stack)


@pytest.fixture(scope="module")
def version() -> Synthesized:
    stack = new_stack()
    build(stack, function=existing_function(stack).current_version)
    return Synthesized(stack)


def targets(template: Synthesized) -> set[str]:
    return {
        plain(each["Target"]["Arn"]) for each in template.properties("AWS::Scheduler::Schedule")
    }


def invoked(template: Synthesized) -> str:
    role = template.statements("AWS::IAM::Policy", "ContendersRole")
    (found,) = (each["Resource"] for each in role if each["Action"] == "lambda:InvokeFunction")
    return str(found)


@pytest.mark.parametrize(
    ("which", "kind"), [("alias", "AWS::Lambda::Alias"), ("version", "AWS::Lambda::Version")]
)
def test_schedules_start_the_alias_or_version_and_may_start_nothing_else(
    which: str, kind: str, request: pytest.FixtureRequest
) -> None:
    template: Synthesized = request.getfixturevalue(which)
    (name,) = template.ids(kind)
    assert (targets(template), invoked(template)) == ({f"<{name}>"}, f"<{name}>")


def test_function_of_an_alias_gets_the_environment(alias: Synthesized) -> None:
    variables = alias.variables()
    found = {variables[f"S3LEADER_{name}"] for name in ("ELECTION", "MAX_CONTINUATIONS")}
    assert found == {"nightly", "3"}


def test_job_function_behind_an_alias_gets_no_layer(alias: Synthesized) -> None:
    assert not alias.ids("AWS::Lambda::LayerVersion")


def test_function_behind_a_version_gets_the_layer(version: Synthesized) -> None:
    assert version.ids("AWS::Lambda::LayerVersion")


def test_retries_are_those_of_the_alias(alias: Synthesized) -> None:
    config = alias.one("AWS::Lambda::EventInvokeConfig")
    (name,) = alias.ids("AWS::Lambda::Alias")
    assert name in str(config["Qualifier"])
    assert (config["MaximumRetryAttempts"], "OnFailure" in config["DestinationConfig"]) == (2, True)


def test_retries_are_those_of_the_version(version: Synthesized) -> None:
    (name,) = version.ids("AWS::Lambda::Version")
    assert plain(version.one("AWS::Lambda::EventInvokeConfig")["Qualifier"]) == f"<{name}.Version>"


def test_alias_may_start_its_next_leg(alias: Synthesized) -> None:
    (statement,) = alias.statements("AWS::IAM::Policy", "SelfInvocation")
    (name,) = alias.ids("AWS::Lambda::Function")
    assert f"<{name}.Arn>:*" in statement["Resource"]
    assert alias.one("AWS::Lambda::Function")["RecursiveLoop"] == "Allow"


def test_alarms_watch_the_alias(alias: Synthesized) -> None:
    dimensions = alias.one("AWS::CloudWatch::Alarm", "FunctionErrors")["Dimensions"]
    (resource,) = (each["Value"] for each in dimensions if each["Name"] == "Resource")
    assert str(plain(resource)).endswith(":live")


def test_lease_is_checked_against_the_timeout_of_the_function_behind_an_alias() -> None:
    stack = new_stack()
    with pytest.raises(ValueError, match="lease 60 s is not shorter than the timeout of 60 s"):
        build(stack, function=live(existing_function(stack)), lease=cdk.Duration.minutes(1))


def test_version_that_keeps_its_environment_is_warned_of() -> None:
    stack = new_stack()
    function = existing_function(stack)
    build(stack, function=lambda_.Version(stack, "First", lambda_=function))
    message = Match.string_like_regexp("version Test/First is not the function's current_version")
    assert Annotations.from_stack(stack).find_warning("*", message)


def test_current_version_is_not_warned_of() -> None:
    stack = new_stack()
    build(stack, function=live(existing_function(stack)))
    message = Match.string_like_regexp("current_version")
    assert not Annotations.from_stack(stack).find_warning("*", message)


def two_stacks(**options: Any) -> tuple[Synthesized, Synthesized]:
    """Return the templates of the stacks of a function and of its job."""
    app = new_app()
    theirs, ours = cdk.Stack(app, "Theirs"), cdk.Stack(app, "Ours")
    locks = LockBucket(cdk.Stack(app, "Storage"), "Locks")
    build(ours, function=existing_function(theirs), lock_bucket=locks, **options)
    return Synthesized(theirs), Synthesized(ours)


@pytest.fixture(scope="module")
def apart() -> tuple[Synthesized, Synthesized]:
    return two_stacks(max_continuations=2)


def test_stack_of_the_function_does_not_need_the_job_s(
    apart: tuple[Synthesized, Synthesized],
) -> None:
    theirs, ours = apart
    assert "Ours" not in str(theirs.json)
    assert "Theirs" in str(ours.json)


def test_function_of_another_stack_gets_rights_and_environment_there(
    apart: tuple[Synthesized, Synthesized],
) -> None:
    theirs, _ = apart
    assert theirs.variables()["S3LEADER_ELECTION"] == "nightly"
    assert "s3:PutObjectTagging" in str(theirs.statements("AWS::IAM::Policy"))
    assert theirs.ids("AWS::Lambda::LayerVersion")


def test_function_of_another_stack_may_send_to_the_job_s_queue_before_it_is_its_destination(
    apart: tuple[Synthesized, Synthesized],
) -> None:
    _, ours = apart
    (statement,) = ours.statements("AWS::IAM::Policy", "FailedEvents")
    (queue,) = (name for name in ours.ids("AWS::SQS::Queue") if "Unprocessed" in name)
    assert (statement["Action"], statement["Resource"]) == ("sqs:SendMessage", f"<{queue}.Arn>")
    (config,) = ours.resources("AWS::Lambda::EventInvokeConfig")
    assert any("FailedEvents" in each for each in config["DependsOn"])


def test_function_of_another_stack_may_invoke_itself(
    apart: tuple[Synthesized, Synthesized],
) -> None:
    theirs, ours = apart
    assert ours.statements("AWS::IAM::Policy", "SelfInvocation")
    assert theirs.one("AWS::Lambda::Function")["RecursiveLoop"] == "Allow"


def test_alias_in_the_job_s_stack_of_a_function_elsewhere_is_configured_after_it_exists() -> None:
    app = new_app()
    ours = cdk.Stack(app, "Ours")
    function = existing_function(cdk.Stack(app, "Theirs"))
    alias = lambda_.Alias(ours, "Live", alias_name="live", version=function.current_version)
    build(ours, function=alias, lock_bucket=LockBucket(cdk.Stack(app, "Storage"), "Locks"))
    template = Synthesized(ours)
    (config,) = template.resources("AWS::Lambda::EventInvokeConfig")
    assert {*template.ids("AWS::Lambda::Alias")} < {*config["DependsOn"]}
    assert config["Properties"]["Qualifier"] == "live"


def test_lock_bucket_in_the_job_s_stack_of_a_function_elsewhere_is_refused() -> None:
    app = new_app()
    function = existing_function(cdk.Stack(app, "Theirs"))
    with pytest.raises(
        ValueError, match=r"Ours and Theirs wait for each other.* in Theirs or in a"
    ):
        build(cdk.Stack(app, "Ours"), function=function)


def test_lock_bucket_in_the_stack_of_the_function_suffices() -> None:
    app = new_app()
    theirs = cdk.Stack(app, "Theirs")
    locks, queue = LockBucket(theirs, "Locks"), sqs.Queue(theirs, "Dead")
    ours = cdk.Stack(app, "Ours")
    build(ours, function=existing_function(theirs), lock_bucket=locks, dead_letters=queue)
    app.synth()


def test_nested_stack_waits_for_nobody() -> None:
    app = new_app()
    stack = cdk.Stack(app, "Ours")
    build(stack, function=existing_function(cdk.NestedStack(stack, "Nested")))
    app.synth()


@pytest.mark.parametrize(
    ("env", "what"),
    [
        ({"region": "eu-west-1", "account": "111111111111"}, "Region"),
        ({"region": "us-east-1", "account": "222222222222"}, "account"),
    ],
)
def test_function_that_schedules_cannot_reach_is_refused(env: dict[str, str], what: str) -> None:
    app = new_app()
    stack = new_stack("Ours", app, region="us-east-1", account="111111111111")
    function = existing_function(new_stack("Theirs", app, **env))
    with pytest.raises(ValueError, match=f"starts functions of its own {what} only"):
        build(stack, function=function)


def imported(stack: cdk.Stack) -> lambda_.IFunction:
    return lambda_.Function.from_function_arn(stack, "Imported", IMPORTED)


def alias_of_imported(stack: cdk.Stack) -> lambda_.IFunction:
    version = lambda_.Version.from_version_arn(stack, "Version", f"{IMPORTED}:3")
    return lambda_.Alias(stack, "Live", alias_name="live", version=version)


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (imported, "function Test/Imported is imported"),
        (alias_of_imported, "VersionFunction, of which Test/Live is an alias or version, is imp"),
    ],
)
def test_imported_function_is_refused_with_what_to_add_where(
    make: Callable[[cdk.Stack], lambda_.IFunction], named: str
) -> None:
    stack = new_stack()
    with pytest.raises(ValueError, match=named) as refused:
        build(stack, function=make(stack), max_continuations=2)
    shown = (
        '"S3LEADER_BUCKET": "<LocksBucket941BDB31>"',
        '"S3LEADER_ELECTION": "nightly"',
        '"S3LEADER_MAX_CONTINUATIONS": "2"',
        "RecursiveLoop: Allow",
        f'"{IMPORTED}:*"',
    )
    assert [each for each in shown if each not in str(refused.value)] == []


ENTRY = "s3leader.lambda_entry.handler"


def image(stack: cdk.Stack, folder: Path, dockerfile: str, **options: Any) -> lambda_.Function:
    (folder / "Dockerfile").write_text(f"FROM public.ecr.aws/lambda/python:3.14\n{dockerfile}\n")
    code = lambda_.DockerImageCode.from_image_asset(str(folder), **options)
    return lambda_.DockerImageFunction(stack, "Image", code=code, timeout=cdk.Duration.minutes(5))


def not_checked(stack: cdk.Stack) -> list[object]:
    message = Match.string_like_regexp("Image is a container image, and neither its cmd nor its")
    return [*Annotations.from_stack(stack).find_warning("*", message)]


def test_container_image_becomes_a_job_without_a_layer(tmp_path: Path) -> None:
    stack = new_stack()
    function = image(stack, tmp_path, f'CMD ["{ENTRY}"]')
    build(stack, function=function, max_continuations=1)
    template = Synthesized(stack)
    found = template.one("AWS::Lambda::Function")
    assert ("Layers" in found, found["RecursiveLoop"]) == (False, "Allow")
    assert template.variables()["S3LEADER_ELECTION"] == "nightly"


@pytest.mark.parametrize(
    ("dockerfile", "options", "warned"),
    [
        (f'CMD ["{ENTRY}"]', {}, False),
        ("", {"cmd": [ENTRY]}, False),
        (f'CMD ["{ENTRY}"]', {"cmd": ["billing.main.handler"]}, True),
        ('CMD ["billing.main.handler"]', {}, True),
    ],
    ids=["Dockerfile", "cmd", "cmd replaces it", "its own handler"],
)
def test_image_that_does_not_check_its_handler_is_warned_of(
    tmp_path: Path, dockerfile: str, options: dict[str, Any], *, warned: bool
) -> None:
    stack = new_stack()
    build(stack, function=image(stack, tmp_path, dockerfile, **options))
    assert bool(not_checked(stack)) is warned


def test_image_that_does_not_check_its_handler_can_be_accepted(tmp_path: Path) -> None:
    stack = new_stack()
    build(stack, function=image(stack, tmp_path, ""), handler_check="off")
    assert not_checked(stack) == []


def test_image_that_does_not_check_its_handler_can_be_refused(tmp_path: Path) -> None:
    stack = new_stack()
    with pytest.raises(ValueError, match=r"Test/Job: function Test/Image is a container image"):
        build(stack, function=image(stack, tmp_path, ""), handler_check="error")


def test_parts_of_a_job_take_an_imported_function() -> None:
    stack = new_stack()
    function = lambda_.Function.from_function_attributes(
        stack,
        "Imported",
        function_arn=IMPORTED,
        same_environment=True,
        role=iam.Role.from_role_arn(stack, "Role", "arn:aws:iam::123456789012:role/imported"),
    )
    locks = LockBucket(stack, "Locks")
    assert function.role is not None
    locks.grant_candidate(function.role, election="nightly")
    Contenders(
        stack,
        "Contenders",
        function=function,
        expressions=[aws_scheduler.ScheduleExpression.expression("cron(0 3 * * ? *)")],
        count=2,
        max_tick_age=cdk.Duration.hours(1),
    )
    bucket = locks.bucket_name
    Monitoring(stack, "Monitoring", election="nightly", bucket=bucket, function=function)
    template = Synthesized(stack)
    assert targets(template) == {IMPORTED}
    assert "s3:PutObjectTagging" in str(template.statements("AWS::IAM::Policy", "RolePolicy"))
