"""An election of a bucket belongs to one job."""

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_s3 as s3

from s3leader_cdk import LockBucket, SingletonJob
from tests.infra.jobs import build
from tests.infra.synth import new_stack


def second(stack: cdk.Stack, locks: LockBucket, **options: Any) -> SingletonJob:
    return build(stack, "Second", lock_bucket=locks, **options)


def test_two_jobs_of_one_election_are_refused_across_stacks_and_bucket_objects() -> None:
    app = cdk.App()
    stacks = [cdk.Stack(app, name) for name in ("One", "Two")]
    locks = [
        LockBucket(each, "Locks", bucket=s3.Bucket.from_bucket_name(each, "B", "locks"))
        for each in stacks
    ]
    second(stacks[0], locks[0])
    with pytest.raises(ValueError, match=r"'elections/nightly' .* belongs to job One/Second"):
        second(stacks[1], locks[1])


def test_one_election_under_two_prefixes_of_a_bucket_is_two() -> None:
    stack = new_stack()
    bucket = s3.Bucket(stack, "Shared")
    build(stack, lock_bucket=LockBucket(stack, "Red", bucket=bucket, prefix="red/"))
    job = second(stack, LockBucket(stack, "Blue", bucket=bucket, prefix="blue/"))
    assert job.election == "nightly"


def test_equal_elections_are_found_under_different_prefixes() -> None:
    stack = new_stack()
    one, two = (s3.Bucket.from_bucket_name(stack, name, "locks") for name in ("One", "Two"))
    build(stack, election="red/x", lock_bucket=LockBucket(stack, "A", bucket=one, prefix="a/"))
    with pytest.raises(
        ValueError, match="'a/red/x' of this bucket already belongs to job Test/Job"
    ):
        second(stack, LockBucket(stack, "B", bucket=two, prefix="a/red/"), election="x")


def test_a_bucket_imported_by_its_own_name_is_the_same_bucket() -> None:
    stack = new_stack()
    first = build(stack)
    again = s3.Bucket.from_bucket_name(stack, "Again", first.lock_bucket.bucket_name)
    with pytest.raises(ValueError, match="already belongs to job Test/Job"):
        second(stack, LockBucket(stack, "Same", bucket=again))


def test_parameters_of_one_name_in_two_stacks_are_two_buckets() -> None:
    app = cdk.App()
    for name in ("One", "Two"):
        stack = cdk.Stack(app, name)
        bucket_name = cdk.CfnParameter(stack, "LockBucket").value_as_string
        bucket = s3.Bucket.from_bucket_name(stack, "Bucket", bucket_name)
        assert second(stack, LockBucket(stack, "Locks", bucket=bucket)).election == "nightly"


def test_one_bucket_holds_two_elections() -> None:
    stack = new_stack()
    assert second(stack, build(stack).lock_bucket, election="hourly").election == "hourly"
