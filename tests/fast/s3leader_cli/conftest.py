from pathlib import Path

import pytest

from tests.fast.s3leader_cli.command_line import Cli
from tests.fast.s3leader_cli.wrapper import Wrapper


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.setenv("COLUMNS", "200")
    return Cli(capsys)


@pytest.fixture
def wrapper(tmp_path: Path) -> Wrapper:
    return Wrapper(tmp_path)
