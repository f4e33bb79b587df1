"""Settings that boto3 cannot use, and times at the edge, are one line and no traceback."""

from pathlib import Path

import pytest

from s3leader_cli.__main__ import main
from s3leader_cli.aws import clients
from s3leader_cli.aws.dead_letter import _tick_in


@pytest.mark.parametrize(
    "words",
    [
        ["pause", "nightly", "--profile", "nosuch"],
        ["missed", "nightly", "--profile", "nosuch"],
        ["alarms", "nightly", "--profile", "nosuch"],
        ["pause", "nightly", "--region", "eu_west!1"],
        ["logs", "nightly", "--endpoint-url", "nonsense"],
        ["redrive", "nightly", "--tick", "0001-01-01T00:00:00+05:00"],
        ["trigger", "nightly", "--tick", "0001-01-01T00:00:00+05:00"],
    ],
)
def test_a_setting_that_cannot_be_used_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):  # the command sets them
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    clients._loader.cache_clear()  # as in a new process
    assert main([*words, "--bucket", "locks"]) in {1, 2}
    err = capsys.readouterr().err
    assert "Traceback" not in err
    assert "s3leader: " in err


def test_a_configuration_that_cannot_be_parsed_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "config").write_text("[default\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    clients._loader.cache_clear()
    assert main(["alarms", "nightly", "--bucket", "locks"]) == 1
    assert capsys.readouterr().err.startswith("s3leader: boto3 can make no client from these")


@pytest.mark.parametrize(
    ("event", "tick"),
    [
        ({"tick": "T"}, "T"),
        ({"detail-type": "Scheduled Event", "time": "T"}, "T"),
        ({"detail-type": "Scheduled Event", "time": "other", "tick": "T"}, "T"),
        ({"detail-type": "Object Created", "time": "T"}, None),
        ([], None),
    ],
)
def test_the_tick_of_an_event_is_where_a_contender_finds_it(
    event: object, tick: str | None
) -> None:
    assert _tick_in(event) == tick
