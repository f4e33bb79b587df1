"""Whatever happens, each campaign and each term has one end among the events, in order."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from s3leader import Election, LeaderElector, LeadershipLost, Partitions, S3LeaderError, Term
from s3leader._core.requests import Replace, StoreAnswer, StoreRequest
from s3leader._io.term_facts import TermStatus
from s3leader._io.term_state import TermState
from s3leader.aio import AsyncElection
from s3leader.observer import LeadershipEnded, Observer
from s3leader.testing import FakeClock, Fault, MemoryStore, election
from tests.fast.s3leader.recorder import Recorder
from tests.fast.s3leader.virtual_loop import World
from tests.interruptions import test_aio_cancellation as cancellation

LEASE = timedelta(seconds=30)
TICK = "2026-01-01T00:00:00Z"
RESULTS = {"won", "campaign_lost", "campaign_failed"}
SOON_S = 60  # only a failing test takes as long


def faults_of(recorder: Recorder, campaigns: int) -> list[str]:
    """What is wrong with the order of events after so many campaigns."""
    ends, terms = 0, defaultdict[tuple[str, int], list[str]](list)
    for name, event in recorder.events:
        ends += name in RESULTS
        if name not in {"campaign_lost", "campaign_failed"}:
            terms[event.address, event.term].append(name)
    wrong = [] if ends == campaigns else [f"{ends} results of {campaigns} campaigns"]
    for key, names in terms.items():
        over = [name for name in names if name in {"leadership_ended", "resigned"}]
        if names.count("won") != 1 or names[0] != "won":
            wrong.append(f"{key} does not begin with its win: {names}")
        if over not in (["leadership_ended"], ["resigned"], ["leadership_ended", "resigned"]):
            wrong.append(f"{key} does not end once: {names}")
        if "resigned" in names and names[-1] != "resigned":
            wrong.append(f"{key} goes on after its resignation: {names}")
    return wrong


class Counted:
    """An `AsyncElection` that counts its campaigns."""

    def __init__(self, made: AsyncElection) -> None:
        self.campaigns = 0
        self._made = made

    def __getattr__(self, name: str) -> Any:
        self.campaigns += name == "campaign"
        return getattr(self._made, name)


@pytest.mark.parametrize("met", cancellation.FAULTS, ids=str)
@pytest.mark.parametrize("job", cancellation.JOBS[:-1], ids=lambda job: job.__name__)
def test_asyncio_jobs_that_are_cancelled_at_any_await(
    job: cancellation.Job, met: cancellation.Met, monkeypatch: pytest.MonkeyPatch
) -> None:
    observed: list[tuple[Counted, Recorder]] = []

    def observed_election(world: World) -> Any:
        recorder = Recorder()
        made = Counted(original(world, observer=recorder))
        observed.append((made, recorder))
        return made

    original = World.election
    monkeypatch.setattr(World, "election", observed_election)
    _, awaits, _ = cancellation.run(job, met, lambda _: None)
    for number in range(1, awaits + 1):
        cancellation.run(job, met, cancellation.cancel_at(number))
    wrong = [faults_of(recorder, made.campaigns) for made, recorder in observed if is_job(recorder)]
    assert [each for each in wrong if each] == []
    assert wrong


def is_job(recorder: Recorder) -> bool:
    """Whether it observed a job, and not the dead leader that a world may begin with."""
    return not (len(recorder.events) == 1 and recorder.names == ["won"])


class Interrupted(MemoryStore):
    """A bucket in which Ctrl-C, or an error, comes at the request number `at`."""

    at = 0
    before = True
    error: BaseException = KeyboardInterrupt()

    def perform(self, request: StoreRequest) -> StoreAnswer:
        if len(self.requests) + 1 != self.at:
            return super().perform(request)
        if not self.before:
            super().perform(request)
        else:
            self.requests.append(request)
        raise self.error


def job(made: Election, clock: FakeClock) -> None:
    with made.campaign(TICK, wait=LEASE * 2) as term:  # type: ignore[union-attr]
        term.save({"a": 1})
        clock.advance(LEASE / 2)
        term.renew()


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), S3LeaderError("refused"), OSError("reset")], ids=repr
)
@pytest.mark.parametrize("at", range(1, 14))
def test_blocking_jobs_that_are_interrupted_at_any_request(
    at: int,
    error: BaseException,
    before: bool,  # noqa: FBT001 - a case
) -> None:
    clock, recorder = FakeClock(), Recorder()
    store = Interrupted(clock_ms=clock.read_ms)
    election("e", store=store, clock=clock, lease=LEASE).campaign()  # a leader that dies
    store.at, store.error, store.before = len(store.requests) + at, error, before
    made = election("e", store=store, clock=clock, lease=LEASE, observer=recorder)
    with suppress(KeyboardInterrupt, S3LeaderError):
        job(made, clock)
    assert faults_of(recorder, 1) == []


def test_a_campaign_whose_stop_is_set_before_it_begins_is_lost() -> None:
    recorder, stop = Recorder(), threading.Event()
    stop.set()
    election(observer=recorder).campaign(TICK, stop=stop)
    [(name, event)] = recorder.events
    assert (name, event.reason, event.requests) == ("campaign_lost", "stopped", 0)


def test_an_asyncio_campaign_whose_stop_is_set_before_it_begins_is_lost() -> None:
    recorder, world = Recorder(), World()

    async def main() -> None:
        stop = asyncio.Event()
        stop.set()
        await world.election(observer=recorder).campaign(TICK, stop=stop)

    world.run(main())
    assert [(name, event.reason) for name, event in recorder.events] == [
        ("campaign_lost", "stopped")
    ]


def test_threads_that_find_the_lease_over_at_once_report_it_once() -> None:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(50):
            clock, recorder = FakeClock(), Recorder()
            term = election(clock=clock, lease=LEASE, observer=recorder).campaign()
            assert isinstance(term, Term)
            clock.advance(LEASE)
            in_threads(term.ensure_held)
            assert recorder.names == ["won", "leadership_ended"]
    finally:
        sys.setswitchinterval(interval)


def in_threads(call: Callable[[], object], number: int = 4) -> None:
    barrier = threading.Barrier(number)

    def run() -> None:
        barrier.wait(SOON_S)
        with suppress(S3LeaderError):
            call()

    threads = [threading.Thread(target=run) for _ in range(number)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(SOON_S)


def test_a_leader_electors_terms_end_once() -> None:
    recorder, stop = Recorder(), threading.Event()
    made = election(observer=recorder, lease=LEASE)
    elector = LeaderElector(made, on_started_leading=lambda *_: stop.set())
    assert elector.run(stop)
    assert recorder.names == ["won", "resigned"]


def test_partitions_are_observed_each_at_its_address_and_slots_are_not() -> None:
    recorder, stop, store = Recorder(), threading.Event(), MemoryStore()
    made = [
        election(
            name,
            store=store,
            observer=recorder,
            lease=timedelta(seconds=5),
            poll=timedelta(milliseconds=100),
        )
        for name in ("a", "b")
    ]
    led: set[str] = set()

    def work(name: str, _: Term, ended: threading.Event) -> None:
        led.add(name)
        if len(led) == len(made):
            stop.set()
        ended.wait(SOON_S)

    Partitions(made, group="g", work=work).run(stop)
    assert {event.address for _, event in recorder.events} == {each.address for each in made}
    assert faults_of(recorder, sum(name in RESULTS for name in recorder.names)) == []
    assert {event.election for name, event in recorder.events if name == "resigned"} == led


def test_a_loss_that_is_noticed_while_another_thread_resigns_is_not_reported_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, recorder, looks = FakeClock(), Recorder(), iter(range(100))
    term = election(clock=clock, lease=LEASE, observer=recorder).campaign()
    assert isinstance(term, Term)
    clock.advance(LEASE)
    look = TermState._status_and_reason

    def slow_look(self: TermState) -> tuple[TermStatus, str]:
        found = look(self)
        if next(looks) == 1:  # `ensure_held` has found that the lease is over, and decides
            term.resign()
        return found

    monkeypatch.setattr(TermState, "_status_and_reason", slow_look)
    with pytest.raises(S3LeaderError):
        term.ensure_held()
    assert recorder.names == ["won", "resigned"]


def depose(store: MemoryStore) -> None:
    election("e", store=store).depose(reason="an operator", force=True)


def cut_off(store: MemoryStore) -> None:
    store.script(Fault.REQUEST_LOST, on=Replace, times=100_000)


TROUBLES = pytest.mark.parametrize(
    ("trouble", "cause"), [(depose, "changed"), (cut_off, "ran_out")]
)


class Ends(Observer):
    """Keeps the causes for which leadership has ended."""

    def __init__(self) -> None:
        self.causes: list[str] = []
        self.ended = threading.Event()

    def leadership_ended(self, event: LeadershipEnded) -> None:
        self.causes.append(event.cause)
        self.ended.set()


@TROUBLES
def test_an_asyncio_term_that_is_lost_while_a_task_renews_it_ends_once_and_says_why(
    trouble: Callable[[MemoryStore], None], cause: str
) -> None:
    ends, world = Ends(), World()
    made = world.election(observer=ends)

    async def lead() -> None:
        term = await made.campaign(TICK)
        assert term
        async with term, term.keep_renewing():
            trouble(world.store)
            await asyncio.sleep(120)

    with pytest.raises(LeadershipLost):
        world.run(lead())
    assert ends.causes == [cause]


@TROUBLES
def test_a_blocking_term_that_is_lost_while_a_thread_renews_it_ends_once_and_says_why(
    trouble: Callable[[MemoryStore], None], cause: str
) -> None:
    ends, store = Ends(), MemoryStore()
    lease = timedelta(seconds=2) if cause == "ran_out" else timedelta(minutes=1)
    made = election("e", store=store, observer=ends, lease=lease)

    def lead() -> None:
        term = made.campaign()
        assert isinstance(term, Term)
        with term, term.keep_renewing(timedelta(milliseconds=20)):
            trouble(store)
            assert ends.ended.wait(SOON_S)
            term.ensure_held()

    with pytest.raises(LeadershipLost):
        lead()
    assert ends.causes == [cause]
