"""A stack that an earlier release deployed is updated to this one and keeps all that it holds."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pytest

from local_cloud import LocalCloud
from tests.local_cloud.projects import NEVER, ROOT, STACK

# The earlier release's resources with content; of their properties, the required ones.
DEPLOYED = json.loads((ROOT / "tests/infra/deployed_resources.json").read_text())[STACK]
PROPERTIES: Mapping[str, Mapping[str, object]] = {
    "AWS::S3::Bucket": {},
    "AWS::SQS::Queue": {},
    "AWS::Logs::LogGroup": {},
    "AWS::Scheduler::ScheduleGroup": {},
    "AWS::IAM::Role": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}},
    "AWS::Lambda::Function": {
        "Code": {"ZipFile": "def handler(event, context): ..."},
        "Handler": "index.handler",
        "Runtime": "python3.13",
        "Role": {"Fn::GetAtt": ["CompactionRoleEBDBE191", "Arn"]},
    },
}
KINDS = {name: each["Type"] for name, each in DEPLOYED.items() if each["Type"] in PROPERTIES}
NAMES = {name: {"Name": each["Name"]} for name, each in DEPLOYED.items() if "Name" in each}
TEMPLATE = {
    "Resources": {
        name: {"Type": kind, "Properties": {**PROPERTIES[kind], **NAMES.get(name, {})}}
        for name, kind in KINDS.items()
    }
}
BODY = b"kept"


@dataclass
class Upgrade:
    """Physical ids by logical id, before the update and after."""

    cloud: LocalCloud
    before: dict[str, str] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)

    def of(self, kind: str) -> list[str]:
        """Return the physical ids of a type after the update."""
        return [self.after[name] for name, each in KINDS.items() if each == kind]


def physical_ids(cloud: LocalCloud) -> dict[str, str]:
    pages = cloud.client("cloudformation").get_paginator("list_stack_resources")
    return {
        each["LogicalResourceId"]: each["PhysicalResourceId"]
        for page in pages.paginate(StackName=STACK)
        for each in page["StackResourceSummaries"]
    }


def fill(cloud: LocalCloud, ids: Mapping[str, str]) -> None:
    """Put something into each bucket, queue and log group."""
    s3, sqs, logs = (cloud.client(each) for each in ("s3", "sqs", "logs"))
    for name, kind in KINDS.items():
        match kind:
            case "AWS::S3::Bucket":
                s3.put_object(Bucket=ids[name], Key="kept", Body=BODY)
            case "AWS::SQS::Queue":
                sqs.send_message(QueueUrl=ids[name], MessageBody=BODY.decode())
            case "AWS::Logs::LogGroup":
                logs.create_log_stream(logGroupName=ids[name], logStreamName="kept")


@pytest.fixture(scope="module")
def upgrade(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upgrade]:
    with LocalCloud(tmp_path_factory.mktemp("upgrade")) as cloud:
        with cloud.synthesis({"schedule": NEVER}) as assembly:
            cloud.bootstrap()
            cloudformation = cloud.client("cloudformation")
            cloudformation.create_stack(StackName=STACK, TemplateBody=json.dumps(TEMPLATE))
            cloudformation.get_waiter("stack_create_complete").wait(
                StackName=STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 120}
            )
            found = Upgrade(cloud, before=physical_ids(cloud))
            fill(cloud, found.before)
        cloud.deploy(STACK, assembly=assembly)
        found.after = physical_ids(cloud)
        yield found


@pytest.mark.parametrize("logical_id", KINDS)
def test_the_update_replaces_no_resource(upgrade: Upgrade, logical_id: str) -> None:
    assert upgrade.after[logical_id] == upgrade.before[logical_id]


def test_the_update_adds_the_rest_of_the_app(upgrade: Upgrade) -> None:
    assert DEPLOYED.keys() <= upgrade.after.keys()


def test_objects_are_still_in_both_buckets(upgrade: Upgrade) -> None:
    s3 = upgrade.cloud.client("s3")
    bodies = [
        s3.get_object(Bucket=each, Key="kept")["Body"].read()
        for each in upgrade.of("AWS::S3::Bucket")
    ]
    assert bodies == [BODY, BODY]


def test_messages_are_still_in_both_queues(upgrade: Upgrade) -> None:
    sqs = upgrade.cloud.client("sqs")
    received = [
        sqs.receive_message(QueueUrl=each)["Messages"][0]["Body"]
        for each in upgrade.of("AWS::SQS::Queue")
    ]
    assert received == [BODY.decode()] * 2


def test_log_streams_are_still_in_the_log_group(upgrade: Upgrade) -> None:
    (group,) = upgrade.of("AWS::Logs::LogGroup")
    found = upgrade.cloud.client("logs").describe_log_streams(logGroupName=group)["logStreams"]
    assert [each["logStreamName"] for each in found] == ["kept"]
