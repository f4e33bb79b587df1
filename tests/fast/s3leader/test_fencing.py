"""`FencedObject` refuses stale leaders, and applies every write at most once."""

from __future__ import annotations

import itertools
import json
from collections import deque
from typing import Any

import pytest

from s3leader._core.requests import Create, Read, Replace, Store
from s3leader._io.memory_store import Fault, MemoryStore
from s3leader._io.seams import Seams
from s3leader.errors import (
    CorruptObject,
    InvalidArgument,
    Overwritten,
    StaleToken,
    StoreUnavailable,
)
from s3leader.fencing import FencedObject, Snapshot
from s3leader.testing import FakeClock

KEY = "compacted/manifest.json"


def fenced(store: Store, *, nonce: str = "n", patience_ms: int = 30_000) -> FencedObject:
    """Return a fenced object whose time passes only by sleeping."""
    clock, numbers = FakeClock(), itertools.count(1)
    seams = Seams(
        store=store,
        clock_ms=clock.read_ms,
        sleep=clock.sleep,
        nonce=lambda: f"{nonce}{next(numbers)}",
    )
    return FencedObject._with_seams(KEY, seams, patience_ms=patience_ms)


def put(store: MemoryStore, body: bytes) -> None:
    store.perform(Create(KEY, body))


# --------------------------------------------------------------------------- reading and writing


def test_reading_a_missing_object_returns_none() -> None:
    assert fenced(MemoryStore()).read() is None


def test_read_returns_the_written_version() -> None:
    document = fenced(MemoryStore())
    written = document.write({"parts": [1]}, token=3, after=None)
    assert document.read() == written == Snapshot({"parts": [1]}, 3, written.etag)


def test_the_body_carries_token_and_nonce() -> None:
    store = MemoryStore()
    fenced(store).write({"parts": []}, token=3, after=None)
    assert json.loads(store.body(KEY)) == {"fencing_token": 3, "nonce": "n1", "parts": []}


def test_the_same_leader_may_write_again() -> None:
    document = fenced(MemoryStore())
    first = document.write({"n": 1}, token=3, after=None)
    assert document.write({"n": 2}, token=3, after=first).value == {"n": 2}


def test_a_write_that_succeeds_costs_one_request() -> None:
    store = MemoryStore()
    fenced(store).write({}, token=3, after=None)
    assert [type(request) for request in store.requests] == [Create]


def test_equal_values_have_different_etags() -> None:
    document = fenced(MemoryStore())
    first = document.write({"n": 1}, token=3, after=None)
    second = document.write({"n": 1}, token=3, after=first)
    assert first.etag != second.etag


def test_a_value_that_recurs_is_not_taken_for_unchanged() -> None:
    document = fenced(MemoryStore())
    first = document.write({"n": 1}, token=3, after=None)
    second = document.write({"n": 2}, token=3, after=first)
    document.write({"n": 1}, token=3, after=second)
    with pytest.raises(Overwritten):
        document.write({"n": 3}, token=3, after=first)


def test_an_object_created_meanwhile_is_not_overwritten() -> None:
    document = fenced(MemoryStore())
    document.write({"n": 1}, token=3, after=None)
    with pytest.raises(Overwritten):
        document.write({"n": 2}, token=4, after=None)


def test_an_object_deleted_meanwhile_is_not_created_again() -> None:
    store = MemoryStore()
    first = fenced(store).write({"n": 1}, token=3, after=None)
    with pytest.raises(Overwritten):
        fenced(MemoryStore()).write({"n": 2}, token=3, after=first)


# ------------------------------------------------------------------------------- stale leaders


def test_a_lower_token_is_refused_with_both_tokens() -> None:
    document = fenced(MemoryStore())
    old = document.write({"n": 1}, token=3, after=None)
    document.write({"n": 2}, token=5, after=old)
    with pytest.raises(StaleToken) as refused:
        document.write({"n": 3}, token=3, after=old)
    assert (refused.value.token, refused.value.written_token) == (3, 5)


def test_a_stale_leader_that_has_read_the_newest_is_refused_unsent() -> None:
    store = MemoryStore()
    newest = fenced(store).write({"n": 1}, token=5, after=None)
    store.requests.clear()
    with pytest.raises(StaleToken):
        fenced(store).write({"n": 2}, token=4, after=newest)
    assert store.requests == []


def test_a_refused_write_changes_nothing() -> None:
    document = fenced(MemoryStore())
    newest = document.write({"n": 1}, token=5, after=None)
    with pytest.raises(StaleToken):
        document.write({"n": 2}, token=4, after=None)
    assert document.read() == newest


def test_a_claim_refuses_lower_tokens_from_then_on() -> None:
    document = fenced(MemoryStore())
    old = document.write({"n": 1}, token=3, after=None)
    document.claim(4)
    with pytest.raises(StaleToken):
        document.write({"n": 2}, token=3, after=old)


def test_a_claim_keeps_the_value() -> None:
    document = fenced(MemoryStore())
    document.write({"n": 1}, token=3, after=None)
    assert document.claim(4).value == {"n": 1}


def test_a_claim_creates_an_empty_object() -> None:
    document = fenced(MemoryStore())
    document.claim(4)
    now = document.read()
    assert now is not None
    assert (now.value, now.token) == ({}, 4)


def test_a_second_claim_with_the_same_token_writes_nothing() -> None:
    store = MemoryStore()
    document = fenced(store)
    document.claim(4)
    store.requests.clear()
    document.claim(4)
    assert store.requests == [Read(KEY)]


def test_a_stale_leader_cannot_claim() -> None:
    document = fenced(MemoryStore())
    document.claim(4)
    with pytest.raises(StaleToken):
        document.claim(3)


def test_a_claim_is_repeated_if_a_lower_token_writes_in_between() -> None:
    store = MemoryStore()
    old = fenced(store, nonce="old").claim(3)
    meanwhile = deque([lambda: fenced(store, nonce="older").write({"n": 1}, token=3, after=old)])

    class Between(MemoryStore):
        def perform(self, request: Any) -> Any:
            if isinstance(request, Replace) and meanwhile:
                meanwhile.popleft()()
            return store.perform(request)

    assert fenced(Between()).claim(4).value == {"n": 1}


# ---------------------------------------------------------------------------- unknown outcomes


@pytest.mark.parametrize("fault", [Fault.ANSWER_LOST, Fault.REQUEST_LOST, Fault.CONFLICTED])
@pytest.mark.parametrize("times", [1, 3])
def test_a_write_succeeds_despite_lost_requests_and_answers(fault: Fault, times: int) -> None:
    store = MemoryStore()
    document = fenced(store)
    first = document.write({"n": 1}, token=3, after=None)
    store.script(fault, on=Replace, times=times)
    written = document.write({"n": 2}, token=3, after=first)
    assert document.read() == written


def test_a_read_is_repeated_until_it_is_answered() -> None:
    store = MemoryStore()
    document = fenced(store)
    written = document.write({"n": 1}, token=3, after=None)
    store.script(Fault.REQUEST_LOST, on=Read, times=3)
    assert document.read() == written


def test_a_late_copy_of_a_settled_write_changes_nothing() -> None:
    store = MemoryStore()
    document = fenced(store)
    first = document.write({"n": 1}, token=3, after=None)
    store.script(Fault.LATE, on=Replace)
    second = document.write({"n": 2}, token=3, after=first)
    third = document.write({"n": 3}, token=3, after=second)
    store.deliver_late()
    assert document.read() == third


def test_a_late_write_of_a_stale_leader_fails_once_the_object_is_claimed() -> None:
    store = MemoryStore()
    old = fenced(store, nonce="old").claim(3)
    store.script(Fault.LATE, on=Replace)
    with pytest.raises(StoreUnavailable):
        fenced(store, patience_ms=0).write({"n": 2}, token=3, after=old)
    claimed = fenced(store, nonce="new").claim(4)
    store.deliver_late()
    assert fenced(store).read() == claimed


def test_store_unavailable_names_the_cause() -> None:
    store = MemoryStore()
    store.script(Fault.CONFLICTED, on=Create, times=1000)
    with pytest.raises(StoreUnavailable, match="ConditionalRequestConflict"):
        fenced(store).write({}, token=3, after=None)


def test_without_patience_a_write_is_sent_once() -> None:
    store = MemoryStore()
    store.script(Fault.REQUEST_LOST, times=1000)
    with pytest.raises(StoreUnavailable):
        fenced(store, patience_ms=0).write({}, token=3, after=None)
    assert len(store.requests) == 1


# -------------------------------------------------------------------- invalid objects and arguments


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "expected JSON"),
        (b"\xff", "expected JSON"),
        (b"{", "expected JSON"),
        (b"[" * 100_000, "expected JSON"),
        (b"[1]", "expected a JSON object, got a list"),
        (b"{}", '"fencing_token" to be a whole number from 1, got None'),
        (b'{"fencing_token": "3"}', "got '3'"),
        (b'{"fencing_token": true}', "got True"),
        (b'{"fencing_token": 0}', "got 0"),
        (b'{"fencing_token": []}', "got a list"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_an_object_without_a_valid_token_is_corrupt(body: bytes, problem: str) -> None:
    store = MemoryStore()
    put(store, body)
    with pytest.raises(CorruptObject, match=f"{KEY} is not a fenced object: .*{problem}"):
        fenced(store).read()


def test_a_corrupt_object_is_not_overwritten_by_a_claim() -> None:
    store = MemoryStore()
    put(store, b"[1]")
    with pytest.raises(CorruptObject):
        fenced(store).claim(3)
    assert store.body(KEY) == b"[1]"


def test_an_object_without_a_nonce_can_be_read() -> None:
    store = MemoryStore()
    put(store, b'{"fencing_token": 3, "parts": []}')
    now = fenced(store).read()
    assert now is not None
    assert now.value == {"parts": []}


@pytest.mark.parametrize(
    "value",
    [{"fencing_token": 3}, {"nonce": "x"}, {"f": float("nan")}, {"o": {1}}, {"b": b""}],
    ids=str,
)
def test_an_invalid_value_is_refused_unsent(value: dict[str, object]) -> None:
    store = MemoryStore()
    with pytest.raises(InvalidArgument, match=KEY):
        fenced(store).write(value, token=3, after=None)
    assert store.requests == []


@pytest.mark.parametrize("token", [0, -1, True, 1.0])
def test_a_token_is_a_whole_number_from_one(token: Any) -> None:
    with pytest.raises(InvalidArgument, match=str(token)):
        fenced(MemoryStore()).write({}, token=token, after=None)


def test_the_key_must_not_be_empty() -> None:
    with pytest.raises(InvalidArgument, match="expected the key"):
        FencedObject("", bucket="data")
