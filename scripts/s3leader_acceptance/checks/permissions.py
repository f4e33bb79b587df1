"""Checks of policies: what conditions on the headers of a request permit and deny."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from functools import partial

from botocore.exceptions import ClientError

from s3leader_acceptance.app_names import FENCED, PROBED
from s3leader_acceptance.deployment import Deployment, refused
from s3leader_acceptance.results import Result, failed, not_checked, passed

_NO_PERMISSIONS = "this cloud does not check permissions: a role without any could read an object"
_EFFECTIVE_SECONDS = 120
Request = Callable[[], object]


def denials(deployment: Deployment) -> Generator[None, None, Result]:
    """Try, with all permissions on the bucket, to write a lock unconditionally and to delete it."""
    yield
    if not deployment.checks_permissions:
        return not_checked(_NO_PERMISSIONS)
    s3, bucket, key = (
        deployment.client("s3", "Everything"),
        deployment.bucket,
        deployment.lock_key(PROBED, 1),
    )
    put = partial(s3.put_object, Bucket=bucket, Key=key, Body=b"{}")
    if not _effective(deployment, partial(put, IfNoneMatch="*")):
        return failed("a write with If-None-Match was denied, which the policy permits")
    tag = s3.head_object(Bucket=bucket, Key=key)["ETag"]
    copy = {"Bucket": bucket, "Key": key, "CopySource": {"Bucket": bucket, "Key": "capability"}}
    return _verdict(
        permitted={"PUT with If-Match": partial(put, IfMatch=tag)},
        denied={
            "PUT of a lock without a condition": put,
            "copy onto a lock without a condition": partial(s3.copy_object, **copy),
            "DELETE of a lock": partial(s3.delete_object, Bucket=bucket, Key=key),
        },
    )


def conditions(deployment: Deployment) -> Generator[None, None, Result]:
    """Try in the roles of a candidate and of a writer what their own policies permit and deny."""
    yield
    if not deployment.checks_permissions:
        return not_checked(_NO_PERMISSIONS)
    bucket, key = deployment.bucket, deployment.lock_key(PROBED, 2)
    writer, candidate = (deployment.client("s3", role) for role in ("Writer", "Candidate"))
    # No bucket policy is about this key: only the writer's own policy decides.
    write = partial(writer.put_object, Bucket=bucket, Key=FENCED, Body=b"1")
    if not _effective(deployment, partial(write, IfNoneMatch="*")):
        return failed("a write with If-None-Match was denied, which the writer's policy permits")
    tag = writer.get_object(Bucket=bucket, Key=FENCED)["ETag"]
    lock = partial(candidate.put_object, Bucket=bucket, Key=key, Body=b"{}")
    if not _effective(deployment, partial(lock, IfNoneMatch="*")):
        return failed("a write with If-None-Match was denied, which the candidate's policy permits")
    mark = partial(candidate.put_object_tagging, Bucket=bucket, Key=key)
    listing = partial(candidate.list_objects_v2, Bucket=bucket)
    return _verdict(
        permitted={
            "PUT with If-Match by a writer": partial(write, IfMatch=tag),
            "the tag superseded=true": partial(mark, Tagging=_tagging(superseded="true")),
            "LIST of its own locks": partial(
                listing, Prefix=f"elections/{deployment.election(PROBED)}/lock_"
            ),
        },
        denied={
            "PUT without a condition by a writer": write,
            "the tag superseded=false": partial(mark, Tagging=_tagging(superseded="false")),
            "a second tag": partial(mark, Tagging=_tagging(superseded="true", other="1")),
            "no tag": partial(mark, Tagging=_tagging()),
            "LIST of all locks": partial(listing, Prefix="elections/"),
            "PUT in another election": partial(
                candidate.put_object,
                Bucket=bucket,
                Key="elections/other/lock_0000000001.json",
                Body=b"{}",
                IfNoneMatch="*",
            ),
        },
    )


def _tagging(**tags: str) -> dict[str, object]:
    return {"TagSet": [{"Key": key, "Value": value} for key, value in tags.items()]}


def _effective(deployment: Deployment, request: Request) -> bool:
    """Return whether a request is permitted, once the policies of a new role have taken effect."""

    def permitted() -> bool:
        try:
            return not refused(request)
        except ClientError as error:
            return error.response["Error"]["Code"] == "PreconditionFailed"

    return bool(
        deployment.wait("the effect of a new role's policy", permitted, seconds=_EFFECTIVE_SECONDS)
    )


def _verdict(*, permitted: Mapping[str, Request], denied: Mapping[str, Request]) -> Result:
    """Send all requests, those that are to be denied last, since one of them deletes."""
    wrong = [f"{what} was denied" for what, request in permitted.items() if refused(request)]
    wrong += [f"{what} was permitted" for what, request in denied.items() if not refused(request)]
    if wrong:
        return failed("; ".join(wrong))
    return passed(permitted=[*permitted], denied=[*denied])
