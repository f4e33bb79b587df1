"""Repairs of a ledger: what they leave, and that every interruption can be gone on from."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from s3leader import (
    CorruptLock,
    Election,
    InvalidArgument,
    NotElected,
    S3LeaderError,
    StillHeld,
    StoreUnavailable,
)
from s3leader._core.requests import Create, List, Replace, StoreAnswer, StoreRequest
from s3leader._core.times import to_ms
from s3leader._io.memory_store import Fault
from s3leader.repair import RepairRefused, restart_numbers, state_before_restart
from s3leader_cli.check.verify.ledger import Ledger
from s3leader_cli.check.verify.rules import verify
from tests.fast.s3leader.one_bucket import FOLDER, LAPSE, LATER, TICK, lost, won
from tests.fast.s3leader.repaired import Died, Dying, Repaired

LONG_AGO = TICK - timedelta(days=1)


@pytest.fixture
def ledger() -> Repaired:
    return Repaired()


def next_term(election: Election, tick: Any = LATER) -> int:
    return won(election.campaign(tick)).number


def moves(ledger: Repaired) -> int:
    """Finish the move; return the number of the next term in the new place."""
    progress = ledger.move().run()
    assert progress is not None
    assert (progress.closed, progress.copied) == (True, True)
    with pytest.raises(CorruptLock, match="this ledger was moved to s3://new/elections/e/"):
        ledger.election().campaign(LATER)
    assert lost(ledger.election(ledger.new).campaign(TICK)).reason == "done"
    term = won(ledger.election(ledger.new).campaign(LATER))
    assert term.state == {"after": 41}
    return term.number


def restarts(ledger: Repaired) -> int:
    """Finish the restart; return the number of the next term."""
    assert ledger.restart() == 1001
    assert lost(ledger.election().campaign(TICK)).reason == "done"
    return next_term(ledger.election())


def gone(ledger: Repaired) -> int:
    """As `restarts`, after all locks were deleted."""
    return restarts(ledger)


REPAIRS: list[tuple[Callable[[Repaired], int], int]] = [(moves, 3), (restarts, 1002), (gone, 1002)]
each_repair = pytest.mark.parametrize(
    ("repair", "number"), REPAIRS, ids=[repair.__name__ for repair, _ in REPAIRS]
)


def prepared(repair: Callable[[Repaired], int]) -> Repaired:
    ledger = Repaired()
    if repair is gone:
        ledger.delete_all()
    return ledger


def attempt(ledger: Repaired, repair: Callable[[Repaired], int]) -> None:
    if repair is moves:
        ledger.move().run()
    else:
        ledger.restart()


@each_repair
def test_a_repaired_ledger_goes_on_with_its_numbers_and_its_done_tick(
    repair: Callable[[Repaired], int], number: int
) -> None:
    assert repair(prepared(repair)) == number


@each_repair
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_repair_that_dies_at_any_request_is_finished_by_the_next(
    repair: Callable[[Repaired], int], number: int, *, after: bool
) -> None:
    deaths = 0
    for store in ("old", "new"):
        for nth in range(1, 30):
            ledger = prepared(repair)
            dying: Dying = getattr(ledger, store)
            dying.left, dying.after = nth, after
            try:
                attempt(ledger, repair)
            except Died:
                deaths += 1
            dying.left = -1
            assert repair(ledger) == number
    assert deaths >= 4


@each_repair
@pytest.mark.parametrize(
    "fault", [Fault.ANSWER_LOST, Fault.REQUEST_LOST, Fault.LATE, Fault.CONFLICTED, Fault.ECHOED]
)
def test_the_lost_answer_of_any_write_of_a_repair_is_settled(
    repair: Callable[[Repaired], int], number: int, fault: Fault
) -> None:
    met = 0
    for store in ("old", "new"):
        for nth in (1, 2, 3):
            ledger = prepared(repair)
            faulty: Dying = getattr(ledger, store)
            faulty.script(fault, on=lambda one: isinstance(one, Create | Replace), nth=nth)
            before = len(faulty.requests)
            attempt(ledger, repair)
            faulty.deliver_late()
            met += nth <= sum(isinstance(r, Create | Replace) for r in faulty.requests[before:])
            assert repair(ledger) == number
    assert met >= 2


@each_repair
def test_a_repair_that_is_done_twice_writes_nothing_the_second_time(
    repair: Callable[[Repaired], int], number: int
) -> None:
    ledger = prepared(repair)
    attempt(ledger, repair)
    before = ledger.objects()
    attempt(ledger, repair)
    assert ledger.objects() == before
    assert repair(ledger) == number
    attempt(ledger, repair)  # also once the next term has begun


def campaigns_at(ledger: Repaired, nth: int) -> list[int]:
    """Let a candidate campaign after the `nth` request to the old ledger; return what it led."""
    led: list[int] = []
    seen = itertools.count(1)

    def meanwhile(*_: object) -> None:
        if next(seen) == nth:
            with suppress(CorruptLock):
                led.append(won(ledger.election().campaign(LATER)).number)

    ledger.old._observer = meanwhile
    return led


@pytest.mark.parametrize("repair", [moves, restarts], ids=["moves", "restarts"])
def test_either_a_candidate_begins_a_term_or_the_ledger_is_closed(
    repair: Callable[[Repaired], int],
) -> None:
    begun = []
    for nth in range(1, 8):
        ledger = Repaired()
        led = campaigns_at(ledger, nth)
        try:
            attempt(ledger, repair)
            refused = False
        except (RepairRefused, StillHeld):
            refused = True
        assert (led == [3]) == refused
        begun.append(refused)
    assert set(begun) == {True, False}


def test_an_empty_ledger_is_not_moved(ledger: Repaired) -> None:
    ledger.delete_all()
    assert (ledger.move().look(), ledger.move().run()) == (None, None)
    assert ledger.old.keys() == ledger.new.keys() == ()


@pytest.mark.parametrize("repair", [moves, restarts], ids=["moves", "restarts"])
def test_nothing_is_repaired_while_somebody_leads(
    ledger: Repaired, repair: Callable[[Repaired], int]
) -> None:
    won(ledger.election().campaign(LATER))
    keys = ledger.old.keys()
    with pytest.raises(StillHeld):
        attempt(ledger, repair)
    assert (ledger.old.keys(), ledger.new.keys()) == (keys, ())
    ledger.bucket.pass_time(LAPSE)  # a dead leader is deposed
    attempt(ledger, repair)
    assert json.loads(ledger.old.body(keys[-1]))["outcome"] == "deposed"


def test_a_place_with_another_ledger_is_refused_before_the_first_write(ledger: Repaired) -> None:
    won(ledger.election(ledger.new).campaign(TICK)).resign()
    keys = ledger.old.keys()
    with pytest.raises(RepairRefused, match="has a ledger of its own, whose highest term is 1"):
        ledger.move().run()
    assert ledger.old.keys() == keys


def test_a_ledger_is_not_moved_to_two_places(ledger: Repaired) -> None:
    ledger.move().run()
    with pytest.raises(RepairRefused, match="was moved to s3://new/elections/e/ already"):
        ledger.move("s3://third/elections/e/").run()
    with pytest.raises(RepairRefused, match="moved to s3://new/elections/e/: repair it there"):
        ledger.restart()


def test_the_first_leader_of_a_moved_ledger_proves_its_store(ledger: Repaired) -> None:
    ledger.move().run()
    before = len(ledger.new.requests)
    won(ledger.election(ledger.new).campaign(LATER))
    sent = ledger.new.requests[before:]
    assert sum(isinstance(request, Create | Replace) for request in sent) == 3


def test_a_lock_of_the_original_scheme_is_moved(ledger: Repaired) -> None:
    ledger.delete_all()
    ledger.old.put(f"{FOLDER}lock_0000000007.json", b'{"expired": true}')
    ledger.move().run()
    ledger.move().run()
    assert next_term(ledger.election(ledger.new)) == 8


def test_a_restart_keeps_the_later_done_tick_and_the_checkpoint_if_asked(ledger: Repaired) -> None:
    ledger.restart(done=LONG_AGO, keep_state=True)
    lock = ledger.election().observe()
    assert lock is not None
    assert (lock.done, lock.state, lock.swept) == (TICK, {"after": 41}, 1000)


def test_a_restart_without_it_has_an_empty_checkpoint(ledger: Repaired) -> None:
    ledger.restart()
    assert won(ledger.election().campaign(LATER)).state == {}


def test_a_restart_goes_on_above_a_corrupt_lock(ledger: Repaired) -> None:
    ledger.old.put(f"{FOLDER}lock_0000000003.json", b"torn")
    found = state_before_restart(ledger.election(), above=1000, done="none")
    assert isinstance(found, CorruptLock)
    ledger.restart(done="none")
    assert next_term(ledger.election()) == 1002


def test_a_warm_candidate_of_the_ledger_that_is_closed_does_not_lead_below(
    ledger: Repaired,
) -> None:
    warm = ledger.election()
    assert isinstance(warm.campaign(TICK), NotElected)
    ledger.restart()
    with pytest.raises(CorruptLock, match="numbers of this ledger restart"):
        warm.campaign(LATER)


@pytest.mark.parametrize(
    ("above", "done"), [(0, "none"), (9_999_999_998, "none"), (9, "2026-11-24T06:00:00Z"), (9, "x")]
)
def test_a_number_or_a_tick_that_cannot_be_is_refused(
    ledger: Repaired, above: int, done: str
) -> None:
    keys = ledger.old.keys()
    with pytest.raises(InvalidArgument):
        ledger.restart(above, done=done)
    assert ledger.old.keys() == keys


def test_numbers_that_are_above_already_stay(ledger: Repaired) -> None:
    assert (ledger.restart(above=1), next_term(ledger.election())) == (2, 3)


def test_an_unfinished_restart_is_finished_with_a_number_above_its_note(ledger: Repaired) -> None:
    ledger.old.left, ledger.old.after = 4, True
    with pytest.raises(Died):
        ledger.restart()
    ledger.old.left = -1
    assert ledger.old.keys()[-1] == f"{FOLDER}lock_0000000003.json"
    with pytest.raises(RepairRefused, match="restart of this ledger's numbers is not finished"):
        ledger.move().run()
    with pytest.raises(InvalidArgument, match="expected a number above 2"):
        ledger.restart(above=2)
    assert ledger.restart(above=500) == 501


def suspend_after_the_list(ledger: Repaired) -> None:
    def suspend(request: StoreRequest, _: StoreAnswer) -> None:
        if isinstance(request, List):
            ledger.bucket.ms = to_ms(TICK) + 2 * 3_600_000

    ledger.old._observer = suspend


def test_a_candidate_suspended_for_an_hour_closes_nothing(ledger: Repaired) -> None:
    """R7: the number may have been used and deleted since."""

    suspend_after_the_list(ledger)
    with pytest.raises(Exception, match="more than an hour passed"):
        ledger.move().run()
    assert ledger.new.keys() == ()


def test_a_candidate_that_has_seen_the_new_place_empty_does_not_lead_there(
    ledger: Repaired,
) -> None:
    """It may create lock 1 for up to an hour, and would lead beside the next term."""
    early = ledger.election(ledger.new)
    assert early.observe() is None
    ledger.move().run()
    assert won(ledger.election(ledger.new).campaign(LATER)).number == 3
    with pytest.raises(CorruptLock):
        early.campaign(LATER)


def faults(election: Election) -> list[str]:
    """What `verify` finds broken."""
    checked = verify(Ledger.of(election.history(limit=200), timedelta(seconds=3)))
    return [found.what for each in checked for found in each.findings if found.certain]


def test_notes_of_repairs_are_no_faults_of_a_ledger(ledger: Repaired) -> None:
    ledger.move().run()
    won(ledger.election(ledger.new).campaign(LATER)).resign()
    places = [ledger.election(ledger.old), ledger.election(ledger.new)]
    restart_numbers(places[1], above=90, done="none", reason="locks were deleted")
    won(ledger.election(ledger.new).campaign()).resign()
    assert [faults(each) for each in places] == [[], []]


@pytest.mark.parametrize("above", [2, 3, 90])
def test_the_tick_that_an_operator_states_is_no_fault_of_a_ledger(
    ledger: Repaired, above: int
) -> None:
    """Also without a note: the lock that is created closes the ledger, if it is the next one."""
    ledger.bucket.ms = to_ms(LATER)
    assert ledger.restart(above, done=LATER) == above + 1
    assert lost(ledger.election().campaign(LATER)).reason == "done"
    won(ledger.election().campaign()).resign()
    assert faults(ledger.election()) == []


def test_numbers_below_the_lock_that_a_move_copies_are_not_missing(ledger: Repaired) -> None:
    """The last leader died, so its lock does not say that the locks below are tagged."""
    won(ledger.election().campaign(LATER))
    ledger.bucket.pass_time(LAPSE)
    ledger.move().run()
    assert next_term(ledger.election(ledger.new)) == 4
    assert faults(ledger.election(ledger.new)) == []


def test_a_restart_that_was_suspended_for_an_hour_does_not_count(ledger: Repaired) -> None:
    """R7: others may have led meanwhile, and the lock that it created may be one of many."""

    suspend_after_the_list(ledger)
    with pytest.raises(StoreUnavailable, match="more than an hour passed"):
        ledger.restart(above=2)


@pytest.mark.parametrize("how", [{}, {"force": True, "done": TICK}], ids=str)
def test_the_note_of_a_move_is_never_deposed(ledger: Repaired, how: dict[str, Any]) -> None:
    moves(ledger)
    with pytest.raises(CorruptLock, match="Never seal or delete the note"):
        ledger.election().depose(reason="it looks stuck", **how)
    with pytest.raises(CorruptLock, match="this ledger was moved"):
        ledger.election().campaign(LATER)


def test_the_note_of_an_unfinished_restart_is_never_deposed(ledger: Repaired) -> None:
    ledger.old.script(Fault.REFUSED, on=lambda one: isinstance(one, Create) and "1001" in one.key)
    with pytest.raises(S3LeaderError):
        ledger.restart()
    with pytest.raises(CorruptLock, match="if a repair was interrupted, run it again"):
        ledger.election().depose(reason="it looks stuck", force=True, done=TICK)
    assert restarts(ledger) == 1002
