"""The local cloud checks IAM permissions; test_permissions checks the roles of the stack."""

import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.exceptions import ClientError

from local_cloud import Decision, LocalCloud
from tests.local_cloud.granted_roles import create_bucket, create_role

ROLE, BUCKET = "reader", "enforcing"
KEY = f"arn:aws:s3:::{BUCKET}/key"


@dataclass
class Checked:
    """A cloud with one object, and one role that may read it and nothing else."""

    cloud: LocalCloud
    reader: Any


@pytest.fixture(scope="module")
def checked(enforcing_cloud: LocalCloud) -> Checked:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": KEY}
    create_role(enforcing_cloud, ROLE, [statement])
    create_bucket(enforcing_cloud, BUCKET)
    enforcing_cloud.client("s3").put_object(Bucket=BUCKET, Key="key", Body=b"body")
    return Checked(enforcing_cloud, enforcing_cloud.client("s3", role=ROLE))


def client(settings: dict[str, str], **changed: str | None) -> Any:
    """Return an S3 client with the credentials in `settings`, some of them changed."""
    given = {
        "aws_access_key_id": settings["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": settings["AWS_SECRET_ACCESS_KEY"],
        "aws_session_token": settings.get("AWS_SESSION_TOKEN"),
        "endpoint_url": settings["AWS_ENDPOINT_URL"],
        "region_name": settings["AWS_REGION"],
        "verify": settings["AWS_CA_BUNDLE"],
        **changed,
    }
    factory: Any = boto3.client
    return factory("s3", **given)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"aws_secret_access_key": "another"}, "SignatureDoesNotMatch"),
        ({"aws_session_token": "another"}, "InvalidToken"),
        ({"aws_session_token": None}, "InvalidAccessKeyId"),
        ({"aws_access_key_id": "ASIAUNKNOWN"}, "InvalidAccessKeyId"),
    ],
    ids=["another secret", "another token", "no token", "an unknown key"],
)
def test_credentials_that_were_not_given_out_are_refused(
    checked: Checked, changed: dict[str, str | None], expected: str
) -> None:
    with pytest.raises(ClientError) as refused:
        client(checked.cloud.session(ROLE), **changed).get_object(Bucket=BUCKET, Key="key")
    assert refused.value.response["Error"]["Code"] == expected


def test_every_decision_on_a_session_is_noted(checked: Checked) -> None:
    since = len(checked.cloud.decisions())
    checked.reader.get_object(Bucket=BUCKET, Key="key")
    with pytest.raises(ClientError):
        checked.reader.delete_object(Bucket=BUCKET, Key="key")
    noted = checked.cloud.decisions()[since:]
    assert [(one.role, one.action, one.resource, one.allowed) for one in noted] == [
        (ROLE, "s3:GetObject", KEY, True),
        (ROLE, "s3:DeleteObject", KEY, False),
    ]


def test_what_the_root_does_is_no_decision(checked: Checked) -> None:
    before: list[Decision] = checked.cloud.decisions()
    checked.cloud.client("s3").get_object(Bucket=BUCKET, Key="key")
    assert checked.cloud.decisions() == before


def test_a_right_is_gone_as_soon_as_it_is_taken_away(checked: Checked) -> None:
    iam = checked.cloud.client("iam")
    name = {"RoleName": ROLE, "PolicyName": "for-a-while"}
    statement = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": KEY}
    iam.put_role_policy(**name, PolicyDocument=json.dumps({"Statement": [statement]}))
    checked.reader.put_object(Bucket=BUCKET, Key="key", Body=b"body")
    iam.delete_role_policy(**name)
    with pytest.raises(ClientError, match="AccessDenied"):
        checked.reader.put_object(Bucket=BUCKET, Key="key", Body=b"body")


def ask_after_health(settings: dict[str, str], trusting: ssl.SSLContext) -> int:
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusting)
    )
    with opener.open(f"{settings['AWS_ENDPOINT_URL']}/_ministack/health", timeout=60) as answer:
        status: int = answer.status
        return status


def test_no_other_authority_vouches_for_the_cloud(checked: Checked) -> None:
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        ask_after_health(checked.cloud.settings, ssl.create_default_context())


def test_the_certificate_passes_the_strictest_check(checked: Checked) -> None:
    settings = checked.cloud.settings
    strict = ssl.create_default_context(cafile=settings["AWS_CA_BUNDLE"])
    strict.verify_flags |= ssl.VERIFY_X509_STRICT
    assert ask_after_health(settings, strict) == 200


def test_the_cloud_listens_on_its_own_port_alone(checked: Checked) -> None:
    port = urlsplit(checked.cloud.settings["AWS_ENDPOINT_URL"]).port
    listening = {
        int(line.rpartition(":")[2])
        for line in checked.cloud.log.read_text().split()
        if line.startswith("https://127.0.0.1:")
    }
    assert listening == {port}
