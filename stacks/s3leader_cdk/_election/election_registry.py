"""No two jobs of an app are the same election: each would keep the other from its ticks."""

from __future__ import annotations

import hashlib
import json
from typing import cast

from aws_cdk import Stack
from aws_cdk import aws_s3 as s3
from constructs import Construct, IConstruct

_REGISTRY = "S3LeaderElections"
_JOB, _ALONE = "s3leader:job", "s3leader:alone"


def claim_election(
    job: Construct, bucket: s3.IBucket, folder: str, *, several_regions: bool
) -> None:
    """Note that `job` contends for the election in `folder`, or raise `ValueError`.

    One job a Region may, where all of them were told that there are several.
    """
    # Kept in the construct tree, which lives as long as the app; it becomes no resource.
    election = _child(_child(job.node.root, _REGISTRY), _digest(_identity(bucket), folder))
    region = _digest(Stack.of(job).region)
    for other in election.node.children:
        notes = {each.type: each.data for each in other.node.metadata}
        if other.node.id == region or not several_regions or notes[_ALONE]:
            raise ValueError(
                f"election {folder!r} of this bucket belongs to job {notes[_JOB]} already and"
                f" cannot be that of {job.node.path} too, since either would keep the other from"
                " its ticks: give each job an election of its own; or, for contenders in several"
                " Regions, one job a Region, each with the same regions=[…]"
            )
    claim = Construct(election, region)
    claim.node.add_metadata(_JOB, job.node.path)
    claim.node.add_metadata(_ALONE, not several_regions)


def _identity(bucket: s3.IBucket) -> object:
    """Return what is the same for the same bucket, as far as synthesis can tell."""
    stack, resource = Stack.of(bucket), bucket.node.default_child
    given = stack.resolve(resource.bucket_name) if isinstance(resource, s3.CfnBucket) else None
    name = stack.resolve(bucket.bucket_name) if given is None else given
    # What is no plain name refers to something in its stack, a resource or a parameter.
    return name if isinstance(name, str) else [stack.node.path, name]


def _child(parent: IConstruct, name: str) -> Construct:
    found = parent.node.try_find_child(name)
    return found if isinstance(found, Construct) else Construct(cast("Construct", parent), name)


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
