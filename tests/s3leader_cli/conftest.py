from pathlib import Path

import pytest

from s3leader_cli.observe.find import Page
from tests.s3leader_cli.command_line import Cli
from tests.s3leader_cli.wrapper import Wrapper


@pytest.fixture(autouse=True)
def _no_bucket_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a name without locks, `status` looks for similar names in the bucket: here are none."""
    page = Page(keys=(), more=False)
    monkeypatch.setattr("s3leader_cli.aws.keys.keys_of", lambda _: lambda *_: page)


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.setenv("COLUMNS", "200")
    return Cli(capsys)


@pytest.fixture
def wrapper(tmp_path: Path) -> Wrapper:
    return Wrapper(tmp_path)
