"""The local cloud as it checks IAM, with roles made here; test_rights has those of the stack."""

import json
import os
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.exceptions import ClientError

from local_cloud import Decision, LocalCloud
from local_cloud.child_process import kill_group, package_path
from local_cloud.cloud import stop_kept
from tests.local_cloud.test_lifetime import eventually, runs

ROLE, BUCKET = "reader", "enforcing"
KEEPER = """
import sys
from pathlib import Path
from local_cloud import LocalCloud
with LocalCloud(Path(sys.argv[1]), enforce=True) as cloud:
    print(cloud.keep())
"""
KEY = f"arn:aws:s3:::{BUCKET}/key"


def policy(action: str, **more: object) -> str:
    return json.dumps({"Statement": [{"Effect": "Allow", "Action": action, **more}]})


@dataclass
class Checked:
    """A cloud with one object, and one role that may read it and nothing else."""

    cloud: LocalCloud
    reader: Any


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checked]:
    with LocalCloud(tmp_path_factory.mktemp("cloud"), enforce=True) as cloud:
        trust = policy("sts:AssumeRole", Principal={"Service": "lambda.amazonaws.com"})
        iam = cloud.client("iam")
        iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=trust)
        allowed = policy("s3:GetObject", Resource=KEY)
        iam.put_role_policy(RoleName=ROLE, PolicyName="reads", PolicyDocument=allowed)
        s3 = cloud.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        s3.put_object(Bucket=BUCKET, Key="key", Body=b"body")
        yield Checked(cloud, cloud.client("s3", role=ROLE))


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


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_a_session_gets_what_its_role_allows(checked: Checked) -> None:
    assert checked.reader.get_object(Bucket=BUCKET, Key="key")["Body"].read() == b"body"


def test_a_session_is_refused_what_its_role_does_not_allow(checked: Checked) -> None:
    with pytest.raises(ClientError) as refused:
        checked.reader.put_object(Bucket=BUCKET, Key="key", Body=b"")
    assert code(refused) == "AccessDenied"


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
    assert code(refused) == expected


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
    iam.put_role_policy(**name, PolicyDocument=policy("s3:PutObject", Resource=KEY))
    checked.reader.put_object(Bucket=BUCKET, Key="key", Body=b"body")
    iam.delete_role_policy(**name)
    with pytest.raises(ClientError) as refused:
        checked.reader.put_object(Bucket=BUCKET, Key="key", Body=b"body")
    assert code(refused) == "AccessDenied"


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


def test_a_kept_cloud_that_checks_rights_can_be_stopped(tmp_path: Path) -> None:
    keeping = [sys.executable, "-c", KEEPER, str(tmp_path)]
    env = {**os.environ, "PYTHONPATH": package_path()}
    group = int(subprocess.run(keeping, env=env, check=True, capture_output=True).stdout)
    try:
        kept = runs(group)
        stop_kept(tmp_path)
        assert (kept, eventually(lambda: not runs(group))) == (True, True)
    finally:
        kill_group(group)
