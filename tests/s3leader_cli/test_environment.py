"""What the `s3leader` command makes of an environment that it cannot use."""

import os

import pytest

from s3leader import BucketOptions
from s3leader._core.requests import List
from s3leader._io.memory_store import MemoryStore
from s3leader._io.s3_refusals import refusal
from s3leader._io.s3_region import choose_region
from s3leader_cli.__main__ import main
from s3leader_cli.report import advice


def test_requests_use_the_settings_of_the_candidates_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[object] = []

    def store(bucket: str, *, options: BucketOptions, **_: object) -> MemoryStore:
        seen.extend([bucket, options])
        return MemoryStore()

    monkeypatch.setattr("s3leader._io.lock_store.S3Store", store)
    monkeypatch.setenv("S3LEADER_REGION", "eu-west-1")
    monkeypatch.setenv("S3LEADER_ENCRYPTION", "aws:kms")
    monkeypatch.setenv("S3LEADER_BUCKET_OWNER", "123456789012")
    main(["status", "nightly", "--bucket", "locks", "--json"])
    asked = BucketOptions(region="eu-west-1", encryption="aws:kms", bucket_owner="123456789012")
    assert seen == ["locks", asked]


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [("AWS_PROFILE", "nosuch", "nosuch"), ("AWS_ENDPOINT_URL", "foo", "Invalid endpoint: foo")],
)
def test_an_environment_without_a_usable_client_is_one_line_and_exit_code_1(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    value: str,
    said: str,
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv(variable, value)
    assert main(["status", "nightly", "--bucket", "locks", "--json"]) == 1
    err = capsys.readouterr().err
    assert (err.count("\n"), err.startswith("s3leader: "), said in err) == (1, True, True)


@pytest.mark.parametrize(
    ("code", "message", "said"),
    [
        ("NoCredentialsError", "", "no longer valid: renew them."),
        (
            "PermanentRedirect",
            "",
            "set AWS_DEFAULT_REGION=eu-west-1 or S3LEADER_REGION=eu-west-1.",
        ),
        (
            "AccessDenied",
            "not authorized to perform: s3:PutObject with an explicit deny in a session policy",
            "set S3LEADER_ENCRYPTION and S3LEADER_KMS_KEY.",
        ),
    ],
)
def test_advice_names_what_a_command_line_can_change(code: str, message: str, said: str) -> None:
    error = refusal(
        List("elections/"),
        bucket="locks",
        partition="aws",
        code=code,
        message=message,
        bucket_region="eu-west-1",
        region=choose_region(None, {"AWS_DEFAULT_REGION": "us-east-1"}),
    )
    shown = advice(error)
    assert shown.endswith(said)
    assert "pass " not in shown


def test_a_region_can_be_given_as_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[BucketOptions] = []

    def store(_: str, *, options: BucketOptions, **__: object) -> MemoryStore:
        seen.append(options)
        return MemoryStore()

    monkeypatch.setattr("s3leader._io.lock_store.S3Store", store)
    monkeypatch.setenv("S3LEADER_REGION", "eu-west-1")
    main(["status", "nightly", "--bucket", "locks", "--region", "eu-north-1", "--json"])
    assert [options.region for options in seen] == ["eu-north-1"]


def test_advice_on_a_region_that_was_given_as_an_option_names_the_option() -> None:
    error = refusal(
        List("elections/"),
        bucket="locks",
        partition="aws",
        code="PermanentRedirect",
        message="",
        bucket_region="eu-west-1",
        region=choose_region("us-east-1", {}),
    )
    assert advice(error).endswith("use --region eu-west-1.")


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("S3LEADER_ENCRYPTION", "no such", "no such"),
        ("S3LEADER_KMS_KEY", "no such", "no such"),
        ("S3LEADER_BUCKET_OWNER", "no such", "no such"),
        ("S3LEADER_REGION", "no such", "no such"),
        ("S3LEADER_KMS_KEY", "arn:aws:kms:eu-west-1:123456789012:key/1", "S3LEADER_ENCRYPTION"),
    ],
)
def test_a_variable_with_a_wrong_value_is_named(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    value: str,
    named: str,
) -> None:
    monkeypatch.delenv("S3LEADER_ENCRYPTION", raising=False)
    monkeypatch.setenv(variable, value)
    assert main(["status", "nightly", "--bucket", "locks", "--json"]) > 0
    err = capsys.readouterr().err
    assert (variable in err, named in err) == (True, True)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_names_the_command(
    capsys: pytest.CaptureFixture[str], shell: str
) -> None:
    assert main(["completion", shell]) == 0
    assert "_S3LEADER_COMPLETE" in capsys.readouterr().out


def test_a_profile_that_is_asked_for_comes_before_credentials_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As with `aws --profile`."""
    monkeypatch.setenv("AWS_PROFILE", "")  # both are set by the command, and put back here
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-the-environment")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert main(["status", "nightly", "--bucket", "locks", "--profile", "nosuch", "--json"]) == 1
    assert "nosuch" in capsys.readouterr().err
    assert "AWS_ACCESS_KEY_ID" not in os.environ


def test_an_endpoint_that_is_asked_for_is_used(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:2")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "eu-west-1")
    words = ["status", "nightly", "--bucket", "locks", "--json"]
    main([*words, "--endpoint-url", "http://127.0.0.1:1"])
    assert "127.0.0.1:1" in capsys.readouterr().err
