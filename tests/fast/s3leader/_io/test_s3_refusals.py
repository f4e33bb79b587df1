"""A refusal names the right, the resource and the remedy, and nothing that is not known."""

from __future__ import annotations

from typing import Any

import pytest

from s3leader._core.requests import Create, List, Read, Replace, StoreRequest
from s3leader._io.s3_refusals import refusal, refusal_elsewhere
from s3leader.errors import BucketUnusable

CREATE = Create("e/lock", b"")
ACCESS_POINT = "arn:aws:s3:eu-central-1:123456789012:accesspoint/locks"


def refused(request: StoreRequest = CREATE, code: str = "AccessDenied", **more: Any) -> str:
    facts: dict[str, Any] = {"bucket": "locks", "partition": "aws", "message": "no", **more}
    error = refusal(request, code=code, **facts)
    assert isinstance(error, BucketUnusable)
    return str(error)


@pytest.mark.parametrize(
    ("bucket", "request_", "resource"),
    [
        ("locks", List("e/"), "arn:aws:s3:::locks"),
        ("locks", CREATE, "arn:aws:s3:::locks/e/lock"),
        (ACCESS_POINT, List("e/"), ACCESS_POINT),
        (ACCESS_POINT, CREATE, f"{ACCESS_POINT}/object/e/lock"),
    ],
)
def test_the_resource_is_named_as_policies_name_it(
    bucket: str, request_: StoreRequest, resource: str
) -> None:
    assert f" on {resource} failed (AccessDenied: no). " in refused(request_, bucket=bucket)


def test_an_error_without_a_message_is_its_code() -> None:
    assert "failed (SlowDown). " in refused(code="SlowDown", message="")


@pytest.mark.parametrize(("region", "where"), [("eu-west-1", " (eu-west-1)"), (None, "")])
def test_the_region_of_the_bucket_is_named_if_it_is_known(region: str | None, where: str) -> None:
    said = refused(code="PermanentRedirect", bucket_region=region)
    assert f"The bucket locks is in another Region{where}, but" in said


@pytest.mark.parametrize(
    ("request_", "also"),
    [
        (CREATE, set()),
        (Replace("e/lock", b"", "E"), {"s3:GetObject"}),
        (Read("e/lock"), {"s3:ListBucket"}),
        (List("e/"), set()),
    ],
)
def test_only_a_right_that_the_request_needs_is_asked_for(
    request_: StoreRequest, also: set[str]
) -> None:
    said = refused(request_)
    assert {right for right in ("s3:GetObject", "s3:ListBucket") if f"and {right}" in said} == also


@pytest.mark.parametrize(
    ("owner", "check"),
    [(None, "check for a Deny"), ("123", "check that account 123 owns the bucket, for a Deny")],
)
def test_the_expected_owner_is_named_if_there_is_one(owner: str | None, check: str) -> None:
    assert check in refused(bucket_owner=owner)


@pytest.mark.parametrize(
    ("message", "whose", "resource"),
    [
        ("no", "issues the credentials did", "*"),
        (
            "not authorized on arn:aws:iam::123456789012:role/job",
            "issues the credentials of arn:aws:iam::123456789012:role/job did",
            "arn:aws:iam::123456789012:role/job",
        ),
    ],
)
def test_a_service_that_issues_credentials_is_said_to_have_refused(
    message: str, whose: str, resource: str
) -> None:
    error = refusal_elsewhere("AssumeRole", code="AccessDenied", message=message)
    assert (error.action, error.resource) == ("sts:AssumeRole", resource)
    assert f"the service that {whose}" in str(error)
