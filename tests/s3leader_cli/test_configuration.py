"""The configuration file gives defaults; the command line and the environment come first."""

import json
from pathlib import Path

import pytest

from s3leader import Election, testing
from s3leader._io.memory_store import MemoryStore
from s3leader_cli.__main__ import main
from s3leader_cli.options import ElectionPlace


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("S3LEADER_CONFIG", raising=False)
    monkeypatch.delenv("S3LEADER_BUCKET", raising=False)
    path = tmp_path / "s3leader" / "config.toml"
    path.parent.mkdir()
    path.write_text('bucket = "locks"\nlease = "2m"\n[history]\nlimit = 1\n')
    return path


def places(*words: str) -> list[ElectionPlace]:
    """Run a command, and return the places of its elections."""
    seen: list[ElectionPlace] = []

    def elect(place: ElectionPlace) -> Election:
        seen.append(place)
        return testing.election(place.election, store=MemoryStore())

    main([*words, "--json"], elect=elect)
    return seen


@pytest.mark.usefixtures("file")
def test_a_value_of_the_file_is_for_all_commands() -> None:
    assert [place.bucket for place in places("status", "nightly")] == ["locks"]


@pytest.mark.usefixtures("file")
def test_a_duration_of_the_file_may_have_a_unit() -> None:
    assert [place.lease.total_seconds() for place in places("status", "nightly")] == [120]


@pytest.mark.usefixtures("file")
def test_the_environment_comes_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S3LEADER_BUCKET", "others")
    assert [place.bucket for place in places("status", "nightly")] == ["others"]


@pytest.mark.usefixtures("file")
def test_the_command_line_comes_first() -> None:
    found = places("status", "nightly", "--bucket", "mine", "--lease", "1")
    assert [(place.bucket, place.lease.total_seconds()) for place in found] == [("mine", 1)]


@pytest.mark.usefixtures("file")
def test_a_table_is_for_one_command(capsys: pytest.CaptureFixture[str]) -> None:
    election = testing.election("nightly", store=MemoryStore())
    for _ in range(2):
        election.campaign().resign("failed")  # type: ignore[union-attr]  # it is won
    main(["history", "nightly", "--json"], elect=lambda _: election)
    assert len(json.loads(capsys.readouterr().out)["terms"]) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('buckt = "locks"', "has 'buckt': expected one of bucket,"),
        ("[hist]\nlimit = 1", "has 'hist'"),
        ("bucket = ", "Invalid value"),
        ('bucket = "\\xff', "config.toml"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(
    file: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    file.write_text(text)
    code = main(["status", "nightly", "--json"])
    err = capsys.readouterr().err
    assert (code, said in err, str(file) in err) == (1 if "has" not in said else 2, True, True)


def test_a_named_file_must_exist(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("S3LEADER_CONFIG", str(tmp_path / "none.toml"))
    assert main(["status", "nightly", "--bucket", "locks"]) == 2
    assert "S3LEADER_CONFIG names no file" in capsys.readouterr().err
