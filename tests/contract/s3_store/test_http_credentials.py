"""The HTTP client signs with the credentials that botocore's chain finds, and refreshes them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from typing import TYPE_CHECKING

import botocore.credentials
import botocore.tokens
import pytest

from s3leader import BucketUnusable
from s3leader._core.requests import Missing, Unknown
from s3leader._io.http_client import HttpS3Client
from s3leader._io.http_settings import find_settings
from s3leader._io.s3_store import S3Store
from tests.contract.s3_store.environments import config_file, only
from tests.contract.s3_store.misbehaving_s3 import DATE_MS, READ, MisbehavingS3, answer, error

if TYPE_CHECKING:
    from pathlib import Path

NO_SUCH_KEY = error(404, "NoSuchKey")


@pytest.fixture
def home(s3: MisbehavingS3, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty home, in an environment without keys whose every service is the test's server."""
    only(monkeypatch, tmp_path, AWS_ENDPOINT_URL=s3.endpoint, AWS_DEFAULT_REGION="us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    return tmp_path


def soon(minutes: int = 9) -> str:
    """Return a time so near that botocore refreshes credentials that expire then."""
    return (datetime.now(UTC) + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def keys(s3: MisbehavingS3) -> list[str]:
    """Return the access key that each request to S3 was signed with."""
    signed = [sent.headers.get("authorization", "") for sent in s3.sent]
    return [line.partition("Credential=")[2].partition("/")[0] for line in signed if line]


def own_store() -> S3Store:
    store = S3Store("locks")
    assert isinstance(store._client, HttpS3Client)
    return store


def test_credentials_that_expire_under_way_are_refreshed(s3: MisbehavingS3, home: Path) -> None:
    """botocore runs the profile's program again for each request, as its keys expire soon."""
    program = home / "keys"
    program.write_text(
        f"""#!/bin/sh
echo x >> {home}/runs
echo '{{"Version": 1, "SecretAccessKey": "s", "SessionToken": "t", "Expiration": "{soon()}",'
echo "\\"AccessKeyId\\": \\"KEY$(grep -c x {home}/runs)\\"}}"
"""
    )
    program.chmod(0o755)
    config_file(home, f"credential_process = {program}\n")
    s3.will(NO_SUCH_KEY, NO_SUCH_KEY)
    store = own_store()
    assert [store.perform(READ) for _ in range(2)] == [Missing(DATE_MS)] * 2
    first, second = keys(s3)
    assert first.startswith("KEY")
    assert int(second[3:]) > int(first[3:])


@pytest.mark.parametrize("token", [{}, {"AWS_SESSION_TOKEN": ""}, {"AWS_SESSION_TOKEN": "t"}])
def test_keys_in_variables_are_those_that_botocore_reads(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, token: dict[str, str]
) -> None:
    only(monkeypatch, tmp_path, **token)
    botocores = botocore.credentials.EnvProvider().load()
    ours = find_settings("us-east-1")
    assert ours is not None
    assert ours.credentials is not None
    assert botocores is not None
    expected = botocores.get_frozen_credentials()
    assert ours.credentials.get_frozen_credentials() == expected[:3]


def test_a_profile_of_static_keys(
    s3: MisbehavingS3, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config_file(home, "region = us-east-1\n")
    (home / ".aws" / "credentials").write_text(
        "[work]\naws_access_key_id = WORK\naws_secret_access_key = s\n"
    )
    monkeypatch.setenv("AWS_PROFILE", "work")
    (home / ".aws" / "config").write_text("[profile work]\nregion = us-east-1\n")
    s3.will(NO_SUCH_KEY)
    own_store().perform(READ)
    assert keys(s3) == ["WORK"]


ASSUMED = f"""<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>
<AccessKeyId>WEB</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>
<Expiration>{soon(60)}</Expiration></Credentials></AssumeRoleWithWebIdentityResult>
</AssumeRoleWithWebIdentityResponse>""".encode()
DENIED = b"""<ErrorResponse><Error><Code>AccessDenied</Code><Message>Not authorized to perform
sts:AssumeRoleWithWebIdentity</Message></Error></ErrorResponse>"""


@pytest.fixture
def web_identity(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token = home / "token"
    token.write_text("a-web-token")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(token))
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/job")


@pytest.mark.usefixtures("web_identity")
def test_a_web_identity(s3: MisbehavingS3) -> None:
    s3.will(answer(200, ASSUMED), NO_SUCH_KEY)
    assert own_store().perform(READ) == Missing(DATE_MS)
    assert b"WebIdentityToken=a-web-token" in s3.sent[0].body
    assert keys(s3) == ["WEB"]
    assert s3.sent[1].headers["x-amz-security-token"] == "t"


@pytest.mark.usefixtures("web_identity")
def test_a_web_identity_that_sts_refuses_is_not_blamed_on_the_bucket(s3: MisbehavingS3) -> None:
    s3.will(answer(403, DENIED))
    with pytest.raises(BucketUnusable, match="The bucket did not refuse") as refused:
        own_store().perform(READ)
    assert refused.value.action == "sts:AssumeRoleWithWebIdentity"


@pytest.fixture
def cache(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of SSO tokens. botocore looked for it when it was imported."""
    folder = home / "cache"
    folder.mkdir()
    for module in (botocore.credentials.SSOProvider, botocore.tokens.SSOTokenProvider):
        monkeypatch.setattr(module, "_SSO_TOKEN_CACHE_DIR", str(folder))
    return folder


def sign_in(home: Path, cache: Path, *, expires: str) -> None:
    """Write an SSO session's profile, and the token that `aws sso login` would leave."""
    config_file(
        home,
        "sso_session = office\nsso_account_id = 111122223333\nsso_role_name = operator\n"
        "[sso-session office]\nsso_region = us-east-1\nsso_start_url = https://office.invalid\n",
    )
    token = {
        "startUrl": "https://office.invalid",
        "region": "us-east-1",
        "accessToken": "signed-in",
    }
    name = sha1(b"office", usedforsecurity=False).hexdigest()
    (cache / f"{name}.json").write_text(json.dumps({**token, "expiresAt": expires}))


def test_an_sso_session(s3: MisbehavingS3, home: Path, cache: Path) -> None:
    sign_in(home, cache, expires=soon(60))
    expires_ms = int((datetime.now(UTC) + timedelta(hours=1)).timestamp() * 1000)
    role = {"accessKeyId": "SSO", "secretAccessKey": "s", "sessionToken": "t"}
    issued = {"roleCredentials": {**role, "expiration": expires_ms}}
    s3.will(answer(200, json.dumps(issued).encode()), NO_SUCH_KEY)
    assert own_store().perform(READ) == Missing(DATE_MS)
    assert s3.sent[0].headers["x-amz-sso_bearer_token"] == "signed-in"
    assert keys(s3) == ["SSO"]


def test_an_sso_session_that_is_over_is_an_error_that_says_so(home: Path, cache: Path) -> None:
    sign_in(home, cache, expires=soon(-60))
    with pytest.raises(BucketUnusable, match="renew them"):
        own_store().perform(READ)


def test_an_sso_service_that_is_unavailable_means_unknown(
    s3: MisbehavingS3, home: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")  # of botocore's own client of that service
    sign_in(home, cache, expires=soon(60))
    s3.will(answer(503))
    assert isinstance(own_store().perform(READ), Unknown)
