"""The jobs of an app by election: two jobs in one election would take each other's ticks."""

from __future__ import annotations

import hashlib
import json
from typing import cast

from aws_cdk import Stack
from aws_cdk import aws_s3 as s3
from constructs import Construct, IConstruct

_REGISTRY = "S3LeaderElections"
_JOB, _ONLY_REGION = "s3leader:job", "s3leader:only-region"


def register_job(job: Construct, bucket: s3.IBucket, folder: str, *, several_regions: bool) -> None:
    """Register `job` for the election in `folder`; raise `ValueError` if another job has it.

    One job per Region may have it, if all of them were given several Regions.
    """
    # The construct tree holds the registry; it adds no resource.
    election = _child(_child(job.node.root, _REGISTRY), _digest(_identity(bucket), folder))
    region = _digest(Stack.of(job).region)
    for other in election.node.children:
        notes = {each.type: each.data for each in other.node.metadata}
        if other.node.id == region or not several_regions or notes[_ONLY_REGION]:
            raise ValueError(
                f"election {folder!r} of this bucket already belongs to job {notes[_JOB]}, so"
                f" {job.node.path} cannot use it too: each would take the other's ticks. Give each"
                " job its own election; for contenders in several Regions, create one job per"
                " Region, each with the same regions=[…]"
            )
    entry = Construct(election, region)
    entry.node.add_metadata(_JOB, job.node.path)
    entry.node.add_metadata(_ONLY_REGION, not several_regions)


def _identity(bucket: s3.IBucket) -> object:
    """Return a value that is equal for the same bucket, as far as synthesis can tell."""
    stack, resource = Stack.of(bucket), bucket.node.default_child
    given = stack.resolve(resource.bucket_name) if isinstance(resource, s3.CfnBucket) else None
    name = stack.resolve(bucket.bucket_name) if given is None else given
    # Anything but a plain name refers to a resource or a parameter of its stack.
    return name if isinstance(name, str) else [stack.node.path, name]


def _child(parent: IConstruct, name: str) -> Construct:
    found = parent.node.try_find_child(name)
    return found if isinstance(found, Construct) else Construct(cast("Construct", parent), name)


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
