"""`LeaderElector` in real time, over a store in memory that several candidates share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from s3leader import (
    Election,
    InvalidArgument,
    LeaderElector,
    StoreUnavailable,
    Term,
    testing,
)
from s3leader._io.memory_store import MemoryStore
from s3leader.testing import FakeClock

SOON = 20.0  # seconds; only a failing test takes as long


class Process:
    """A process with an elector, whose work waits for its stop; `calls` in their order."""

    def __init__(self, election: Election, work: Callable[[Term], None] = lambda _: None) -> None:
        self.calls: list[Any] = []
        self.stop, self.working = threading.Event(), threading.Event()
        self.error: BaseException | None = None
        self.led: bool | None = None
        self._work = work
        self._elector = LeaderElector(
            election,
            on_started_leading=self._lead,
            on_stopped_leading=lambda: self.calls.append("stopped"),
            on_new_leader=self.calls.append,
        )
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _lead(self, term: Term, stop: threading.Event) -> None:
        self.calls.append("started")
        self.working.set()
        self._work(term)
        assert stop.wait(SOON)
        self.calls.append("asked to stop")

    def _run(self) -> None:
        try:
            self.led = self._elector.run(self.stop)
        except Exception as error:  # noqa: BLE001 - the test asserts which
            self.error = error

    def start(self) -> None:
        self.thread.start()

    def join(self) -> None:
        self.thread.join(SOON)
        assert not self.thread.is_alive()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def election(store: MemoryStore, candidate: str, **more: Any) -> Election:
    return testing.election(store=store, candidate=candidate, **more)


def led(process: Process) -> Process:
    """Start a process, and return once it leads."""
    process.start()
    assert process.working.wait(SOON)
    return process


def test_a_leader_that_is_asked_to_stop_waits_for_its_work_and_resigns(store: MemoryStore) -> None:
    process = led(Process(election(store, "a")))
    process.stop.set()
    process.join()
    lock = election(store, "reader").observe()
    assert lock is not None
    assert process.calls == ["a", "started", "asked to stop", "stopped"]
    assert (process.led, lock.outcome, lock.reason) == (True, "resigned", "stopped")


def test_a_candidate_that_never_leads_is_not_called_back(store: MemoryStore) -> None:
    election(store, "other").campaign()
    process = Process(election(store, "a"))
    process.start()
    process.stop.set()
    process.join()
    assert (process.led, {*process.calls} <= {"other"}) == (False, True)


def test_a_new_leader_is_reported_once(store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("s3leader.leader_elector._CAMPAIGN", timedelta(0))
    election(store, "other").campaign()
    seen, stop = [], threading.Event()
    looks = iter(range(5))

    def on_new_leader(holder: str) -> None:
        seen.append(holder)

    candidate = election(store, "a")
    campaign = candidate.campaign

    def counted(*arguments: Any, **options: Any) -> Any:
        if next(looks, None) is None:
            stop.set()
        return campaign(*arguments, **options)

    monkeypatch.setattr(candidate, "campaign", counted)
    elector = LeaderElector(
        candidate, on_started_leading=lambda *_: None, on_new_leader=on_new_leader
    )
    assert (elector.run(stop), seen) == (False, ["other"])


def test_work_that_raises_fails_the_term_and_is_raised(store: MemoryStore) -> None:
    def work(term: Term) -> None:
        raise ZeroDivisionError("no such thing")

    process = led(Process(election(store, "a"), work))
    process.join()
    lock = election(store, "reader").observe()
    assert lock is not None
    assert isinstance(process.error, ZeroDivisionError)
    assert (lock.outcome, "no such thing" in (lock.reason or "")) == ("failed", True)
    assert process.calls == ["a", "started", "stopped"]


def test_a_deposed_leader_is_asked_to_stop_and_ends(store: MemoryStore) -> None:
    process = led(Process(election(store, "a", lease=timedelta(seconds=1))))
    election(store, "operator").depose(reason="test", force=True)
    process.join()
    lock = election(store, "reader").observe()
    assert lock is not None
    assert (process.led, lock.outcome) == (True, "deposed")
    assert process.calls == ["a", "started", "asked to stop", "stopped"]


def test_a_leader_that_s3_does_not_answer_is_asked_to_stop_before_its_deadline() -> None:
    clock = FakeClock()
    store = MemoryStore(clock_ms=clock.read_ms)
    terms: list[Term] = []
    leader = testing.election(store=store, clock=clock, lease=timedelta(hours=1))
    process = led(Process(leader, terms.append))
    clock.advance(timedelta(minutes=59, seconds=59, milliseconds=800))
    process.join()
    assert terms[0].held is False  # it has resigned, within the deadline
    lock = election(store, "reader").observe()
    assert lock is not None
    assert (lock.outcome, process.calls[-2:]) == ("resigned", ["asked to stop", "stopped"])
    assert lock.reason == "its lease could not be renewed"


def test_the_lease_is_renewed_while_the_work_ends(store: MemoryStore) -> None:
    """Asked to stop, the work goes on for two leases, and nobody else can lead."""
    rival = election(store, "rival", lease=timedelta(seconds=1))
    found: list[object] = []

    def work(term: Term) -> None:
        process.stop.set()
        threading.Event().wait(2.5)
        found.append(rival.campaign())

    process = Process(election(store, "a", lease=timedelta(seconds=1)), work)
    led(process).join()
    assert (bool(found[0]), process.led) == (False, True)


@pytest.mark.parametrize("fault", ["unavailable", "refused"])
def test_a_store_that_does_not_answer_is_tried_again_and_one_that_refuses_is_an_error(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr("s3leader.leader_elector._AFTER_AN_ERROR_S", 0.01)
    candidate = election(store, "a")
    campaign, faults = candidate.campaign, iter([True, True])
    error = StoreUnavailable("no answer") if fault == "unavailable" else InvalidArgument("denied")

    def faulty(*arguments: Any, **options: Any) -> Any:
        if next(faults, False):
            raise error
        return campaign(*arguments, **options)

    monkeypatch.setattr(candidate, "campaign", faulty)
    process = Process(candidate)
    process.start()
    if fault == "unavailable":
        assert process.working.wait(SOON)
        process.stop.set()
    process.join()
    assert process.error is (None if fault == "unavailable" else error)


@pytest.mark.parametrize(("seconds", "started"), [(0, True), (59, True), (3600, False)])
def test_work_is_not_started_without_leadership(seconds: float, *, started: bool) -> None:
    """`on_new_leader` took longer than the lease, which nothing renewed."""
    clock, works = FakeClock(), list[bool]()
    store, stop = MemoryStore(clock_ms=clock.read_ms), threading.Event()

    def work(term: Term, stopped: threading.Event) -> None:
        works.append(term.held)
        stop.set()

    elector = LeaderElector(
        testing.election(store=store, clock=clock, lease=timedelta(minutes=1)),
        on_started_leading=work,
        on_new_leader=lambda _: clock.advance(timedelta(seconds=seconds)),
    )
    assert elector.run(stop) is True
    assert works == [True] * started
    lock = election(store, "reader").observe()
    assert lock is not None
    reason = "stopped" if started else "its lease could not be renewed"
    assert (lock.outcome, lock.reason) == ("resigned", reason)


def test_the_lease_is_renewed_while_on_new_leader_runs(store: MemoryStore) -> None:
    candidate = election(store, "a", lease=timedelta(seconds=1))
    stop, renewed = threading.Event(), list[bool]()

    def on_new_leader(_: str) -> None:
        pause = threading.Event()
        for _try in range(round(SOON / 0.01)):
            lock = candidate.observe()
            if lock is not None and lock.renewals:
                renewed.append(True)
                break
            pause.wait(0.01)
        stop.set()

    elector = LeaderElector(
        candidate, on_started_leading=lambda *_: None, on_new_leader=on_new_leader
    )
    assert (elector.run(stop), renewed) == (True, [True])


class Interrupted(BaseException):
    """As KeyboardInterrupt, which a test cannot raise in another thread."""


class InterruptedStop(threading.Event):
    def wait(self, timeout: float | None = None) -> bool:
        raise Interrupted


def test_ctrl_c_ends_the_work_and_seals_the_lock(store: MemoryStore) -> None:
    calls: list[str] = []

    def work(_: Term, stop: threading.Event) -> None:
        assert stop.wait(SOON)
        calls.append("asked to stop")

    elector = LeaderElector(
        election(store, "a"),
        on_started_leading=work,
        on_stopped_leading=lambda: calls.append("stopped"),
    )
    with pytest.raises(Interrupted):
        elector.run(InterruptedStop())
    lock = election(store, "reader").observe()
    assert lock is not None
    assert (calls, lock.outcome) == (["asked to stop", "stopped"], "resigned")


def test_a_callback_that_raises_leaves_no_lock_behind(store: MemoryStore) -> None:
    def on_new_leader(_: str) -> None:
        raise ZeroDivisionError

    elector = LeaderElector(
        election(store, "a"), on_started_leading=lambda *_: None, on_new_leader=on_new_leader
    )
    with pytest.raises(ZeroDivisionError):
        elector.run(threading.Event())
    lock = election(store, "reader").observe()
    assert lock is not None
    assert lock.sealed
