"""Wildcards in policies that are meant, and why, for whoever runs cdk-nag over a stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Acknowledgment, Stack, Validations
from aws_cdk import aws_s3 as s3
from constructs import Construct


def acknowledge_object_wildcards(
    policy_holder: object, bucket: s3.IBucket, keys: Sequence[str], *, reason: str
) -> None:
    """Say why `policy_holder` has rights on `keys` of `bucket`, which are patterns.

    Each pattern is acknowledged by itself: any other wildcard is still found. So are these, if the
    bucket is made in another stack of the app: how its ARN will be written there is decided last.
    """
    if not isinstance(policy_holder, Construct):
        return  # an imported principal, which has no policy in this app to look at
    stack = Stack.of(bucket)
    resources = [flat(stack.resolve(bucket.arn_for_objects(key))) for key in keys]
    Validations.of(policy_holder).acknowledge(
        *(
            Acknowledgment(id=f"AwsSolutions-IAM5[Resource::{resource}]", reason=reason)
            for resource in resources
        )
    )


def flat(value: object) -> str:
    """Return a resolved ARN as cdk-nag writes it: `<Bucket.Arn>/key`."""
    if isinstance(value, Mapping):
        ((function, arguments),) = value.items()
        if function == "Ref":
            return f"<{arguments}>"
        if function == "Fn::GetAtt":
            return f"<{'.'.join(arguments)}>"
        if function == "Fn::Join":
            separator, parts = arguments
            return str(separator).join(flat(part) for part in parts)
    return str(value)
