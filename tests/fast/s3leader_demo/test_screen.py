"""The demo's table of terms, and what it prints and refuses."""

import io
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from rich.console import Console

from local_cloud import Invocation
from s3leader import Lock
from s3leader_demo.__main__ import main
from s3leader_demo.rows import Row, TermNote, rows
from s3leader_demo.screen import Screen

TICK = "2026-11-23T06:00:00Z"
LOCK = Lock(term=7, tick=datetime(2026, 11, 23, 6, tzinfo=UTC), expired=True, outcome="completed")
PARTS = [{"term": 7, "lines": 20_121}, {"term": 6, "lines": 5}]
RUNNING = Invocation(execution="a", schedule="s", tick=TICK, event={"contender": 1}, started=1.0)
WON = replace(RUNNING, ended=2.0, result={"elected": True, "term": 7})
LOST = replace(
    RUNNING, event={"contender": 2}, ended=2.0, result={"elected": False, "reason": "held"}
)
FAILED = replace(RUNNING, event={"contender": 3}, ended=2.0, failed=True, result={"error": "x"})


def row(*invocations: Invocation, lock: Lock = LOCK) -> Row:
    (only,) = rows([lock], invocations, PARTS, {})
    return only


def test_a_row_says_what_its_term_did_and_how_each_losing_contender_ended() -> None:
    elsewhere = replace(WON, event={"contender": 9}, tick="2026-11-23T06:01:00Z")
    assert row(FAILED, LOST, WON, elsewhere) == Row(
        term=7,
        tick="06:00:00",
        contended="1 2 3",
        won_by="1",
        outcome="completed",
        lines=20_121,
        parts=1,
        remark="2 held, 3 failed",
        finished=True,
    )


def test_a_contender_that_still_runs_and_an_unsealed_lock_keep_the_row_open() -> None:
    leads = replace(LOCK, expired=False, outcome=None)
    assert (row(RUNNING, LOST).finished, row(WON, lock=leads).finished) == (False, False)


def test_a_note_of_the_demo_replaces_what_schedules_started() -> None:
    note = TermNote(contended="5 processes", won_by="candidate 2", remark="killed")
    assert rows([LOCK], [WON], [], {7: note})[0].won_by == "candidate 2"


def test_a_finished_row_is_printed_once_with_commas_for_thousands() -> None:
    printed = io.StringIO()
    screen = Screen(Console(file=printed, width=120))
    for each in (row(RUNNING), row(WON), row(WON)):
        screen.update([each])
    assert printed.getvalue().count(" 20,121 ") == 1


def test_terms_of_another_election_are_printed_without_counts_in_a_table_of_their_own() -> None:
    printed = io.StringIO()
    screen = Screen(Console(file=printed, width=120))
    screen.update([row(WON)])
    screen.for_another_election().update(rows([LOCK], [WON], None, {}))
    first, second = printed.getvalue().splitlines()
    assert (first.split()[-2:], second.split()[-1]) == (["20,121", "1"], "completed")


def test_ticks_are_a_whole_number_from_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["scripts/demo", "--ticks", "0"])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert "--ticks: expected a whole number of at least 1, got 0" in capsys.readouterr().err
