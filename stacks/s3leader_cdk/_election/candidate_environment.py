"""How a function learns where to campaign: from its environment, which the constructs set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from aws_cdk import Duration, Token, TreeInspector
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3

from s3leader_cdk._permissions.access import account_of_bucket
from s3leader_cdk.metrics_output import check_function

RESERVED = "S3LEADER_"
_TOLD = "s3leader:told"
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
_SET_BY_JOB = {"S3LEADER_MAX_ATTEMPTS": "max_attempts", "S3LEADER_WAIT_SECONDS": "wait"}

# A leader renews each third of its lease, and a try waits half a second at the least for S3: below
# this, one slow answer costs the lead.
_SHORTEST_LEASE_S, _LONGEST_LEASE_S = 5, 86_400


def tell(
    function: lambda_.Function,
    bucket: s3.IBucket,
    *,
    prefix: str,
    election: str,
    lease: Duration | None,
    encryption: Mapping[str, str],
) -> None:
    """Set the environment of `function`, or raise `ValueError` where it was set before.

    `encryption` holds the variables that name the encryption header, if one is to be sent.
    """
    check_function(function)
    place = {"bucket": bucket.node.path, "prefix": prefix, "election": election}
    for before in (each.data for each in function.node.metadata if each.type == _TOLD):
        if before != place:
            raise ValueError(
                f"function {function.node.path} is a candidate of {before['election']!r} already"
                f" and cannot be one of {election!r} too: its environment names one election. Use a"
                " function for each, or grant to its role and construct Election in the code"
            )
    if all(each.type != _TOLD for each in function.node.metadata):  # else they are from here
        _refuse_own(function, _SET_HERE)
    function.node.add_metadata(_TOLD, place)
    function.add_environment("S3LEADER_BUCKET", bucket.bucket_name)
    function.add_environment("S3LEADER_ELECTION", election)
    function.add_environment("S3LEADER_PREFIX", prefix)
    if _in_another_region(function, bucket):
        _check_name_is_known(function, bucket)
        function.add_environment("S3LEADER_REGION", bucket.env.region)
    account = account_of_bucket(bucket, function.env.account)
    if account is not None:
        function.add_environment("S3LEADER_BUCKET_OWNER", account)
    for name, value in encryption.items():
        function.add_environment(name, value)
    if lease is not None:
        function.add_environment("S3LEADER_LEASE_SECONDS", str(checked_lease_seconds(lease)))


def tell_limits(function: lambda_.Function, limits: Mapping[str, str]) -> None:
    """Set what a job says beyond `tell`, or raise `ValueError` if the function has it already."""
    _refuse_own(function, _SET_BY_JOB)
    for name, value in limits.items():
        function.add_environment(name, value)


def check_can_be_told(grantee: object) -> None:
    """Raise `ValueError` for what runs a function but has no environment to set from here."""
    if not hasattr(grantee, "function_arn"):  # any IFunction; jsii cannot ask for interfaces
        return
    raise ValueError(_cannot_be_told(cast("lambda_.IFunction", grantee)))


def refuse_lease(lease: Duration | None, kind: str) -> None:
    """Raise `ValueError` for a lease that nobody can be told."""
    if lease is not None:
        raise ValueError(
            f"lease {seconds(lease):g} s was given for a {kind}, which has no environment: pass"
            " lease to its Election instead"
        )


def checked_lease_seconds(lease: Duration) -> int:
    """Return the seconds of `lease` if a function can lead with it, else raise `ValueError`."""
    asked = seconds(lease)
    if asked != int(asked) or not _SHORTEST_LEASE_S <= asked <= _LONGEST_LEASE_S:
        raise ValueError(
            f"lease {asked:g} s cannot be used: give whole seconds, from {_SHORTEST_LEASE_S}, in"
            f" which a few answers of S3 have room, to {_LONGEST_LEASE_S}"
        )
    return int(asked)


def seconds(duration: Duration) -> float:
    """Return a duration in seconds, whatever unit it was given in."""
    return float(duration.to_milliseconds()) / 1000


def _refuse_own(function: lambda_.Function, reserved: Mapping[str, str]) -> None:
    """Refuse variables that the function was constructed with, which nothing here has checked."""
    resource = function.node.default_child
    if not isinstance(resource, lambda_.CfnFunction):
        return
    inspector = TreeInspector()  # `resource.environment` comes through jsii without its values
    resource.inspect(inspector)
    properties = inspector.attributes["aws:cdk:cloudformation:props"]
    environment = function.stack.resolve(properties.get("environment")) or {}
    for name in sorted(reserved.keys() & environment.get("variables", {}).keys()):
        raise ValueError(
            f"environment variable {name!r} of function {function.node.path} is set by s3leader"
            f" itself, from {reserved[name]}: leave it out of the function's environment"
        )


def _cannot_be_told(function: lambda_.IFunction) -> str:
    for kind, its_class in (("alias", lambda_.Alias), ("version", lambda_.Version)):
        if isinstance(function, its_class):
            return (
                f"{kind} {function.node.path} cannot be told in its environment where to campaign:"
                f" grant to the function itself, whose role and environment the {kind} shares"
            )
    return (
        f"function {function.node.path} is imported, or no lambda_.Function for another reason,"
        " and cannot be told in its environment where to campaign: grant to its role, and set"
        " S3LEADER_BUCKET, S3LEADER_ELECTION and S3LEADER_PREFIX where the function is defined"
    )


def _check_name_is_known(function: lambda_.Function, bucket: s3.IBucket) -> None:
    resource = bucket.node.default_child
    if not isinstance(resource, s3.CfnBucket):
        return
    name = resource.bucket_name
    if name is None or Token.is_unresolved(name):
        raise ValueError(
            f"function {function.node.path} is in another Region than bucket {bucket.node.path},"
            " whose name is not known there: give it a bucket_name, or a bucket_name_prefix and its"
            " stack env=Environment(account=…, region=…)"
        )


def _in_another_region(function: lambda_.Function, bucket: s3.IBucket) -> bool:
    # A Region that is not known at synth is as much as to say: where this stack goes.
    there = bucket.env.region
    return not Token.is_unresolved(there) and there != function.env.region
