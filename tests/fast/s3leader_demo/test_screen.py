"""The demo's table of terms, and what it prints and refuses."""

import io
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from rich.console import Console

from local_cloud import Invocation
from s3leader import Lock
from s3leader_demo.__main__ import main
from s3leader_demo.rows import Row, TermNote, more_terms, rows
from s3leader_demo.screen import Screen

TICK = "2026-11-23T06:00:00Z"
LOCK = Lock(term=7, tick=datetime(2026, 11, 23, 6, tzinfo=UTC), expired=True, outcome="completed")
PARTS = [{"term": 7, "lines": 3}, {"term": 6, "lines": 5}, {"term": 7, "lines": 4}]
RUNNING = Invocation(execution="a", schedule="s", tick=TICK, event={"contender": 1}, started=1.0)
WON = replace(RUNNING, ended=2.0, result={"elected": True, "term": 7})
LOST = replace(
    RUNNING, event={"contender": 2}, ended=2.0, result={"elected": False, "reason": "held"}
)
FAILED = replace(RUNNING, event={"contender": 3}, ended=2.0, failed=True, result={"error": "x"})


def row(
    *invocations: Invocation, lock: Lock = LOCK, notes: Mapping[int, TermNote] | None = None
) -> Row:
    (only,) = rows([lock], invocations, PARTS, notes or {})
    return only


def test_a_row_says_what_its_term_did_and_how_each_losing_contender_ended() -> None:
    elsewhere = replace(WON, event={"contender": 9}, tick="2026-11-23T06:01:00Z")
    assert row(FAILED, LOST, WON, elsewhere) == Row(
        term=7,
        tick="06:00:00",
        contended="1 2 3",
        won_by="1",
        outcome="completed",
        lines=7,
        parts=2,
        remark="2 held, 3 failed",
        finished=True,
    )


def test_a_contender_that_still_runs_keeps_the_row_open() -> None:
    assert (row(RUNNING, LOST).finished, row(WON, LOST).finished) == (False, True)


def test_a_lock_that_is_not_sealed_keeps_the_row_open() -> None:
    leads = row(lock=replace(LOCK, expired=False, outcome=None))
    assert (leads.finished, leads.outcome) == (False, "leads")


def test_a_note_of_the_demo_replaces_what_schedules_started() -> None:
    note = TermNote(contended="5 processes", won_by="candidate 2", remark="killed")
    assert row(WON, notes={7: note}).won_by == "candidate 2"


def test_rows_are_in_the_order_of_terms() -> None:
    found = rows([LOCK, replace(LOCK, term=6)], [], [], {})
    assert [one.term for one in found] == [6, 7]


SHOWN = replace(row(WON), lines=20_121)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ([(3, 1_402)], "1 more tick, term 3, with 1,402 lines"),
        ([(3, 1), (4, 0)], "1 more tick, terms 3, 4, with 1 line"),
    ],
)
def test_terms_that_no_table_has_shown_are_counted(more: list[tuple[int, int]], said: str) -> None:
    found = [replace(SHOWN, term=term, tick="06:01:07", lines=lines) for term, lines in more]
    assert more_terms([replace(SHOWN, term=1), *found], shown={1}) == said


def test_a_row_is_printed_once_where_there_is_no_terminal() -> None:
    printed = io.StringIO()
    screen = Screen(Console(file=printed, width=120))
    for _ in range(2):
        with screen.table():
            screen.update([SHOWN], "")
    assert printed.getvalue().count("completed") == 1
    assert " 20,121 " in printed.getvalue()
    assert screen.terms == {7}


def test_a_step_ends_with_the_texts_of_its_block() -> None:
    printed = io.StringIO()
    with Screen(Console(file=printed, width=120)).step("the function merges") as seen:
        seen.append("1 more tick")
    assert "✓ the function merges: 1 more tick (0.0 s)" in printed.getvalue()


@pytest.mark.parametrize("ticks", ["abc", "0"])
def test_ticks_are_a_whole_number_from_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], ticks: str
) -> None:
    monkeypatch.setattr("sys.argv", ["scripts/demo", "--ticks", ticks])
    with pytest.raises(SystemExit, match="2"):
        main()
    refused = f"--ticks: expected a whole number of at least 1, got {ticks!r}"
    assert refused in capsys.readouterr().err
