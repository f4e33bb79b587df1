"""MemoryStore: what a test sees of it, and the faults that a test can script."""

from __future__ import annotations

import threading

import pytest

from s3leader._core.requests import (
    Applied,
    Conflict,
    Create,
    Found,
    List,
    Listed,
    Missing,
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


def list_keys(store: MemoryStore, start_after: str | None = None) -> Listed:
    answer = store.perform(List("", start_after))
    assert isinstance(answer, Listed)
    return answer


def store_with(*keys: str, page_size: int = 1000) -> MemoryStore:
    store = MemoryStore(clock_ms=lambda: 0, page_size=page_size)
    for key in keys:
        create(store, key)
    return store


# ------------------------------------------------------------------------- what a test can see


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


def test_a_deleted_key_can_be_created_again() -> None:
    store = store_with("a", "b")
    store.delete("a")
    assert isinstance(store.perform(Create("a", b"")), Applied)


def test_its_clock_shows_whole_seconds() -> None:
    store = MemoryStore(clock_ms=lambda: 1_700_000_000_999)
    assert store.perform(Read("a")) == Missing(date_ms=1_700_000_000_000)


def test_an_object_keeps_the_time_at_which_it_was_written() -> None:
    now_ms = 1_700_000_000_000
    store = MemoryStore(clock_ms=lambda: now_ms)
    create(store)
    now_ms += 60_000
    store.perform(Tag("a"))
    found = store.perform(Read("a"))
    assert isinstance(found, Found)
    assert found.date_ms - found.modified_ms == 60_000


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


def test_a_page_has_at_most_page_size_keys() -> None:
    store = store_with("c", "a", "b", page_size=2)
    first, second = list_keys(store), list_keys(store, "b")
    assert [(first.keys, first.truncated), (second.keys, second.truncated)] == [
        (("a", "b"), True),
        (("c",), False),
    ]


def test_a_page_that_ends_with_the_prefix_is_the_last() -> None:
    store = store_with("a1", "a2", "b", page_size=2)
    assert store.perform(List("a")) == Listed(("a1", "a2"), truncated=False, date_ms=0)


def test_a_token_continues_the_list_and_start_after_is_ignored() -> None:
    store = store_with("c", "a", "b", page_size=2)
    rest = store.perform(List("", start_after="z", token=list_keys(store).next_token))
    assert rest == Listed(("c",), truncated=False, date_ms=0)


def test_a_token_that_no_page_gave_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="'b'"):
        MemoryStore().perform(List("", token="b"))


def test_a_page_size_of_zero_is_refused() -> None:
    with pytest.raises(InvalidArgument):
        MemoryStore(page_size=0)


# -------------------------------------------------------------------------------------- faults


@pytest.mark.parametrize("fault", [Fault.ANSWER_LOST, Fault.ECHOED])
def test_a_create_whose_first_answer_is_lost_is_applied(fault: Fault) -> None:
    store = MemoryStore()
    store.script(fault)
    assert isinstance(store.perform(Create("a", b"first")), Unknown | Conflict)
    assert store.body("a") == b"first"


@pytest.mark.parametrize("fault", [Fault.REQUEST_LOST, Fault.CONFLICTED, Fault.LATE])
def test_a_write_that_is_lost_or_conflicted_or_late_is_not_applied(fault: Fault) -> None:
    store = MemoryStore()
    store.script(fault)
    assert isinstance(store.perform(Create("a", b"first")), Unknown)
    assert store.keys() == ()


def test_a_late_write_is_applied_once_when_it_is_delivered() -> None:
    store = MemoryStore()
    store.script(Fault.LATE)
    store.perform(Create("a", b"first"))
    store.deliver_late()
    assert (store.body("a"), store.deliver_late()) == (b"first", ())


def test_the_condition_of_a_late_write_is_checked_when_it_is_delivered() -> None:
    store = MemoryStore()
    store.script(Fault.LATE)
    store.perform(Create("a", b"late"))
    create(store)
    (answer,) = store.deliver_late()
    assert isinstance(answer, Conflict)


def test_a_refusal_is_raised_and_names_the_action() -> None:
    store = MemoryStore()
    store.script(Fault.REFUSED)
    with pytest.raises(BucketUnusable, match="s3:PutObject on arn:aws:s3:::memory/a"):
        store.perform(Create("a", b"first"))


def test_a_fault_can_be_scripted_for_a_type_of_request() -> None:
    store = MemoryStore()
    store.script(Fault.REQUEST_LOST, on=Read)
    create(store)
    assert isinstance(store.perform(Read("a")), Unknown)


def test_a_fault_can_be_scripted_for_one_request() -> None:
    store = MemoryStore()
    store.script(Fault.REQUEST_LOST, on=lambda request: request == Read("b"))
    answers = [store.perform(Read(key)) for key in ("a", "b", "c")]
    assert [isinstance(answer, Unknown) for answer in answers] == [False, True, False]


def test_a_fault_starts_at_the_nth_request_and_strikes_as_often_as_scripted() -> None:
    store = MemoryStore()
    store.script(Fault.REQUEST_LOST, nth=2, times=2)
    answers = [store.perform(Read("a")) for _ in range(5)]
    assert [isinstance(answer, Unknown) for answer in answers] == [False, True, True, False, False]


def test_cleared_faults_do_not_strike() -> None:
    store = MemoryStore()
    store.script(Fault.REQUEST_LOST)
    store.clear_faults()
    assert isinstance(store.perform(Read("a")), Missing)


def test_faults_strike_in_the_order_in_which_they_were_scripted() -> None:
    store = MemoryStore()
    store.script(Fault.ANSWER_LOST)
    store.script(Fault.REQUEST_LOST)
    store.perform(Create("a", b""))
    store.perform(Create("b", b""))
    assert store.keys() == ("a",)


@pytest.mark.parametrize(("nth", "times"), [(0, 1), (1, 0)])
def test_faults_are_counted_from_one(nth: int, times: int) -> None:
    with pytest.raises(InvalidArgument):
        MemoryStore().script(Fault.LATE, nth=nth, times=times)
