"""`FencedObject` refuses stale leaders, and applies every write at most once."""

from __future__ import annotations

import itertools
import json
from collections import deque
from collections.abc import Callable
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


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def document(store: MemoryStore) -> FencedObject:
    return fenced(store)


def now(document: FencedObject) -> Snapshot:
    found = document.read()
    assert found is not None
    return found


def test_reading_a_missing_object_returns_none(document: FencedObject) -> None:
    assert document.read() is None


def test_a_write_costs_one_request_and_is_read(store: MemoryStore, document: FencedObject) -> None:
    written = document.write({"parts": [1]}, token=3, after=None)
    assert [type(request) for request in store.requests] == [Create]
    assert document.read() == written == Snapshot({"parts": [1]}, 3, written.etag)
    assert json.loads(store.body(KEY)) == {"fencing_token": 3, "nonce": "n1", "parts": [1]}


def test_the_same_leader_may_write_an_equal_value_again(document: FencedObject) -> None:
    first = document.write({"n": 1}, token=3, after=None)
    second = document.write({"n": 1}, token=3, after=first)
    assert (second.value, second.etag != first.etag) == ({"n": 1}, True)


def test_a_value_that_recurs_is_not_taken_for_unchanged(document: FencedObject) -> None:
    first = document.write({"n": 1}, token=3, after=None)
    second = document.write({"n": 2}, token=3, after=first)
    document.write({"n": 1}, token=3, after=second)
    with pytest.raises(Overwritten):
        document.write({"n": 3}, token=3, after=first)


def test_an_object_created_meanwhile_is_not_overwritten(document: FencedObject) -> None:
    document.write({"n": 1}, token=3, after=None)
    with pytest.raises(Overwritten):
        document.write({"n": 2}, token=4, after=None)


def test_an_object_deleted_meanwhile_is_not_created_again(
    store: MemoryStore, document: FencedObject
) -> None:
    first = document.write({"n": 1}, token=3, after=None)
    store.delete(KEY)
    with pytest.raises(Overwritten):
        document.write({"n": 2}, token=3, after=first)


def test_a_lower_token_is_refused_with_both_tokens(document: FencedObject) -> None:
    old = document.write({"n": 1}, token=3, after=None)
    newest = document.write({"n": 2}, token=5, after=old)
    with pytest.raises(StaleToken) as refused:
        document.write({"n": 3}, token=3, after=old)
    assert (refused.value.token, refused.value.written_token) == (3, 5)
    with pytest.raises(StaleToken):
        document.write({"n": 3}, token=4, after=None)
    assert document.read() == newest


def test_a_stale_leader_that_has_read_the_newest_is_refused_unsent(
    store: MemoryStore, document: FencedObject
) -> None:
    newest = document.write({"n": 1}, token=5, after=None)
    store.requests.clear()
    with pytest.raises(StaleToken):
        document.write({"n": 2}, token=4, after=newest)
    assert store.requests == []


def test_a_claim_keeps_the_value_and_refuses_lower_tokens_from_then_on(
    document: FencedObject,
) -> None:
    old = document.write({"n": 1}, token=3, after=None)
    assert document.claim(4).value == {"n": 1}
    with pytest.raises(StaleToken):
        document.write({"n": 2}, token=3, after=old)
    with pytest.raises(StaleToken):
        document.claim(3)


def test_a_claim_creates_an_empty_object_and_a_second_one_writes_nothing(
    store: MemoryStore, document: FencedObject
) -> None:
    document.claim(4)
    assert (now(document).value, now(document).token) == ({}, 4)
    store.requests.clear()
    document.claim(4)
    assert store.requests == [Read(KEY)]


def test_a_claim_is_repeated_if_a_lower_token_writes_in_between(store: MemoryStore) -> None:
    old = fenced(store, nonce="old").claim(3)
    meanwhile = deque([lambda: fenced(store, nonce="older").write({"n": 1}, token=3, after=old)])

    class Between(MemoryStore):
        def perform(self, request: Any) -> Any:
            if isinstance(request, Replace) and meanwhile:
                meanwhile.popleft()()
            return store.perform(request)

    assert fenced(Between()).claim(4).value == {"n": 1}


@pytest.mark.parametrize(("bound", "expected_ms"), [(min, 12_750), (max, 25_500)])
def test_a_claim_gives_up_right_after_nine_tries(
    store: MemoryStore, bound: Callable[[float, float], float], expected_ms: int
) -> None:
    """The pauses between nine tries take 13 to 26 seconds; none follows the last try."""
    clock = FakeClock()
    began_ms = clock.ms
    store.put(KEY, b'{"fencing_token": 3}')

    class Overwriting:
        def perform(self, request: Any) -> Any:
            if isinstance(request, Replace):
                store.put(KEY, b'{"fencing_token": 3, "n": %d}' % len(store.requests))
            return store.perform(request)

    seams = Seams(store=Overwriting(), clock_ms=clock.read_ms, sleep=clock.sleep, uniform=bound)
    with pytest.raises(StoreUnavailable, match="each of 9 claims with fencing token 4"):
        FencedObject._with_seams(KEY, seams).claim(4)
    assert clock.ms - began_ms == expected_ms


@pytest.mark.parametrize("fault", [Fault.ANSWER_LOST, Fault.REQUEST_LOST, Fault.CONFLICTED])
@pytest.mark.parametrize("times", [1, 3])
def test_a_write_succeeds_despite_lost_requests_and_answers(
    store: MemoryStore, document: FencedObject, fault: Fault, times: int
) -> None:
    first = document.write({"n": 1}, token=3, after=None)
    store.script(fault, on=Replace, times=times)
    written = document.write({"n": 2}, token=3, after=first)
    assert document.read() == written


def test_a_read_is_repeated_until_it_is_answered(
    store: MemoryStore, document: FencedObject
) -> None:
    written = document.write({"n": 1}, token=3, after=None)
    store.script(Fault.REQUEST_LOST, on=Read, times=3)
    assert document.read() == written


def test_a_late_copy_of_a_settled_write_changes_nothing(
    store: MemoryStore, document: FencedObject
) -> None:
    first = document.write({"n": 1}, token=3, after=None)
    store.script(Fault.LATE, on=Replace)
    second = document.write({"n": 2}, token=3, after=first)
    third = document.write({"n": 3}, token=3, after=second)
    store.deliver_late()
    assert document.read() == third


def test_a_late_write_of_a_stale_leader_fails_once_the_object_is_claimed(
    store: MemoryStore,
) -> None:
    old = fenced(store, nonce="old").claim(3)
    store.script(Fault.LATE, on=Replace)
    with pytest.raises(StoreUnavailable):
        fenced(store, patience_ms=0).write({"n": 2}, token=3, after=old)
    claimed = fenced(store, nonce="new").claim(4)
    store.deliver_late()
    assert fenced(store).read() == claimed


def test_without_patience_a_write_is_sent_once_and_the_error_names_the_cause(
    store: MemoryStore,
) -> None:
    store.script(Fault.CONFLICTED, times=1000)
    with pytest.raises(StoreUnavailable, match="ConditionalRequestConflict"):
        fenced(store, patience_ms=0).write({}, token=3, after=None)
    assert len(store.requests) == 1


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
def test_an_object_without_a_valid_token_is_corrupt_and_not_overwritten_by_a_claim(
    store: MemoryStore, document: FencedObject, body: bytes, problem: str
) -> None:
    store.put(KEY, body)
    for access in (document.read, lambda: document.claim(3)):
        with pytest.raises(CorruptObject, match=f"{KEY} is not a fenced object: .*{problem}"):
            access()
    assert store.body(KEY) == body


def test_an_object_without_a_nonce_can_be_read(store: MemoryStore, document: FencedObject) -> None:
    store.put(KEY, b'{"fencing_token": 3, "parts": []}')
    assert now(document).value == {"parts": []}


@pytest.mark.parametrize(
    "value",
    [{"fencing_token": 3}, {"nonce": "x"}, {"f": float("nan")}, {"o": {1}}, {"b": b""}],
    ids=str,
)
def test_an_invalid_value_is_refused_unsent(
    store: MemoryStore, document: FencedObject, value: dict[str, object]
) -> None:
    with pytest.raises(InvalidArgument, match=KEY):
        document.write(value, token=3, after=None)
    assert store.requests == []


@pytest.mark.parametrize("token", [0, -1, True, 1.0])
def test_a_token_is_a_whole_number_from_one(document: FencedObject, token: Any) -> None:
    with pytest.raises(InvalidArgument, match=str(token)):
        document.write({}, token=token, after=None)


def test_the_key_must_not_be_empty() -> None:
    with pytest.raises(InvalidArgument, match="expected the key"):
        FencedObject("", bucket="data")


def stale_leaders(store: MemoryStore) -> tuple[Snapshot, bytes]:
    """Let term 1 write, then term 2. Return the version and the body of term 1."""
    document = fenced(store, nonce="stale")
    first = document.write({"by": 1}, token=1, after=None)
    old = store.body(KEY)
    document.write({"by": 2}, token=2, after=first)
    return first, old


def test_an_old_version_that_is_put_back_lets_a_stale_leader_in(store: MemoryStore) -> None:
    """Why there is `restore`: the same bytes have the same ETag."""
    first, old = stale_leaders(store)
    store.put(KEY, old)
    assert fenced(store).write({"by": "stale"}, token=1, after=first).token == 1


BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "as it is": lambda old: old,
    "corrupt": lambda _: b"{",
    "without a token": lambda _: b'{"by": 1}',
    "with an invalid token": lambda _: b'{"fencing_token": "2"}',
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_stale_leader_is_refused_after_a_restore(
    store: MemoryStore, document: FencedObject, broken: Callable[[bytes], bytes]
) -> None:
    first, old = stale_leaders(store)
    store.put(KEY, broken(old))
    restored = document.restore({"by": 1}, token=2)
    again = document.restore({"by": 1}, token=2)
    assert len({first.etag, restored.etag, again.etag}) == 3
    with pytest.raises(StaleToken):
        document.write({"by": "stale"}, token=1, after=first)


def test_a_deleted_object_is_restored_with_the_content_of_an_old_version(
    store: MemoryStore, document: FencedObject
) -> None:
    document.restore({"fencing_token": 1, "nonce": "old", "by": 1}, token=7)
    restored = now(document)
    assert (restored.value, restored.token) == ({"by": 1}, 7)
    assert b'"old"' not in store.body(KEY)
    assert document.claim(7) == restored


def test_a_restore_with_a_lower_token_is_refused_and_writes_nothing(
    store: MemoryStore, document: FencedObject
) -> None:
    stale_leaders(store)
    before = store.body(KEY)
    with pytest.raises(StaleToken, match="carries fencing token 2"):
        document.restore({"by": 1}, token=1)
    assert store.body(KEY) == before


def test_a_restore_that_conflicts_with_another_write_is_refused(store: MemoryStore) -> None:
    stale_leaders(store)

    class Meanwhile:
        def perform(self, request: Any) -> Any:
            answer = store.perform(request)
            if isinstance(request, Read) and b'"by":2' in store.body(KEY):
                store.put(KEY, b'{"fencing_token":2,"nonce":"n","by":3}')
            return answer

    with pytest.raises(Overwritten):
        fenced(Meanwhile()).restore({"by": 1}, token=2)


def test_a_restore_whose_answer_is_lost_is_recognised(
    store: MemoryStore, document: FencedObject
) -> None:
    store.put(KEY, b"{")
    store.script(Fault.ANSWER_LOST, on=Replace)
    assert document.restore({"by": 1}, token=2).value == {"by": 1}


def test_a_restore_needs_a_valid_token(document: FencedObject) -> None:
    with pytest.raises(InvalidArgument, match="0"):
        document.restore({}, token=0)


def test_a_corrupt_object_names_the_safe_way_to_restore_it(
    store: MemoryStore, document: FencedObject
) -> None:
    store.put(KEY, b"{")
    with pytest.raises(CorruptObject, match=r"FencedObject.restore\(value, token=…\)") as corrupt:
        document.read()
    assert "Do not put an old version back" in str(corrupt.value)


@pytest.mark.parametrize("value", [[1], "text", None, 1])
def test_only_a_dictionary_is_written(document: FencedObject, value: Any) -> None:
    refusal = r"expected a dictionary.*put other values under"
    with pytest.raises(InvalidArgument, match=refusal):
        document.write(value, token=1, after=None)
    with pytest.raises(InvalidArgument, match=refusal):
        document.restore(value, token=1)


@pytest.mark.parametrize("after", [{}, 1, "etag"])
def test_a_write_is_based_on_a_snapshot(document: FencedObject, after: Any) -> None:
    with pytest.raises(InvalidArgument, match="expected `after` to be a Snapshot"):
        document.write({}, token=1, after=after)


@pytest.mark.parametrize("key", ["", None, 1])
def test_a_key_is_a_text(key: Any) -> None:
    with pytest.raises(InvalidArgument, match="key: expected the key of an object"):
        FencedObject(key, bucket="b")


@pytest.mark.parametrize("value", [{"body": "text"}, {"body": {"key": "elsewhere"}}, {"body": {}}])
def test_an_object_may_have_a_body_of_its_own(document: FencedObject, value: Any) -> None:
    """Only one that names a body of `FencedBytes` at this key is theirs."""
    document.write(value, token=3, after=None)
    assert document.claim(4).value == value
