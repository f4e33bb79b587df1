"""`Partitions` with its threads, in real time, over a store in memory that workers share."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from s3leader import BucketUnusable, Election, InvalidArgument, Partitions, Term, testing
from s3leader._core.requests import StoreRequest
from s3leader._io.memory_store import Fault, MemoryStore

SOON = 30.0  # seconds; only a failing test takes as long
NAMES = ("a", "b", "c", "d")
OUTLIVES = """
import sys
import threading
from datetime import timedelta
from s3leader import Partitions, testing

main, stop, led = threading.main_thread(), threading.Event(), threading.Barrier(3)
store, lease = testing.MemoryStore(), timedelta(seconds=1)
elections = [testing.election(name, store=store, lease=lease) for name in "ab"]

def work(name, term, stopped):
    led.wait()
    main.join()
    before = term.lock.renewals
    while term.held and term.lock.renewals < before + 2:
        stopped.wait(0.01)
    sys.stdout.write("held\\n" if term.held else "lost\\n")  # one write: threads share it
    stop.set()
    stopped.wait()

def run():
    Partitions(elections, group="group", work=work).run(stop)
    print(*(each.observe().outcome for each in elections), sep="\\n")

threading.Thread(target=run).start()
led.wait()
"""


def elections(store: MemoryStore, names: tuple[str, ...] = NAMES) -> list[Election]:
    return [
        testing.election(
            name, store=store, lease=timedelta(seconds=5), poll=timedelta(milliseconds=100)
        )
        for name in names
    ]


def eventually(is_true: Callable[[], bool]) -> bool:
    pause = threading.Event()
    for _ in range(round(SOON / 0.01)):
        if is_true():
            return True
        pause.wait(0.01)
    return False


class Process:
    """A process that runs `Partitions`; `running` are the partitions whose work has not ended."""

    def __init__(self, store: MemoryStore, **options: Any) -> None:
        self.stop = threading.Event()
        self.running: set[str] = set()
        self.stopped: list[tuple[str, bool]] = []
        self.errors: list[tuple[str, BaseException]] = []
        self.raised: BaseException | None = None
        options = {"work": self._work, "on_error": self._report, **options}
        self.partitions = Partitions(elections(store), group="group", **options)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _work(self, name: str, term: Term, stop: threading.Event) -> None:
        self.running.add(name)
        assert stop.wait(SOON)
        self.stopped.append((name, term.held))
        self.running.remove(name)

    def _report(self, name: str, error: BaseException) -> None:
        self.errors.append((name, error))

    def _run(self) -> None:
        try:
            self.partitions.run(self.stop)
        except BaseException as error:  # noqa: BLE001 - the test asserts which
            self.raised = error

    def end(self) -> None:
        self.stop.set()
        self.thread.join(SOON)
        assert not self.thread.is_alive()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def test_a_worker_alone_leads_all_and_gives_all_up_when_it_is_stopped(store: MemoryStore) -> None:
    process = Process(store)
    assert eventually(lambda: process.running == {*NAMES})
    assert eventually(lambda: process.partitions.leading == {*NAMES})
    process.end()
    heads = [one.observe() for one in elections(store)]
    assert sorted(process.stopped) == [(name, True) for name in NAMES]
    assert [(one.outcome, one.reason) for one in heads if one] == [("resigned", "given up")] * 4
    assert process.partitions.leading == frozenset()


def test_two_workers_share_and_the_one_that_remains_leads_all(store: MemoryStore) -> None:
    first = Process(store)
    assert eventually(lambda: len(first.running) == 4)
    second = Process(store)
    assert eventually(lambda: len(first.running) == len(second.running) == 2)
    assert first.running | second.running == {*NAMES}
    first.end()
    assert eventually(lambda: len(second.running) == 4)
    second.end()


def test_work_that_raises_is_reported_and_the_other_partitions_go_on(store: MemoryStore) -> None:
    running: set[str] = set()

    def work(name: str, _: Term, stop: threading.Event) -> None:
        if name == "b":
            raise ZeroDivisionError("no such thing")
        running.add(name)
        stop.wait(SOON)

    process = Process(store, work=work)
    assert eventually(lambda: len(process.errors) >= 2)
    process.end()
    outcomes = [lock.outcome for lock in elections(store)[1].history()]
    assert (running, {name for name, _ in process.errors}) == ({"a", "c", "d"}, {"b"})
    assert {*outcomes} <= {"failed", "resigned"}
    assert "failed" in outcomes


def test_a_partition_whose_work_returned_is_led_until_the_end(store: MemoryStore) -> None:
    process = Process(store, work=lambda *_: None)
    assert eventually(lambda: process.partitions.leading == {*NAMES})
    process.end()
    assert ([len(one.history()) for one in elections(store)], process.errors) == ([1] * 4, [])


def test_on_error_that_raises_changes_nothing(store: MemoryStore) -> None:
    store.put("elections/b/lock_0000000001.json", b"[]")
    process = Process(store)

    def on_error(name: str, error: BaseException) -> None:
        raise ZeroDivisionError

    process.partitions._on_error = on_error
    assert eventually(lambda: process.running == {"a", "c", "d"})
    process.end()


def test_a_partition_that_is_refused_is_reported_and_the_others_go_on(store: MemoryStore) -> None:
    def is_b(request: StoreRequest) -> bool:
        return "elections/b/" in getattr(request, "key", getattr(request, "prefix", ""))

    store.script(Fault.REFUSED, on=is_b, times=1_000_000)
    process = Process(store)
    assert eventually(lambda: process.running == {"a", "c", "d"} and len(process.errors) > 0)
    process.end()
    assert {(name, type(error)) for name, error in process.errors} == {("b", BucketUnusable)}


def test_a_bucket_that_refuses_the_group_is_an_error(store: MemoryStore) -> None:
    store.script(Fault.REFUSED, times=1_000_000)
    process = Process(store)
    process.thread.join(SOON)
    assert isinstance(process.raised, BucketUnusable)


def test_an_exception_in_the_thread_of_run_gives_all_up(store: MemoryStore) -> None:
    class Interrupted(BaseException):
        """As KeyboardInterrupt, which a test cannot raise in another thread."""

    process = Process(store)

    def is_set() -> bool:
        if len(process.running) == 4:
            raise Interrupted
        return False

    process.stop.is_set = is_set  # type: ignore[method-assign]
    process.thread.join(SOON)
    heads = [one.observe() for one in elections(store)]
    assert isinstance(process.raised, Interrupted)
    assert all(one is not None and one.sealed for one in heads)


def test_work_whose_thread_cannot_start_leaves_no_lock_behind(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_thread(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("s3leader.partitions.ThreadedWork", no_thread)
    process = Process(store)
    assert eventually(lambda: len(process.errors) >= 4)
    process.end()
    heads = [one.observe() for one in elections(store)]
    assert {one.outcome for one in heads if one} == {"failed"}


def test_on_error_that_exits_leaves_nothing_running_for_ever(store: MemoryStore) -> None:
    """In a thread of the pool, where `sys.exit` ends nothing else either."""

    def on_error(name: str, error: BaseException) -> None:
        reported.set()
        sys.exit(1)

    reported = threading.Event()
    store.put("elections/b/lock_0000000001.json", b"[]")
    process = Process(store, on_error=on_error)
    assert reported.wait(SOON)
    process.end()
    assert process.raised is None


def test_a_group_that_outlives_the_main_thread_goes_on_and_gives_all_up() -> None:
    """The executors of a process accept nothing more once its main thread has ended."""
    done = subprocess.run(
        [sys.executable, "-c", OUTLIVES], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout.splitlines(), done.stderr) == (["held", "held", "resigned", "resigned"], "")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"elections": []}, "expected one election or more, got none"),
        ({"elections": ["a", "b", "a"]}, "got 2 with the name 'a'"),
        ({"elections": ["group/member-003"]}, "choose another group than 'group'"),
        ({"group": "no good"}, "election name 'no good/member-000' has the segment 'no good'"),
        ({"max_share": 0}, "expected max_share to be a whole number from 1, or None, got 0"),
        ({"max_share": True}, "got True"),
        ({"max_workers": 1001}, "expected max_workers to be a whole number from 1 to 1000"),
        ({"max_workers": None}, "got None"),
    ],
)
def test_values_that_cannot_be_used_are_refused(options: dict[str, Any], text: str) -> None:
    store = MemoryStore()
    names = options.pop("elections", NAMES)
    arguments: dict[str, Any] = {"group": "group", "work": lambda *_: None} | options
    with pytest.raises(InvalidArgument, match=text.replace("(", r"\(")):
        Partitions(elections(store, tuple(names)), **arguments)
    assert store.requests == []


def test_elections_with_different_leases_are_refused() -> None:
    """All are renewed, and the slots are read, by one schedule."""
    others = [testing.election("z"), *elections(MemoryStore())]
    with pytest.raises(InvalidArgument, match="got 0:00:30 for 'z' and 0:00:05 for 'a'"):
        Partitions(others, group="group", work=lambda *_: None)


def test_slots_are_like_the_first_election() -> None:
    store = MemoryStore()
    first = testing.election(
        "a", store=store, prefix="here/", lease=timedelta(seconds=7), candidate="me"
    )
    made = Partitions([first], group="orders", work=lambda *_: None, max_workers=2)
    configs = [slot.config for slot in made._slots]
    assert [one.name for one in configs] == ["orders/member-000", "orders/member-001"]
    assert {(one.prefix, one.lease, one.candidate) for one in configs} == {
        ("here/", timedelta(seconds=7), "me")
    }
