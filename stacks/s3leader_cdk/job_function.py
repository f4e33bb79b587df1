"""The function of a singleton job: made here, or one that exists already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aws_cdk import (
    Acknowledgment,
    Annotations,
    App,
    Aws,
    Duration,
    RemovalPolicy,
    Stack,
    Validations,
)
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from s3leader_cdk._election.candidate_environment import RESERVED
from s3leader_cdk._election.names import shortened
from s3leader_cdk._handler import check
from s3leader_cdk._packaging.asset import ARCHITECTURE, PYTHON, list_job, listed_code
from s3leader_cdk._packaging.errors import unwrapped
from s3leader_cdk._packaging.folder_files import FolderFiles
from s3leader_cdk._packaging.warnings import warnings
from s3leader_cdk.metrics_output import check_environment

_MAX_TIMEOUT_S = 900

# Lambda makes network interfaces in the function's name, and for that the role must have these.
_NETWORK_INTERFACES = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
]


@dataclass(frozen=True, kw_only=True)
class FunctionProperties:
    """What a function is made of; None and nothing stand for the default."""

    code: str | Path | lambda_.Code | None
    exclude: Sequence[str]
    handler: str | None
    timeout: Duration | None
    memory_size: int | None
    environment: Mapping[str, str] | None
    layers: Sequence[lambda_.ILayerVersion]
    vpc: ec2.IVpc | None
    vpc_subnets: ec2.SubnetSelection | None
    security_groups: Sequence[ec2.ISecurityGroup]
    reserved_concurrency: int | None
    log_retention: logs.RetentionDays | None
    removal_policy: RemovalPolicy | None

    def given(self) -> list[str]:
        """Return the names of the properties that say anything."""
        return [name for name, value in vars(self).items() if value is not None and value != ()]


def check_existing(
    job: Construct, function: lambda_.Function, properties: FunctionProperties
) -> None:
    """Raise `ValueError`, or `TypeError`, unless `function` can be that of `job` as it is."""
    if not isinstance(function, lambda_.Function):
        raise TypeError(
            f"function {function!r} is no lambda_.Function made in this app, so that neither its"
            " environment nor its retries can be set: construct it here, or pass code and handler"
        )
    if Stack.of(function).node.path != Stack.of(job).node.path:
        raise ValueError(
            f"function {function.node.path} is in another stack than job {job.node.path}, and each"
            " would wait for the other: make the job in the function's stack"
        )
    given = properties.given()
    if given:
        raise ValueError(
            f"{' and '.join(given)} was given beside function {function.node.path}: pass it to the"
            " function itself, or leave function out and let SingletonJob make one"
        )
    if _has_event_invoke_config(function):
        raise ValueError(
            f"function {function.node.path} was told already what becomes of failed invocations,"
            " which is SingletonJob's to say: leave on_failure, on_success, retry_attempts and"
            " max_event_age out there, and give SingletonJob retry_attempts, max_tick_age and"
            " dead_letters"
        )


def _has_event_invoke_config(function: lambda_.Function) -> bool:
    """Return whether its stack has one for the function: a second one fails at deployment."""
    stack = Stack.of(function)
    name = stack.resolve(function.function_name)
    return any(
        stack.resolve(each.function_name) == name and each.qualifier == "$LATEST"
        for each in stack.node.find_all()
        if isinstance(each, lambda_.CfnEventInvokeConfig)
    )


def create_function(
    scope: Construct,
    election: str,
    properties: FunctionProperties,
    handler_check: check.HandlerCheck,
) -> tuple[lambda_.Function, logs.LogGroup]:
    """Make the function, its role and its log group in `scope`.

    Lambda calls the runtime's entry, which refuses a handler that is not decorated, unless
    `handler_check` is `off`.
    """
    if properties.code is None or properties.handler is None:
        raise ValueError(
            f"job {scope.node.path} has neither a function nor code and handler: give code, such"
            " as a folder 'billing', with handler, such as 'billing.main.handler'; or a function"
        )
    _check_network(scope, properties)
    vpc = properties.vpc
    code = _code(scope, properties, handler_check)
    log_group = _log_group(scope, properties)
    with unwrapped():
        function = lambda_.Function(
            scope,
            "Function",
            description=f"Contends for election {shortened(election)}; only its leader works",
            code=code,
            handler=properties.handler if handler_check == "off" else check.ENTRY,
            runtime=PYTHON,
            architecture=ARCHITECTURE,
            role=_role(scope, election, log_group, vpc),
            timeout=_checked_timeout(properties.timeout),
            memory_size=_checked_memory(properties.memory_size),
            environment=_environment(properties, handler_check),
            layers=list(properties.layers),
            log_group=log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            vpc=vpc,
            vpc_subnets=properties.vpc_subnets,
            security_groups=list(properties.security_groups) or None,
            reserved_concurrent_executions=properties.reserved_concurrency,
        )
    if isinstance(properties.code, lambda_.Code):
        check.check_function(scope, function, properties.handler, handler_check)
    return function, log_group


def _code(
    scope: Construct, properties: FunctionProperties, handler_check: check.HandlerCheck
) -> lambda_.Code:
    code, exclude, handler = properties.code, properties.exclude, properties.handler or ""
    if isinstance(code, lambda_.Code):
        if exclude:
            raise ValueError(
                f"exclude of job {scope.node.path} was given with a Code, which is put together"
                " already: exclude files there, or give the folder as code"
            )
        return code
    folder = Path(code or "")
    check.check_folder(scope, folder, handler, handler_check)
    root = scope.node.root
    job = list_job(folder, exclude=exclude, output=root.outdir if isinstance(root, App) else None)
    _check_handler_is_shipped(job, handler)
    _warn_of_requirements(scope, folder)
    version = PYTHON.name.removeprefix("python")
    for name, message in warnings(job, python=version, architecture=ARCHITECTURE.name):
        Annotations.of(scope).add_warning_v2(name, message)
    return listed_code(job)


def _check_handler_is_shipped(job: FolderFiles, handler: str) -> None:
    module = handler.rpartition(".")[0].replace(".", "/")
    if not {f"{module}.py", f"{module}/__init__.py"} & {each.name for each in job.files}:
        raise ValueError(
            f"handler {handler!r} is in a module that is not shipped: exclude=[…] or a default"
            " pattern, such as test_*.py, leaves it out; rename the module, or ship it by"
            f" exclude={_shipping(module)}"
        )


def _shipping(module: str) -> list[str]:
    """Return patterns that ship a module: .gitignore needs its folders to be included first."""
    *folders, name = module.split("/")[1:]
    return [*(f"!{each}/" for each in folders), f"!{name}.py"]


def _check_network(scope: Construct, properties: FunctionProperties) -> None:
    if properties.vpc is None and (properties.vpc_subnets or properties.security_groups):
        raise ValueError(
            f"vpc_subnets or security_groups of job {scope.node.path} were given without a vpc:"
            " give the vpc that they belong to"
        )


def _log_group(scope: Construct, properties: FunctionProperties) -> logs.LogGroup:
    return logs.LogGroup(
        scope,
        "LogGroup",
        retention=properties.log_retention or logs.RetentionDays.ONE_MONTH,
        removal_policy=properties.removal_policy or RemovalPolicy.RETAIN,
    )


def _warn_of_requirements(scope: Construct, folder: Path) -> None:
    for name in ("requirements.txt", "pyproject.toml"):
        if (folder / name).exists():
            Annotations.of(scope).add_warning_v2(
                "s3leader:requirements-not-installed",
                f"{folder / name} is shipped, but what it asks for is not installed: a job's own"
                " dependencies come in layers=[…], or in a Code that you put together",
            )


def _role(
    scope: Construct, election: str, log_group: logs.LogGroup, vpc: ec2.IVpc | None
) -> iam.Role:
    # Lambda's managed policy lets a function write to any log group; this one, to its own.
    role = iam.Role(
        scope,
        "Role",
        description=f"Candidates of election {shortened(election)}",
        assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
    )
    log_group.grant_write(role)
    if vpc is not None:
        _allow_network_interfaces(role)
    return role


def _allow_network_interfaces(role: iam.Role) -> None:
    role.add_to_policy(iam.PolicyStatement(actions=_NETWORK_INTERFACES, resources=["*"]))
    # Lambda needs them, the job's code does not. Its requests carry the function's ARN. Any
    # function's of this account is meant: this very one's would depend on its own role.
    any_function = f"arn:{Aws.PARTITION}:lambda:{Aws.REGION}:{Aws.ACCOUNT_ID}:function:*"
    role.add_to_policy(
        iam.PolicyStatement(
            effect=iam.Effect.DENY,
            actions=_NETWORK_INTERFACES,
            resources=["*"],
            conditions={"ArnLike": {"lambda:SourceFunctionArn": any_function}},
        )
    )
    Validations.of(role).acknowledge(
        Acknowledgment(
            id="AwsSolutions-IAM5[Resource::*]",
            reason="Network interfaces have no name before Lambda makes them, and descriptions"
            " take no resource; the function's own code is denied all of it.",
        )
    )


def _checked_timeout(timeout: Duration | None) -> Duration:
    if timeout is None:
        return Duration.minutes(5)
    if not 1 <= timeout.to_seconds() <= _MAX_TIMEOUT_S:
        raise ValueError(
            f"timeout {timeout.to_seconds():g} s cannot be used: give 1 s to 15 minutes"
        )
    return timeout


def _checked_memory(memory_size: int | None) -> int:
    if memory_size is None:
        return 512
    if not 128 <= memory_size <= 10_240:
        raise ValueError(f"memory_size {memory_size} MiB cannot be used: Lambda takes 128 to 10240")
    return memory_size


def _environment(
    properties: FunctionProperties, handler_check: check.HandlerCheck
) -> Mapping[str, str]:
    asked = properties.environment or {}
    for name in asked:
        if name.startswith(RESERVED):
            raise ValueError(
                f"environment variable {name!r} is set by SingletonJob itself: leave it out and use"
                " election, lock_bucket, lease and max_attempts"
            )
    check_environment(asked)
    if handler_check == "off" or properties.handler is None:
        return dict(asked)
    return {**asked, check.ENTRY_VARIABLE: properties.handler}
