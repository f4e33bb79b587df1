"""The properties that `JobFunction` passes on to `lambda_.Function`, with their types.

`test_job_function.py` compares this list with the installed aws-cdk-lib.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TypedDict

from aws_cdk import Duration, RemovalPolicy, Size
from aws_cdk import aws_codeguruprofiler as codeguruprofiler
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs


class FunctionProperties(TypedDict, total=False):
    """All keyword arguments of `lambda_.Function` but `code` and `handler`."""

    adot_instrumentation: lambda_.AdotInstrumentationConfig | None
    allow_all_ipv6_outbound: bool | None
    allow_all_outbound: bool | None
    allow_public_subnet: bool | None
    application_log_level: str | None
    application_log_level_v2: lambda_.ApplicationLogLevel | None
    architecture: lambda_.Architecture | None
    code_signing_config: lambda_.ICodeSigningConfig | None
    current_version_options: lambda_.VersionOptions | None
    dead_letter_queue: sqs.IQueue | None
    dead_letter_queue_enabled: bool | None
    dead_letter_topic: sns.ITopic | None
    description: str | None
    durable_config: lambda_.DurableConfig | None
    environment: Mapping[str, str] | None
    environment_encryption: kms.IKey | None
    ephemeral_storage_size: Size | None
    events: Sequence[lambda_.IEventSource] | None
    filesystem: lambda_.FileSystem | None
    function_name: str | None
    initial_policy: Sequence[iam.PolicyStatement] | None
    insights_version: lambda_.LambdaInsightsVersion | None
    ipv6_allowed_for_dual_stack: bool | None
    layers: Sequence[lambda_.ILayerVersion] | None
    log_format: str | None
    log_group: logs.ILogGroup | None
    log_removal_policy: RemovalPolicy | None
    log_retention: logs.RetentionDays | None
    log_retention_retry_options: lambda_.LogRetentionRetryOptions | None
    log_retention_role: iam.IRole | None
    logging_format: lambda_.LoggingFormat | None
    max_event_age: Duration | None
    memory_size: int | None
    on_failure: lambda_.IDestination | None
    on_success: lambda_.IDestination | None
    params_and_secrets: lambda_.ParamsAndSecretsLayerVersion | None
    profiling: bool | None
    profiling_group: codeguruprofiler.IProfilingGroup | None
    recursive_loop: lambda_.RecursiveLoop | None
    reserved_concurrent_executions: int | None
    retry_attempts: int | None
    role: iam.IRole | None
    runtime: lambda_.Runtime | None
    runtime_management_mode: lambda_.RuntimeManagementMode | None
    security_groups: Sequence[ec2.ISecurityGroup] | None
    snap_start: lambda_.SnapStartConf | None
    system_log_level: str | None
    system_log_level_v2: lambda_.SystemLogLevel | None
    tenancy_config: lambda_.TenancyConfig | None
    timeout: Duration | None
    tracing: lambda_.Tracing | None
    vpc: ec2.IVpc | None
    vpc_subnets: ec2.SubnetSelection | None


def check_names(names: Iterable[str], *, own: Iterable[str]) -> None:
    """Raise `TypeError` for a property that the installed aws-cdk-lib does not have.

    `own` are the keyword arguments that `JobFunction` itself takes.
    """
    parameters: Mapping[str, Any] = inspect.signature(lambda_.Function.__init__).parameters
    valid = {*parameters, *own} - {"self", "scope", "id"}
    for name in names:
        if name not in valid:
            nearest = get_close_matches(name, sorted(valid), n=1, cutoff=0)
            raise TypeError(
                f"JobFunction has no property {name!r}: it takes those of lambda_.Function and"
                f" {', '.join(own)}; the nearest is {nearest[0]!r}"
            )
