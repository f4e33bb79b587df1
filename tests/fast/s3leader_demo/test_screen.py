"""What the demo says, and what it refuses."""

import io

import pytest
from rich.console import Console

from s3leader_demo.__main__ import main
from s3leader_demo.rows import Row
from s3leader_demo.screen import Screen

ROW = Row(
    term=1,
    tick="06:00:00",
    contended="1 2 3",
    won_by="1",
    outcome="completed",
    lines=20_121,
    parts=1,
    remark="",
    finished=True,
)


def test_ticks_are_a_whole_number_from_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["scripts/demo", "--ticks", "0"])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert "--ticks: expected a whole number of at least 1, got 0" in capsys.readouterr().err


def test_a_row_is_printed_once_with_commas_for_thousands() -> None:
    printed = io.StringIO()
    screen = Screen(Console(file=printed, width=120))
    for _ in range(2):
        screen.update([ROW])
    assert printed.getvalue().count(" 20,121 ") == 1
