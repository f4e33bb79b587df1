"""Wildcards in policies that are meant, and why, for whoever runs cdk-nag over a stack."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Acknowledgment, CfnElement, Stack, Validations
from aws_cdk import aws_s3 as s3
from constructs import Construct


def acknowledge_object_wildcards(
    policy_holder: object, bucket: s3.IBucket, keys: Sequence[str], *, reason: str
) -> None:
    """Say why `policy_holder` has rights on `keys` of `bucket`, which are patterns.

    Each pattern is acknowledged by itself: any other wildcard is still found.
    """
    resource = bucket.node.default_child
    if not isinstance(policy_holder, Construct) or not isinstance(resource, CfnElement):
        return  # an imported bucket or principal, which has no policy in this app to look at
    logical_id = Stack.of(bucket).get_logical_id(resource)
    Validations.of(policy_holder).acknowledge(
        *(
            Acknowledgment(
                id=f"AwsSolutions-IAM5[Resource::<{logical_id}.Arn>/{key}]", reason=reason
            )
            for key in keys
        )
    )
