"""The environment variables that tell a function where to campaign; the constructs set them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from aws_cdk import Duration, IResource
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3

from s3leader_cdk._cdk_facts import (
    has,
    is_unresolved,
    name_of_bucket,
    notes_of,
    path_of,
    place_of,
    resource_of,
    seconds,
)
from s3leader_cdk._permissions.access import account_of_bucket
from s3leader_cdk.metrics_output import check_function, variables_of

RESERVED = "S3LEADER_"
_SET_HERE = {
    "S3LEADER_BUCKET": "the LockBucket",
    "S3LEADER_BUCKET_OWNER": "the bucket's account",
    "S3LEADER_ELECTION": "election",
    "S3LEADER_ENCRYPTION": "the LockBucket's encryption_header",
    "S3LEADER_KMS_KEY": "the LockBucket's encryption_key",
    "S3LEADER_LEASE_SECONDS": "lease",
    "S3LEADER_PREFIX": "the LockBucket's prefix",
    "S3LEADER_REGION": "the bucket's Region",
}
_SET_BY_JOB = {
    "S3LEADER_CATCH_UP": "catch_up",
    "S3LEADER_MAX_ATTEMPTS": "max_attempts",
    "S3LEADER_MAX_CATCH_UP": "max_catch_up",
    "S3LEADER_MAX_CONTINUATIONS": "max_continuations",
    "S3LEADER_SCHEDULES": "schedule",
    "S3LEADER_WAIT_SECONDS": "wait",
}
_SET_BY_SOME_JOBS = {  # others may have their own value, such as those on an imported bucket
    "S3LEADER_LONG_LEDGER": "schedule and the LockBucket's history",
}

# A leader renews after each third of its lease and waits at least half a second for S3: with a
# shorter lease, one slow answer would cost it the leadership.
_SHORTEST_LEASE_S, _LONGEST_LEASE_S = 5, 86_400


def candidate_variables(
    candidate: IResource,
    bucket: s3.IBucket,
    *,
    prefix: str,
    election: str | None,
    lease: Duration | None,
    encryption: Mapping[str, str],
) -> dict[str, str]:
    """Return the environment of a candidate; without `election`, its code names the elections.

    `encryption` holds the variables that name the encryption header, if one is to be sent.
    """
    variables = {"S3LEADER_BUCKET": name_of_bucket(bucket)}
    if election is not None:
        variables["S3LEADER_ELECTION"] = election
    variables["S3LEADER_PREFIX"] = prefix
    if _in_another_region(candidate, bucket):
        _check_name_is_known(candidate, bucket)
        variables["S3LEADER_REGION"] = place_of(bucket).region
    account = account_of_bucket(bucket, place_of(candidate).account)
    if account is not None:
        variables["S3LEADER_BUCKET_OWNER"] = account
    variables |= encryption
    if lease is not None:
        variables["S3LEADER_LEASE_SECONDS"] = str(checked_lease_seconds(lease))
    return variables


def set_candidate_variables(
    function: lambda_.Function, bucket: s3.IBucket, variables: Mapping[str, str], *, elections: str
) -> None:
    """Set the environment of `function`; raise `ValueError` if it is a candidate elsewhere.

    `elections` is the name of its election, or the prefix of their names and a `*`.
    """
    check_function(function)
    prefix = variables["S3LEADER_PREFIX"]
    candidacy = (path_of(bucket), prefix, elections)
    notes = notes_of(function)
    before = notes.get("candidacy", candidacy)
    if before != candidacy:
        raise ValueError(
            f"function {path_of(function)} is already a candidate of {before[-1]!r}"
            f" and cannot be one of {elections!r} too, because its environment names one"
            " election: use one function for each, or grant to its role and construct Election"
            " in the code"
        )
    if "candidacy" not in notes:  # otherwise they were set here
        _check_variables_unset(function, _SET_HERE)
    notes["candidacy"] = candidacy
    for name, value in variables.items():
        function.add_environment(name, value)


def set_limit_variables(function: lambda_.Function, limits: Mapping[str, str]) -> None:
    """Set the variables of a job's limits; raise `ValueError` if the function has them already."""
    by_this_job = {name: of for name, of in _SET_BY_SOME_JOBS.items() if name in limits}
    _check_variables_unset(function, _SET_BY_JOB | by_this_job)
    for name, value in limits.items():
        function.add_environment(name, value)


def check_has_environment(grantee: object) -> None:
    """Raise `ValueError` for a function, alias or version whose environment cannot be set here."""
    if not has(grantee, "function_arn"):  # any IFunction; jsii cannot ask for interfaces
        return
    raise ValueError(_no_environment_message(cast("lambda_.IFunction", grantee)))


def check_no_lease(lease: Duration | None, kind: str) -> None:
    """Raise `ValueError` if a lease is given for a grantee that has no environment."""
    if lease is not None:
        raise ValueError(
            f"lease {seconds(lease):g} s was given for a {kind}, which has no environment: pass"
            " lease to its Election instead"
        )


def checked_lease_seconds(lease: Duration) -> int:
    """Return `lease` in seconds, or raise `ValueError` if it is out of range."""
    asked = seconds(lease)
    if asked != int(asked) or not _SHORTEST_LEASE_S <= asked <= _LONGEST_LEASE_S:
        raise ValueError(
            f"lease: expected whole seconds from {_SHORTEST_LEASE_S} to {_LONGEST_LEASE_S}, got"
            f" {asked:g} s"
        )
    return int(asked)


def _check_variables_unset(function: lambda_.Function, reserved: Mapping[str, str]) -> None:
    """Raise `ValueError` if the function was constructed with one of the `reserved` variables."""
    for name in sorted(reserved.keys() & variables_of(function).keys()):
        raise ValueError(
            f"environment variable {name!r} of function {function.node.path} is set by s3leader,"
            f" from {reserved[name]}: omit it from the function's environment"
        )


def _no_environment_message(function: lambda_.IFunction) -> str:
    for kind, its_class in (("alias", lambda_.Alias), ("version", lambda_.Version)):
        if isinstance(function, its_class):
            return (
                f"{kind} {function.node.path} has no environment of its own: grant to the function"
                f" itself, whose role and environment the {kind} shares"
            )
    return (
        f"function {function.node.path} is imported, or not a lambda_.Function for another reason,"
        " so its environment cannot be set here: grant to its role, and set S3LEADER_BUCKET,"
        " S3LEADER_ELECTION and S3LEADER_PREFIX where the function is defined"
    )


def _check_name_is_known(candidate: IResource, bucket: s3.IBucket) -> None:
    resource = resource_of(bucket)
    if not isinstance(resource, s3.CfnBucket):
        return
    name = resource.bucket_name
    if name is None or is_unresolved(name):
        raise ValueError(
            f"{candidate.node.path} is in another Region than bucket {bucket.node.path},"
            " whose name is not known there: give the LockBucket a bucket_name, or a"
            " bucket_name_prefix and its stack env=Environment(account=…, region=…)"
        )


def _in_another_region(candidate: IResource, bucket: s3.IBucket) -> bool:
    # A Region that is not known at synth is taken to be that of the candidate's stack.
    there = place_of(bucket).region
    return not is_unresolved(there) and there != place_of(candidate).region
