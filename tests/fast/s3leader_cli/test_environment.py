"""What the `s3leader` command makes of an environment that it cannot use."""

import pytest

from s3leader import BucketOptions, BucketUnusable
from s3leader._core.requests import List
from s3leader._io.s3_refusals import refusal
from s3leader._io.s3_region import choose_region
from s3leader_cli.__main__ import main
from s3leader_cli.report import advice


class Recorded(Exception):  # noqa: N818 - not an error
    """Stands for the end of the test, with what the store was given."""


@pytest.mark.parametrize(
    ("variable", "argument", "value"),
    [
        ("S3LEADER_REGION", "region", "eu-west-1"),
        ("S3LEADER_ENCRYPTION", "encryption", "aws:kms"),
        ("S3LEADER_BUCKET_OWNER", "bucket_owner", "123456789012"),
    ],
)
def test_requests_use_the_settings_of_the_candidates_environment(
    monkeypatch: pytest.MonkeyPatch, variable: str, argument: str, value: str
) -> None:
    def store(bucket: str, **given: object) -> None:
        raise Recorded(bucket, given)

    monkeypatch.setattr("s3leader._io.lock_store.S3Store", store)
    monkeypatch.setenv(variable, value)
    with pytest.raises(Recorded) as seen:
        main(["status", "nightly", "--bucket", "locks", "--json"])
    bucket, given = seen.value.args
    asked = BucketOptions(**{argument: value})  # type: ignore[arg-type]
    assert (bucket, given["options"]) == ("locks", asked)


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


# ------------------------------------------- advice for those who run a command, not write Python


def refused(code: str, message: str = "") -> BucketUnusable:
    return refusal(
        List("elections/"),
        bucket="locks",
        partition="aws",
        code=code,
        message=message,
        bucket_region="eu-west-1",
        region=choose_region(None, {"AWS_DEFAULT_REGION": "us-east-1"}),
    )


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("NoCredentialsError", "no longer valid: renew them."),
        (
            "PermanentRedirect",
            "set AWS_DEFAULT_REGION=eu-west-1 or S3LEADER_REGION=eu-west-1.",
        ),
    ],
)
def test_advice_names_what_a_command_line_can_change(code: str, said: str) -> None:
    shown = advice(refused(code))
    assert shown.endswith(said)
    assert "pass " not in shown


def test_advice_on_a_denied_write_names_the_variables_alone() -> None:
    message = "not authorized to perform: s3:PutObject with an explicit deny in a session policy"
    shown = advice(refused("AccessDenied", message))
    assert shown.endswith("set S3LEADER_ENCRYPTION and S3LEADER_KMS_KEY.")


@pytest.mark.parametrize(
    "variable",
    ["S3LEADER_ENCRYPTION", "S3LEADER_KMS_KEY", "S3LEADER_BUCKET_OWNER", "S3LEADER_REGION"],
)
def test_a_variable_with_a_wrong_value_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str
) -> None:
    monkeypatch.setenv(variable, "no such")
    assert main(["status", "nightly", "--bucket", "locks", "--json"]) > 0
    err = capsys.readouterr().err
    assert (variable in err, "no such" in err) == (True, True)


def test_a_key_without_its_encryption_names_both_variables(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("S3LEADER_ENCRYPTION", raising=False)
    monkeypatch.setenv("S3LEADER_KMS_KEY", "arn:aws:kms:eu-west-1:123456789012:key/1")
    assert main(["status", "nightly", "--bucket", "locks", "--json"]) > 0
    err = capsys.readouterr().err
    assert ("S3LEADER_KMS_KEY" in err, "S3LEADER_ENCRYPTION" in err) == (True, True)
