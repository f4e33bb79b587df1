"""MemoryStore: what a test sees of it, and the faults that it can be told to have."""

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
    StoreRequest,
    Tag,
    Unknown,
)
from s3leader._io.memory_store import Fault, MemoryStore
from s3leader.errors import BucketUnusable, InvalidArgument


def created(store: MemoryStore, key: str = "a", body: bytes = b"first") -> str:
    answer = store.perform(Create(key, body))
    assert isinstance(answer, Applied)
    return answer.etag


def listed(store: MemoryStore, start_after: str | None = None) -> Listed:
    answer = store.perform(List("", start_after))
    assert isinstance(answer, Listed)
    return answer


# ----------------------------------------------------------------------------- what it shows


def test_requests_are_kept_in_order_whatever_came_of_them() -> None:
    store = MemoryStore()
    asked: list[StoreRequest] = [Read("a"), Create("a", b""), Create("a", b""), List("")]
    store.script(Fault.REQUEST_LOST, on=List)
    for request in asked:
        store.perform(request)
    assert store.requests == asked


def test_a_tag_is_visible() -> None:
    store = MemoryStore()
    created(store)
    store.perform(Tag("a"))
    assert store.tags("a") == {"superseded": "true"}


def test_an_object_has_no_tags_of_itself() -> None:
    store = MemoryStore()
    created(store)
    assert store.tags("a") == {}


def test_a_replaced_object_has_lost_its_tags() -> None:
    store = MemoryStore()
    etag = created(store)
    store.perform(Tag("a"))
    store.perform(Replace("a", b"second", etag))
    assert store.tags("a") == {}


def test_only_what_is_superseded_expires() -> None:
    store = MemoryStore()
    for key in ("a", "b", "c"):
        created(store, key)
    store.perform(Tag("b"))
    assert (store.expire_superseded(), store.keys()) == (("b",), ("a", "c"))


def test_an_expired_key_can_be_created_again() -> None:
    store = MemoryStore()
    created(store)
    store.perform(Tag("a"))
    store.expire_superseded()
    assert isinstance(store.perform(Create("a", b"")), Applied)


def test_its_clock_tells_whole_seconds() -> None:
    store = MemoryStore(clock_ms=lambda: 1_700_000_000_999)
    assert store.perform(Read("a")) == Missing(date_ms=1_700_000_000_000)


def test_an_object_keeps_the_time_it_was_last_written() -> None:
    now_ms = 1_700_000_000_000
    store = MemoryStore(clock_ms=lambda: now_ms)
    created(store)
    now_ms += 60_000
    store.perform(Tag("a"))
    found = store.perform(Read("a"))
    assert isinstance(found, Found)
    assert found.date_ms - found.modified_ms == 60_000


def test_a_request_waits_until_the_one_before_it_is_done() -> None:
    others: list[threading.Thread] = []
    waiting: list[bool] = []

    def clock_ms() -> int:
        if not others:  # within the first request, another comes
            others.append(threading.Thread(target=store.perform, args=(Read("a"),)))
            others[0].start()
            others[0].join(timeout=0.05)
            waiting.append(others[0].is_alive())
        return 0

    store = MemoryStore(clock_ms=clock_ms)
    store.perform(Read("a"))
    others[0].join()
    assert waiting == [True]


def test_a_page_is_as_long_as_it_is_told() -> None:
    store = MemoryStore(page_size=2)
    for key in ("c", "a", "b"):
        created(store, key)
    first, second = listed(store), listed(store, "b")
    assert [(first.keys, first.truncated), (second.keys, second.truncated)] == [
        (("a", "b"), True),
        (("c",), False),
    ]


def test_a_list_is_continued_by_the_token_of_the_page_before() -> None:
    store = MemoryStore(clock_ms=lambda: 0, page_size=2)
    for key in ("c", "a", "b"):
        created(store, key)
    rest = store.perform(List("", start_after="z", token=listed(store).next_token))
    assert rest == Listed(("c",), truncated=False, date_ms=0)


def test_a_token_that_no_page_gave_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="'b'"):
        MemoryStore().perform(List("", token="b"))


def test_a_page_holds_at_least_one_key() -> None:
    with pytest.raises(InvalidArgument):
        MemoryStore(page_size=0)


# --------------------------------------------------------------------------------- its faults


def test_a_lost_answer_leaves_the_write_done() -> None:
    store = MemoryStore()
    store.script(Fault.ANSWER_LOST)
    assert isinstance(store.perform(Create("a", b"first")), Unknown)
    assert store.body("a") == b"first"


@pytest.mark.parametrize("fault", [Fault.REQUEST_LOST, Fault.CONFLICTED, Fault.LATE])
def test_what_is_lost_or_conflicted_or_late_is_not_done(fault: Fault) -> None:
    store = MemoryStore()
    store.script(fault)
    assert isinstance(store.perform(Create("a", b"first")), Unknown)
    assert store.keys() == ()


def test_a_late_write_is_done_when_it_lands() -> None:
    store = MemoryStore()
    store.script(Fault.LATE)
    store.perform(Create("a", b"first"))
    store.land()
    assert store.body("a") == b"first"


def test_a_late_write_is_judged_when_it_lands() -> None:
    store = MemoryStore()
    store.script(Fault.LATE)
    store.perform(Create("a", b"late"))
    created(store)
    (unheard,) = store.land()
    assert isinstance(unheard, Conflict)


def test_a_late_write_lands_once() -> None:
    store = MemoryStore()
    store.script(Fault.LATE)
    store.perform(Create("a", b"first"))
    store.land()
    assert store.land() == ()


def test_a_refusal_is_raised_and_names_the_action() -> None:
    store = MemoryStore()
    store.script(Fault.REFUSED)
    with pytest.raises(BucketUnusable, match="s3:PutObject on arn:aws:s3:::memory/a"):
        store.perform(Create("a", b"first"))


def test_a_fault_befalls_the_type_of_request_it_is_meant_for() -> None:
    store = MemoryStore()
    store.script(Fault.REQUEST_LOST, on=Read)
    created(store)
    assert isinstance(store.perform(Read("a")), Unknown)


def test_a_fault_befalls_the_request_it_is_meant_for() -> None:
    store = MemoryStore()
    store.script(Fault.REQUEST_LOST, on=lambda request: request == Read("b"))
    answers = [store.perform(Read(key)) for key in ("a", "b", "c")]
    assert [isinstance(answer, Unknown) for answer in answers] == [False, True, False]


def test_a_fault_befalls_the_nth_and_as_many_as_it_is_told() -> None:
    store = MemoryStore()
    store.script(Fault.REQUEST_LOST, nth=2, times=2)
    answers = [store.perform(Read("a")) for _ in range(5)]
    assert [isinstance(answer, Unknown) for answer in answers] == [False, True, True, False, False]


def test_faults_strike_in_the_order_they_are_scripted() -> None:
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
