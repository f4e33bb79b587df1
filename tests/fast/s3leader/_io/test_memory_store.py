"""MemoryStore: what a test sees of it, and the faults that a test can script."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from s3leader._core.requests import (
    Applied,
    Conflict,
    Create,
    Found,
    List,
    Listed,
    Read,
    Replace,
    StoreAnswer,
    StoreRequest,
    Tag,
    Unknown,
)
from s3leader._io.memory_store import Fault, MemoryStore
from s3leader.errors import BucketUnusable, InvalidArgument


def create(store: MemoryStore, key: str = "a", body: bytes = b"first") -> str:
    answer = store.perform(Create(key, body))
    assert isinstance(answer, Applied)
    return answer.etag


def store_with(*keys: str, page_size: int = 1000) -> MemoryStore:
    store = MemoryStore(clock_ms=lambda: 0, page_size=page_size)
    for key in keys:
        create(store, key)
    return store


def test_requests_are_recorded_in_order_with_those_that_fail() -> None:
    store = MemoryStore()
    sent: list[StoreRequest] = [Read("a"), Create("a", b""), Create("a", b""), List("")]
    store.script(Fault.REQUEST_LOST, on=List)
    for request in sent:
        store.perform(request)
    assert store.requests == sent


def test_the_observer_sees_what_the_bucket_performs_even_if_the_client_does_not() -> None:
    seen: list[tuple[StoreRequest, StoreAnswer]] = []
    store = MemoryStore(clock_ms=lambda: 0, observer=lambda *both: seen.append(both))
    store.script(Fault.REQUEST_LOST, on=Read)
    store.script(Fault.ECHOED, on=Create)
    for request in (Read("a"), Create("a", b"first")):
        store.perform(request)
    assert [(request, type(answer)) for request, answer in seen] == [
        (Create("a", b"first"), Applied),
        (Create("a", b"first"), Conflict),
    ]


def test_a_replace_removes_the_tags() -> None:
    store = MemoryStore()
    etag = create(store)
    tags = [store.tags("a")]
    store.perform(Tag("a"))
    tags.append(store.tags("a"))
    store.perform(Replace("a", b"second", etag))
    assert [*tags, store.tags("a")] == [{}, {"superseded": "true"}, {}]


def test_an_unconditional_put_replaces_and_is_no_request() -> None:
    store = store_with("a")
    store.put("a", b"foreign")
    store.put("b", b"foreign")
    assert (store.body("a"), store.keys(), len(store.requests)) == (b"foreign", ("a", "b"), 1)


def test_only_superseded_objects_expire() -> None:
    store = store_with("a", "b", "c")
    store.perform(Tag("b"))
    assert (store.expire_superseded(), store.keys()) == (("b",), ("a", "c"))


def test_date_and_last_modified_are_separate_readings_of_the_clock() -> None:
    readings = iter([2_000, 1_000, 1_000])  # Last-Modified, Date of the create, Date of the read
    store = MemoryStore(clock_ms=lambda: next(readings))
    create(store)
    found = store.perform(Read("a"))
    assert isinstance(found, Found)
    assert (found.modified_ms, found.date_ms) == (2_000, 1_000)


def test_a_request_waits_until_the_one_before_it_is_done() -> None:
    others: list[threading.Thread] = []
    waiting: list[bool] = []

    def clock_ms() -> int:
        if not others:  # during the first request, another comes
            others.append(threading.Thread(target=store.perform, args=(Read("a"),)))
            others[0].start()
            others[0].join(timeout=0.05)
            waiting.append(others[0].is_alive())
        return 0

    store = MemoryStore(clock_ms=clock_ms)
    store.perform(Read("a"))
    others[0].join()
    assert waiting == [True]


def test_a_page_has_at_most_page_size_keys_and_a_token_continues_it() -> None:
    store = store_with("c", "a", "b", page_size=2)
    first = store.perform(List(""))
    assert isinstance(first, Listed)
    assert (first.keys, first.truncated) == (("a", "b"), True)
    rest = Listed(("c",), truncated=False, date_ms=0)
    assert store.perform(List("", "b")) == rest
    assert store.perform(List("", start_after="z", token=first.next_token)) == rest


def test_a_page_that_ends_with_the_prefix_is_the_last() -> None:
    store = store_with("a1", "a2", "b", page_size=2)
    assert store.perform(List("a")) == Listed(("a1", "a2"), truncated=False, date_ms=0)


@pytest.mark.parametrize(
    "call",
    [
        lambda: MemoryStore(page_size=0),
        lambda: MemoryStore().script(Fault.LATE, nth=0),
        lambda: MemoryStore().script(Fault.LATE, times=0),
    ],
    ids=["page_size", "nth", "times"],
)
def test_an_invalid_argument_is_refused(call: Callable[[], object]) -> None:
    with pytest.raises(InvalidArgument):
        call()


@pytest.mark.parametrize(
    ("fault", "keys"),
    [
        (Fault.ANSWER_LOST, ("a",)),
        (Fault.ECHOED, ("a",)),
        (Fault.REQUEST_LOST, ()),
        (Fault.CONFLICTED, ()),
        (Fault.LATE, ()),
    ],
)
def test_a_create_that_meets_a_fault_is_applied_or_not(fault: Fault, keys: tuple[str, ...]) -> None:
    store = MemoryStore()
    store.script(fault)
    answer = store.perform(Create("a", b"first"))
    assert isinstance(answer, Conflict if fault is Fault.ECHOED else Unknown)
    assert store.keys() == keys


def test_late_writes_are_applied_once_and_on_their_condition_when_they_are_delivered() -> None:
    store = MemoryStore()
    store.script(Fault.LATE, times=2)
    store.perform(Create("a", b"late"))
    store.perform(Create("b", b"late"))
    create(store)
    assert [type(answer) for answer in store.deliver_late()] == [Conflict, Applied]
    assert (store.body("a"), store.body("b"), store.deliver_late()) == (b"first", b"late", ())


def test_a_refusal_is_raised_and_names_the_action() -> None:
    store = MemoryStore()
    store.script(Fault.REFUSED)
    with pytest.raises(BucketUnusable, match="s3:PutObject on arn:aws:s3:::memory/a"):
        store.perform(Create("a", b"first"))


@pytest.mark.parametrize(
    ("scripted", "met"),
    [
        ({"on": List}, ""),
        ({"on": Read}, "a"),
        ({"on": lambda request: request == Read("c")}, "c"),
        ({"nth": 2, "times": 2}, "bc"),
    ],
    ids=["another type", "type", "predicate", "nth and times"],
)
def test_a_fault_is_met_by_the_requests_that_it_is_scripted_for(
    scripted: dict[str, object], met: str
) -> None:
    store = MemoryStore()
    store.script(Fault.REQUEST_LOST, **scripted)  # type: ignore[arg-type]
    answers = {key: store.perform(Read(key)) for key in "abcde"}
    assert [key for key, answer in answers.items() if isinstance(answer, Unknown)] == [*met]


def test_faults_are_met_in_the_order_in_which_they_were_scripted() -> None:
    store = MemoryStore()
    store.script(Fault.ANSWER_LOST)
    store.script(Fault.REQUEST_LOST)
    store.perform(Create("a", b""))
    store.perform(Create("b", b""))
    assert store.keys() == ("a",)
