"""Acknowledges intended wildcards in policies, with the reason, for cdk-nag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Acknowledgment, Validations
from aws_cdk import aws_s3 as s3
from constructs import Construct

from s3leader_cdk._cdk_facts import Once, arn_of_bucket, stack_of


def acknowledge_object_wildcards(
    policy_holder: object, bucket: s3.IBucket, keys: Sequence[str], *, reason: str
) -> None:
    """Acknowledge that the policies of `policy_holder` name the patterns `keys` of `bucket`.

    cdk-nag still reports any other wildcard. It also reports these if another stack of the app
    creates the bucket, because CDK decides only later how its ARN is written there.
    """
    if not isinstance(policy_holder, Construct):
        return  # an imported principal, which has no policy in this app
    resources = [f"{_flat_arn_of(bucket)}/{key}" for key in keys]
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


_flat_arn_of: Once[s3.IBucket, str] = Once(
    lambda bucket: flat(stack_of(bucket).resolve(arn_of_bucket(bucket)))
)
