"""Logical ids of what holds something: a change of one would replace somebody's bucket or queue.

A refactoring that fails here moves a construct. Move it back; these lists only ever grow.
"""

import aws_cdk as cdk
import pytest

from s3leader_cdk import RuntimeLayer
from tests.infra.synth import Synthesized, synthesize, synthesize_stacks
from tests.infra.test_singleton_job import build

# What has content that cannot be made anew, or a name that others may have written down.
STATEFUL = (
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
    "AWS::SQS::Queue",
    "AWS::Logs::LogGroup",
    "AWS::Lambda::Function",
    "AWS::IAM::Role",
    "AWS::Scheduler::ScheduleGroup",
    "AWS::Scheduler::Schedule",
    "AWS::Lambda::LayerVersion",
)

PINNED: dict[str, dict[str, list[str]]] = {
    "job": {
        "AWS::S3::Bucket": ["LocksBucket941BDB31"],
        "AWS::S3::BucketPolicy": ["LocksBucketPolicy8E01ED95"],
        "AWS::SQS::Queue": ["JobUnprocessed87BAA263", "JobContendersUndeliveredDC7B6DA4"],
        "AWS::Logs::LogGroup": ["JobLogGroup1FE34A36"],
        "AWS::Lambda::Function": ["JobFunction23969A7D"],
        "AWS::IAM::Role": ["JobRole93F563EA", "JobContendersRole664346DF"],
        "AWS::Scheduler::ScheduleGroup": ["JobContendersGroupBBF27BCC"],
        "AWS::Scheduler::Schedule": [
            "JobContendersSchedule11D8F31E9",
            "JobContendersSchedule2FDE067E8",
            "JobContendersSchedule1At21138BAF5",
            "JobContendersSchedule2At29747BE0A",
        ],
        "AWS::Lambda::LayerVersion": ["LayerB20D2F06"],
    },
    "app": {
        "AWS::S3::Bucket": ["Data666C94C7", "LocksBucket941BDB31"],
        "AWS::S3::BucketPolicy": ["DataPolicyB80589C3", "LocksBucketPolicy8E01ED95"],
        "AWS::SQS::Queue": [
            "CompactionUnprocessedF39CEF16",
            "CompactionContendersUndelivered0E12FAD8",
        ],
        "AWS::Logs::LogGroup": ["CompactionLogGroup707C2359"],
        "AWS::Lambda::Function": ["CompactionFunctionC006E0B8"],
        "AWS::IAM::Role": ["CompactionRoleEBDBE191", "CompactionContendersRole6193E196"],
        "AWS::Scheduler::ScheduleGroup": ["CompactionContendersGroup2F88B17C"],
        "AWS::Scheduler::Schedule": [
            "CompactionContendersSchedule1E25ACF20",
            "CompactionContendersSchedule211867771",
            "CompactionContendersSchedule35D6226B0",
        ],
    },
    "S3LeaderCompaction-home": {
        "AWS::S3::Bucket": ["Data666C94C7", "LocksBucket941BDB31"],
        "AWS::S3::BucketPolicy": ["DataPolicyB80589C3", "LocksBucketPolicy8E01ED95"],
    },
    "S3LeaderCompaction-eu-west-1": {
        "AWS::SQS::Queue": [
            "CompactionUnprocessedF39CEF16",
            "CompactionContendersUndelivered0E12FAD8",
        ],
        "AWS::Logs::LogGroup": ["CompactionLogGroup707C2359"],
        "AWS::Lambda::Function": ["CompactionFunctionC006E0B8"],
        "AWS::IAM::Role": ["CompactionRoleEBDBE191", "CompactionContendersRole6193E196"],
        "AWS::Scheduler::ScheduleGroup": ["CompactionContendersGroup2F88B17C"],
        "AWS::Scheduler::Schedule": [
            "CompactionContendersSchedule1E25ACF20",
            "CompactionContendersSchedule211867771",
            "CompactionContendersSchedule35D6226B0",
        ],
    },
}


def stateful(template: Synthesized) -> dict[str, list[str]]:
    return {kind: ids for kind in STATEFUL if (ids := template.ids(kind))}


@pytest.fixture(scope="module")
def templates(compaction: Synthesized) -> dict[str, Synthesized]:
    def everything(stack: cdk.Stack) -> None:
        build(stack, schedule=["rate(1 hour)", "cron(0 3 * * ? *)"])
        RuntimeLayer(stack, "Layer")

    return {
        "job": synthesize(everything),
        "app": compaction,
        **synthesize_stacks(regions="us-east-1,eu-west-1"),
    }


@pytest.mark.parametrize("which", PINNED)
def test_logical_ids_never_change(which: str, templates: dict[str, Synthesized]) -> None:
    assert stateful(templates[which]) == PINNED[which]
