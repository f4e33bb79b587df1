"""A stack that uses every optional property of the constructs."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from s3leader_cdk import (
    FailureOptions,
    JobFunction,
    LockBucket,
    MonitoringOptions,
    RuntimeLayer,
    SingletonJob,
    SingletonTask,
    TakeoverOptions,
    TriggerOptions,
    grant_fence_row,
    grant_fenced,
    grant_fenced_bytes,
    grant_fenced_items,
)
from tests.infra.jobs import FOLDER, HANDLER, existing_function
from tests.infra.tasks import add_container

TRIGGER = TriggerOptions(
    contenders=3,
    flexible_window=cdk.Duration.minutes(15),
    max_tick_age=cdk.Duration.hours(12),
    catch_up="each",
    max_catch_up=5,
)
TAKEOVER = TakeoverOptions(lease=cdk.Duration.seconds(30), max_attempts=3, max_continuations=20)


def function_with_role(scope: cdk.Stack, name: str) -> lambda_.Function:
    """Return a function without Lambda's managed policy, which cdk-nag refuses."""
    role = iam.Role(scope, f"{name}Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    runtime = lambda_.Runtime.PYTHON_3_14  # cdk-nag wants the newest
    return existing_function(scope, name, role=role, runtime=runtime)


def fill(stack: cdk.Stack) -> None:
    """Add every construct to `stack`, with all options."""
    key = kms.Key(stack, "Key", enable_key_rotation=True)
    locks = LockBucket(
        stack,
        "Locks",
        bucket_name_prefix="all-options",
        encryption_key=key,
        encryption_header="aws:kms",
        history=cdk.Duration.days(90),
    )
    vpc = _vpc(stack)
    _job_with_all_options(stack, locks, vpc)
    _task_with_all_options(stack, locks, vpc)
    _jobs_in_existing_buckets(stack)
    locks.attach(function_with_role(stack, "Attached"), election="attached")
    locks.grant_candidate(function_with_role(stack, "Granted"), election="granted")
    reader = iam.Role(stack, "Reader", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
    locks.grant_observer(reader, election="everything")
    grant_fenced(locks.bucket, reader, key="reports/latest.json")
    grant_fenced_bytes(locks.bucket, reader, key="reports/latest.png")
    table = dynamodb.Table.from_table_name(stack, "Table", "bank")
    grant_fenced_items(table, reader)
    grant_fence_row(table, reader, partition_key="everything")


def _vpc(stack: cdk.Stack) -> ec2.Vpc:
    vpc = ec2.Vpc(stack, "Vpc", max_azs=2, nat_gateways=0)
    vpc.add_flow_log("Flow")
    vpc.add_gateway_endpoint("S3", service=ec2.GatewayVpcEndpointAwsService.S3)
    return vpc


def _task_with_all_options(stack: cdk.Stack, locks: LockBucket, vpc: ec2.Vpc) -> None:
    insights = ecs.ContainerInsights.ENHANCED
    task = ecs.FargateTaskDefinition(stack, "Task", cpu=512, memory_limit_mib=1024)
    # cdk-nag wants no variables but those of secrets, and takes those that SingletonTask sets.
    command = ["s3leader", "run", "task", "--json", "--", "python", "-m", "billing"]
    add_container(task, "billing", environment=None, command=command)
    SingletonTask(
        stack,
        "TaskOfAllOptions",
        election="task",
        schedule=["cron(0 4 ? * MON-FRI *)", "rate(2 hours)"],
        lock_bucket=locks,
        task_definition=task,
        cluster=ecs.Cluster(stack, "Cluster", vpc=vpc, container_insights_v2=insights),
        container="billing",
        trigger=TriggerOptions(contenders=3, flexible_window=cdk.Duration.minutes(15)),
        takeover=TakeoverOptions(
            lease=cdk.Duration.seconds(30), wait=cdk.Duration.minutes(5), max_attempts=3
        ),
        vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
        security_groups=[ec2.SecurityGroup(stack, "TaskGroup", vpc=vpc)],
        assign_public_ip=True,
    )


def _job_with_all_options(stack: cdk.Stack, locks: LockBucket, vpc: ec2.Vpc) -> None:
    topic_key = kms.Key(stack, "TopicKey", enable_key_rotation=True)
    SingletonJob(
        stack,
        "Everything",
        election="everything",
        function=JobFunction(
            stack,
            "EverythingFunction",
            code=FOLDER,
            handler=HANDLER,
            timeout=cdk.Duration.minutes(10),
            memory_size=256,
            environment={"COLOUR": "red"},
            layers=[RuntimeLayer(stack, "Layer")],
            vpc=vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            security_groups=[ec2.SecurityGroup(stack, "Group", vpc=vpc)],
            reserved_concurrent_executions=6,
            tracing=lambda_.Tracing.ACTIVE,
        ),
        schedule=["cron(0 3 ? * MON-FRI *)", "rate(2 hours)"],
        lock_bucket=locks,
        trigger=TRIGGER,
        takeover=TAKEOVER,
        failures=FailureOptions(retry_attempts=1),
        monitoring=MonitoringOptions(
            expected_within=cdk.Duration.hours(6),
            topic=sns.Topic(stack, "Topic", master_key=topic_key, enforce_ssl=True),
        ),
    )


def _jobs_in_existing_buckets(stack: cdk.Stack) -> None:
    shared = s3.Bucket(
        stack,
        "Shared",
        versioned=True,
        enforce_ssl=True,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        server_access_logs_prefix="access/",
    )
    imported = s3.Bucket.from_bucket_name(stack, "Imported", "their-locks")
    for name, bucket in (("Shared", shared), ("Imported", imported)):
        SingletonJob(
            stack,
            f"In{name}",
            election="existing",
            function=function_with_role(stack, f"FunctionOf{name}"),
            schedule="rate(5 minutes)",
            lock_bucket=LockBucket(stack, f"LocksIn{name}", bucket=bucket, prefix="jobs/"),
        )
