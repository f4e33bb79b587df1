"""`s3leader repair policy` writes what a `LockBucket` writes."""

import json
import re
from typing import Any

import pytest
from aws_cdk import aws_s3 as s3

from s3leader_cdk import LockBucket
from s3leader_cli.aws.bucket_policy import statements
from tests.infra.synth import plain, synthesize


def written(*, shared: bool, prefix: str) -> list[Any]:
    """Return the statements of the template, with the ARN of a bucket that is named `locks`."""

    def make(stack: Any) -> None:
        bucket = s3.Bucket(stack, "Shared") if shared else None
        LockBucket(stack, "Locks", bucket=bucket, prefix=prefix)

    found = synthesize(make).one("AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]
    text = re.sub(r"<\w+\.Arn>", "arn:aws:s3:::locks", json.dumps(plain(found)))
    return list(json.loads(text))


@pytest.mark.parametrize("shared", [False, True], ids=["locks only", "shared"])
@pytest.mark.parametrize("prefix", ["elections/", "jobs/"])
def test_the_statements_are_those_of_the_template(*, shared: bool, prefix: str) -> None:
    assert statements("aws", "locks", prefix, shared=shared) == written(
        shared=shared, prefix=prefix
    )
