"""Roles and buckets on the local cloud, with the policies that the constructs write for them."""

import json
import os
from collections.abc import Callable, Sequence
from typing import Any

# Before aws_cdk starts its Node process: tests/infra is where templates are validated.
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
os.environ.setdefault("CDK_VALIDATION", "false")

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from local_cloud import LocalCloud
from s3leader_cdk import LockBucket
from tests.infra.synth import Synthesized, plain, synthesize

# The cloud's root may act in roles that some service may assume without conditions.
ANYBODY = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "any.aws"}}
ACCOUNT = "000000000000"
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}

Grant = Callable[[LockBucket, iam.IGrantable], object]


def synthesize_roles(grants: dict[str, Grant], *, imported: bool = False) -> Synthesized:
    """Synthesize a lock bucket and roles with what is granted to them there."""

    def build(stack: cdk.Stack) -> None:
        bucket = s3.Bucket.from_bucket_name(stack, "Ledger", "imported") if imported else None
        locks = LockBucket(stack, "Locks", bucket=bucket)
        for name, grant in grants.items():
            grant(locks, iam.Role(stack, name, assumed_by=iam.AccountRootPrincipal()))

    return synthesize(build)


def role_policy(stack: Synthesized, role: str, bucket: str) -> list[Any]:
    """Return a role's statements, on a bucket of this name."""
    return _on(stack.statements("AWS::IAM::Policy", role), stack, bucket)


def bucket_policy(stack: Synthesized, bucket: str) -> list[Any]:
    """Return the statements of the lock bucket's own policy, for a bucket of this name."""
    return _on(stack.statements("AWS::S3::BucketPolicy"), stack, bucket)


def create_role(cloud: LocalCloud, name: str, statements: Sequence[Any]) -> str:
    """Create a role with these statements, in which the cloud's root may act."""
    client = cloud.client("iam")
    client.create_role(RoleName=name, AssumeRolePolicyDocument=_document([ANYBODY]))
    client.put_role_policy(
        RoleName=name, PolicyName="granted", PolicyDocument=_document(statements)
    )
    return name


def create_bucket(cloud: LocalCloud, name: str, statements: Sequence[Any] = ()) -> str:
    """Create a bucket, with a policy if there are statements for one."""
    client = cloud.client("s3")
    client.create_bucket(Bucket=name)
    if statements:
        client.put_bucket_policy(Bucket=name, Policy=_document(statements))
    return name


def _document(statements: Sequence[Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [*statements]})


def _on(statements: list[Any], stack: Synthesized, bucket: str) -> list[Any]:
    """Put a bucket's name in the place of the template's reference to it."""
    text = json.dumps(plain(statements)).replace("<AWS::Partition>", "aws")
    text = text.replace("<AWS::AccountId>", ACCOUNT)
    for logical_id in stack.ids("AWS::S3::Bucket"):
        text = text.replace(f"<{logical_id}.Arn>", f"arn:aws:s3:::{bucket}")
    found: list[Any] = json.loads(text.replace("arn:aws:s3:::imported", f"arn:aws:s3:::{bucket}"))
    return found
