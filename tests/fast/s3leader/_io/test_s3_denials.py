"""The error for a denial names the policy that denied the request, and how to fix it."""

from __future__ import annotations

from typing import Any

import pytest

from s3leader._core.requests import Create, List, Read, Replace, StoreRequest
from s3leader._io.s3_refusals import is_transient_error, refusal
from s3leader._io.s3_region import choose_region

KEY = "elections/nightly/lock_0000000001.json"
OBJECT = f"arn:aws:s3:::locks/{KEY}"
KMS_KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
USER = "User: arn:aws:sts::111122223333:assumed-role/job/1 is not authorized to perform: "
CREATE = Create(KEY, b"{}")


def refuse(
    message: str, request: StoreRequest = CREATE, code: str = "AccessDenied", **facts: Any
) -> tuple[str, str, str]:
    """Return the action, the resource and the text of an error."""
    why = refusal(request, bucket="locks", partition="aws", code=code, message=message, **facts)
    return why.action, why.resource, str(why)


@pytest.mark.parametrize(
    ("policy", "named"),
    [
        ("a resource-based policy", "the bucket's policy"),
        ("a service control policy", "a service control policy, which"),
        ("a resource control policy", "a resource control policy, which"),
        ("a VPC endpoint policy", "the policy of the VPC endpoint"),
        ("a permissions boundary", "the permissions boundary of the role or user"),
        ("a session policy", "the session policy"),
        ("an identity-based policy", "the policies of the role or user"),
        ("a network perimeter policy", "a network perimeter policy"),
    ],
)
def test_a_denial_names_the_policy_that_s3_names(policy: str, named: str) -> None:
    denied = f'{USER}s3:PutObject on resource: "{OBJECT}"'
    text = refuse(f"{denied} with an explicit deny in {policy}")[2]
    assert f"A Deny in {named}" in text
    assert "set S3LEADER_ENCRYPTION" in text
    _, _, kind = policy.partition(" ")
    text = refuse(f"{denied} because no {kind} allows the s3:PutObject action")[2]
    assert f"Allow s3:PutObject on {OBJECT} in {named}" in text


def test_an_explicit_deny_is_not_answered_with_a_grant() -> None:
    why = "with an explicit deny in a session policy"
    text = refuse(f'{USER}s3:GetObject on resource: "{OBJECT}" {why}', Read(KEY))[2]
    assert "an explicit Deny overrides any Allow" in text
    assert "Allow " not in text


def test_the_action_that_s3_names_takes_precedence_over_the_request() -> None:
    """To say that an object is missing, S3 asks for the right to list."""
    message = (
        f'{USER}s3:ListBucket on resource: "arn:aws:s3:::locks" because no identity-based policy'
        " allows the s3:ListBucket action"
    )
    action, resource, text = refuse(message, Read(KEY))
    assert (action, resource) == ("s3:ListBucket", "arn:aws:s3:::locks")
    assert "s3:GetObject" not in text


@pytest.mark.parametrize(
    ("why", "remedy"),
    [
        (
            "because no identity-based policy allows the kms:GenerateDataKey action",
            f"Allow kms:GenerateDataKey on {KMS_KEY} in the policies of the role or user",
        ),
        (
            "because no resource-based policy allows the kms:GenerateDataKey action",
            f"Allow kms:GenerateDataKey on {KMS_KEY} in the KMS key's policy",
        ),
        ("with an explicit deny in a resource-based policy", "A Deny in the KMS key's policy"),
        (
            "with an explicit deny",
            "A Deny in the policies of the role or user or in the KMS key's policy matches",
        ),
        (
            "because the resource does not exist in this Region or no policy allows access",
            "in the policies of the role or user and in the KMS key's policy",
        ),
    ],
)
def test_a_denial_of_kms_names_the_key(why: str, remedy: str) -> None:
    action, resource, text = refuse(f"{USER}kms:GenerateDataKey on resource: {KMS_KEY} {why}")
    assert (action, resource) == ("kms:GenerateDataKey", KMS_KEY)
    assert remedy in text
    assert "s3:PutObject" not in text


def test_a_denial_without_details_lists_all_causes() -> None:
    action, resource, text = refuse("Access Denied", Replace(KEY, b"{}", '"e"'))
    assert (action, resource) == ("s3:PutObject", OBJECT)
    for cause in ("s3:GetObject", "Deny", "Requester Pays", "KMS"):
        assert cause in text


def test_a_denial_mentions_the_expected_bucket_owner() -> None:
    text = refuse("Access Denied", List(""), bucket_owner="111122223333")[2]
    assert "that account 111122223333 owns the bucket" in text


@pytest.mark.parametrize(
    ("code", "message", "remedy"),
    [
        (
            "InvalidRequest",
            "Content-MD5 OR x-amz-checksum- HTTP header is required for … Object Lock parameters",
            "checksum=True",
        ),
        ("InvalidRequest", "something else", "Trying again will not help"),
        ("KMS.KMSInvalidStateException", "pending deletion", "cancel its deletion"),
        ("InvalidEncryptionAlgorithmError", "", "S3LEADER_ENCRYPTION"),
        ("InvalidObjectState", "", "moved to an archive"),
        ("AllAccessDisabled", "", "contact AWS Support"),
        ("407", "", "a proxy or a firewall"),
    ],
)
def test_an_error_code_has_its_remedy(code: str, message: str, remedy: str) -> None:
    assert remedy in refuse(message, code=code)[2]


@pytest.mark.parametrize(
    ("code", "status", "transient"),
    [
        *((code, 400, True) for code in ("KMS.ThrottlingException", "BadDigest")),
        *((code, 400, False) for code in ("AccessDenied", "KMS.DisabledException")),
        *((str(status), status, True) for status in (307, 408, 409, 421, 425, 429, 500, 503, 504)),
        *((str(status), status, False) for status in (301, 400, 401, 403, 405, 407, 410, 451, 501)),
    ],
)
def test_an_error_is_transient_by_its_code_or_its_status(
    code: str, status: int, *, transient: bool
) -> None:
    assert is_transient_error(code, status) is transient


@pytest.mark.parametrize(
    ("given", "remedy"),
    [
        (False, "set AWS_DEFAULT_REGION=eu-west-1, or pass BucketOptions(region='eu-west-1')"),
        (True, "region_name='eu-west-1'"),
    ],
)
def test_the_remedy_for_a_wrong_region_names_the_setting_that_chose_it(
    *, given: bool, remedy: str
) -> None:
    region = choose_region(None, {}, client_given=given)
    text = refuse("", code="PermanentRedirect", bucket_region="eu-west-1", region=region)[2]
    assert remedy in text
