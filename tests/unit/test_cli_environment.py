"""What the `s3leader` command makes of an environment that it cannot use."""

import pytest

from s3leader_cli.__main__ import main


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
