"""The jobs of an app by election: two jobs in one election would take each other's ticks."""

from __future__ import annotations

import json
from typing import NamedTuple
from weakref import WeakKeyDictionary

from aws_cdk import aws_s3 as s3
from constructs import Construct, IConstruct

from s3leader_cdk._cdk_facts import (
    Once,
    app_of,
    name_of_bucket,
    path_of,
    region_of,
    resource_of,
    stack_of,
)


class _Entry(NamedTuple):
    """A job, and whether it is in one Region alone."""

    job: Construct
    only_region: bool


# The jobs of an app by election and Region. Not in the construct tree, which asks CDK each time.
_entries: WeakKeyDictionary[IConstruct, dict[str, dict[str, _Entry]]] = WeakKeyDictionary()


def register_job(job: Construct, bucket: s3.IBucket, folder: str, *, several_regions: bool) -> None:
    """Register `job` for the election in `folder`; raise `ValueError` if another job has it.

    One job per Region may have it, if all of them were given several Regions.
    """
    election = json.dumps([_identity_of(bucket), folder])
    jobs = _entries.setdefault(app_of(job), {}).setdefault(election, {})
    here = region_of(job)
    for region, other in jobs.items():
        if region == here or not several_regions or other.only_region:
            raise ValueError(
                f"election {folder!r} of this bucket already belongs to job {path_of(other.job)},"
                f" so {path_of(job)} cannot use it too: each would take the other's ticks. Give"
                " each job its own election; for contenders in several Regions, create one job per"
                " Region, each with the same regions=[…]"
            )
    jobs[here] = _Entry(job, not several_regions)


def _identify(bucket: s3.IBucket) -> str:
    """Return a text that is equal for the same bucket, as far as synthesis can tell."""
    stack, resource = stack_of(bucket), resource_of(bucket)
    given = stack.resolve(resource.bucket_name) if isinstance(resource, s3.CfnBucket) else None
    name = stack.resolve(name_of_bucket(bucket)) if given is None else given
    # Anything but a plain name refers to a resource or a parameter of its stack.
    return json.dumps(name if isinstance(name, str) else [path_of(stack), name], sort_keys=True)


_identity_of: Once[s3.IBucket, str] = Once(_identify)
