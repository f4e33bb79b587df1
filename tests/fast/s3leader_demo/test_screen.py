"""What the demo says, and what it refuses."""

import io

import pytest
from rich.console import Console

from s3leader_demo.__main__ import main
from s3leader_demo.rows import Row, more_terms
from s3leader_demo.screen import Screen


def row(term: int, tick: str = "06:00:00", lines: int = 20_121) -> Row:
    return Row(
        term=term,
        tick=tick,
        contended="1 2 3",
        won_by="1",
        outcome="completed",
        lines=lines,
        parts=1,
        remark="",
        finished=True,
    )


def screen() -> tuple[Screen, io.StringIO]:
    printed = io.StringIO()
    return Screen(Console(file=printed, width=120)), printed


@pytest.mark.parametrize("ticks", ["abc", "0", "1.5"])
def test_ticks_are_a_whole_number_from_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], ticks: str
) -> None:
    monkeypatch.setattr("sys.argv", ["scripts/demo", "--ticks", ticks])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert (
        f"--ticks: expected a whole number of at least 1, got {ticks!r}" in capsys.readouterr().err
    )


def test_terms_that_no_table_has_shown_are_counted() -> None:
    found = [row(1), row(2), row(3, "06:01:07", lines=1_402)]
    assert more_terms(found, shown={1, 2}) == "1 more tick, term 3, with 1,402 lines"


def test_several_such_terms_are_listed() -> None:
    found = [row(1), row(2, "06:01:00"), row(3, "06:01:07", lines=1), row(4, "06:01:07", lines=0)]
    assert more_terms(found, shown={1, 2}) == "1 more tick, terms 3, 4, with 1 line"


def test_the_screen_remembers_the_terms_of_all_its_tables() -> None:
    shown, _ = screen()
    for term in (1, 2):
        with shown.table():
            shown.update([row(term)], "")
    assert shown.terms == {1, 2}


def test_a_row_is_printed_once_where_there_is_no_terminal() -> None:
    shown, printed = screen()
    with shown.table():
        shown.update([row(1)], "")
        shown.update([row(1)], "")
    assert printed.getvalue().count("completed") == 1


def test_a_table_writes_thousands_with_a_comma() -> None:
    shown, printed = screen()
    with shown.table():
        shown.update([row(1)], "")
    assert " 20,121 " in printed.getvalue()


def test_a_step_ends_with_the_texts_of_its_block() -> None:
    shown, printed = screen()
    with shown.step("the function merges what is left") as seen:
        seen.append("1 more tick")
    assert "✓ the function merges what is left: 1 more tick (0.0 s)" in printed.getvalue()
