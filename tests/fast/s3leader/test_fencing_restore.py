"""`FencedObject.restore`: after it, stale leaders are still refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from s3leader._core.requests import Create, Found, Read, Replace, Store
from s3leader._io.memory_store import Fault, MemoryStore
from s3leader._io.seams import Seams
from s3leader.errors import CorruptObject, InvalidArgument, Overwritten, StaleToken
from s3leader.fencing import FencedObject, Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "reports/latest.json"


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def fenced(store: Store) -> FencedObject:
    return FencedObject._with_seams(KEY, Seams(store=store, sleep=lambda _: None))


def put_back(store: MemoryStore, body: bytes) -> None:
    """Write bytes as an operator does who copies an old version."""
    found = store.perform(Read(KEY))
    if isinstance(found, Found):
        store.perform(Replace(KEY, body, found.etag))
    else:
        store.perform(Create(KEY, body))


def stale_leaders(store: MemoryStore) -> tuple[Snapshot, bytes]:
    """Let term 1 write, then term 2. Return the version and the body of term 1."""
    report = fenced(store)
    first = report.write({"by": 1}, token=1, after=None)
    old = store.body(KEY)
    report.write({"by": 2}, token=2, after=first)
    return first, old


def test_an_old_version_that_is_put_back_lets_a_stale_leader_in(store: MemoryStore) -> None:
    """Why there is `restore`: the same bytes have the same ETag."""
    first, old = stale_leaders(store)
    put_back(store, old)
    assert fenced(store).write({"by": "stale"}, token=1, after=first).token == 1


BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "as it is": lambda old: old,
    "corrupt": lambda _: b"{",
    "without a token": lambda _: b'{"by": 1}',
    "with an invalid token": lambda _: b'{"fencing_token": "2"}',
}


@pytest.mark.parametrize("there", BROKEN.values(), ids=BROKEN)
def test_a_stale_leader_is_refused_after_a_restore(
    store: MemoryStore, there: Callable[[bytes], bytes]
) -> None:
    first, old = stale_leaders(store)
    put_back(store, there(old))
    fenced(store).restore({"by": 1}, token=2)
    with pytest.raises(StaleToken):
        fenced(store).write({"by": "stale"}, token=1, after=first)


def test_a_restored_object_has_an_etag_that_no_version_ever_had(store: MemoryStore) -> None:
    first, _ = stale_leaders(store)
    restored = fenced(store).restore({"by": 1}, token=2)
    again = fenced(store).restore({"by": 1}, token=2)
    assert len({first.etag, restored.etag, again.etag}) == 3


def test_the_content_of_an_old_version_can_be_restored(store: MemoryStore) -> None:
    old: dict[str, Any] = {"fencing_token": 1, "nonce": "old", "by": 1}
    fenced(store).restore(old, token=7)
    read = fenced(store).read()
    assert read is not None
    assert (read.value, read.token) == ({"by": 1}, 7)
    assert b'"old"' not in store.body(KEY)


def test_an_object_that_was_deleted_can_be_restored(store: MemoryStore) -> None:
    assert fenced(store).restore({"by": 1}, token=3).token == 3


def test_a_leader_continues_after_a_restore_with_its_token(store: MemoryStore) -> None:
    restored = fenced(store).restore({"by": 1}, token=2)
    assert fenced(store).claim(2) == restored


def test_a_restore_with_a_lower_token_is_refused_and_writes_nothing(store: MemoryStore) -> None:
    stale_leaders(store)
    before = store.body(KEY)
    with pytest.raises(StaleToken, match="carries fencing token 2"):
        fenced(store).restore({"by": 1}, token=1)
    assert store.body(KEY) == before


def test_a_restore_that_conflicts_with_another_write_is_refused(store: MemoryStore) -> None:
    stale_leaders(store)

    class Meanwhile:
        def perform(self, request: Any) -> Any:
            answer = store.perform(request)
            if isinstance(request, Read) and b'"by":2' in store.body(KEY):
                put_back(store, b'{"fencing_token":2,"nonce":"n","by":3}')
            return answer

    with pytest.raises(Overwritten):
        fenced(Meanwhile()).restore({"by": 1}, token=2)


def test_a_restore_whose_answer_is_lost_is_recognised(store: MemoryStore) -> None:
    put_back(store, b"{")
    store.script(Fault.ANSWER_LOST, on=Replace)
    assert fenced(store).restore({"by": 1}, token=2).value == {"by": 1}


def test_an_invalid_token_is_refused(store: MemoryStore) -> None:
    with pytest.raises(InvalidArgument, match="0"):
        fenced(store).restore({}, token=0)


def test_a_corrupt_object_names_the_safe_way_to_restore_it(store: MemoryStore) -> None:
    put_back(store, b"{")
    with pytest.raises(CorruptObject, match=r"FencedObject.restore\(value, token=…\)") as corrupt:
        fenced(store).read()
    assert "Do not put an old version back" in str(corrupt.value)


def test_a_fenced_write_succeeds_if_the_store_raises_after_writing(store: MemoryStore) -> None:
    class Fails:
        left = 2

        def perform(self, request: Any) -> Any:
            answer = store.perform(request)
            if self.left:
                self.left -= 1
                raise RuntimeError("after it was written")
            return answer

    written = fenced(Fails()).write({"a": 1}, token=1, after=None)
    assert (written.value, written.token) == ({"a": 1}, 1)
