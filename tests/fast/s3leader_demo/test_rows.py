from dataclasses import replace
from datetime import UTC, datetime

from local_cloud import Invocation
from s3leader import Lock
from s3leader_demo.rows import Row, TermNote, rows

TICK = "2026-11-23T06:00:00Z"
LOCK = Lock(term=7, tick=datetime(2026, 11, 23, 6, tzinfo=UTC), expired=True, outcome="completed")
PARTS = [{"term": 7, "lines": 3}, {"term": 6, "lines": 5}, {"term": 7, "lines": 4}]
RUNNING = Invocation(execution="a", schedule="s", tick=TICK, event={"contender": 1}, started=1.0)
WON = replace(RUNNING, ended=2.0, result={"elected": True, "term": 7})
LOST = replace(
    RUNNING, event={"contender": 2}, ended=2.0, result={"elected": False, "reason": "held"}
)
FAILED = replace(RUNNING, event={"contender": 3}, ended=2.0, failed=True, result={"error": "x"})


def row(*invocations: Invocation, lock: Lock = LOCK) -> Row:
    (only,) = rows([lock], invocations, PARTS, {})
    return only


def test_lines_and_parts_are_those_of_the_term() -> None:
    assert (row().lines, row().parts) == (7, 2)


def test_the_remark_says_how_each_losing_contender_ended() -> None:
    shown = row(FAILED, LOST, WON)
    assert (shown.contended, shown.won_by, shown.remark) == ("1 2 3", "1", "2 held, 3 failed")


def test_a_contender_that_still_runs_keeps_the_row_open() -> None:
    assert (row(RUNNING, LOST).finished, row(WON, LOST).finished) == (False, True)


def test_a_lock_that_is_not_sealed_keeps_the_row_open() -> None:
    leads = replace(LOCK, expired=False, outcome=None)
    assert (row(lock=leads).finished, row(lock=leads).outcome) == (False, "leads")


def test_invocations_of_another_tick_do_not_count() -> None:
    assert row(replace(WON, tick="2026-11-23T06:01:00Z")).contended == ""


def test_a_note_of_the_demo_replaces_what_schedules_started() -> None:
    note = TermNote(contended="5 processes", won_by="candidate 2", remark="killed")
    assert rows([LOCK], [WON], [], {7: note})[0].won_by == "candidate 2"


def test_rows_are_in_the_order_of_terms() -> None:
    found = rows([LOCK, replace(LOCK, term=6)], [], [], {})
    assert [one.term for one in found] == [6, 7]
