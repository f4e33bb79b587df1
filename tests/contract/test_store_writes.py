"""A store applies a write only if its condition holds, and then completely."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from s3leader._core.requests import (
    Applied,
    Conflict,
    Create,
    Found,
    Missing,
    Read,
    Replace,
    Store,
    StoreRequest,
    Tag,
)
from s3leader.errors import BucketUnusable
from tests.contract.s3_store.misbehaving_s3 import EVERY_REQUEST

if TYPE_CHECKING:
    from tests.contract.conftest import TestedStore

KEY = "elections/nightly/lock_0000000001.json"
UNUSUAL_KEYS = ["a b.json", "a+b%20c.json", "ü/日本/🦭.json", "q?x=1&y=2#z.json", "'\"<>!*().json"]


def applied(store: Store, write: Create | Replace) -> str:
    answer = store.perform(write)
    assert isinstance(answer, Applied)
    return answer.etag


def found(store: Store, key: str = KEY) -> Found:
    answer = store.perform(Read(key))
    assert isinstance(answer, Found)
    return answer


@pytest.mark.parametrize("body", [b"", bytes(range(256)), b"x" * 300_000], ids=len)
def test_create_applies_byte_for_byte_where_no_object_exists(store: Store, body: bytes) -> None:
    etag = applied(store, Create(KEY, body))
    assert (found(store).body, found(store).etag) == (body, etag)


@pytest.mark.parametrize("key", UNUSUAL_KEYS)
def test_an_object_is_found_under_any_legal_key(store: Store, key: str) -> None:
    applied(store, Create(key, b"first"))
    assert found(store, key).body == b"first"


@pytest.mark.parametrize("body", [b"first", b"second"], ids=["an equal body", "another body"])
def test_create_conflicts_and_changes_nothing_where_an_object_exists(
    store: Store, body: bytes
) -> None:
    etag = applied(store, Create(KEY, b"first"))
    assert isinstance(store.perform(Create(KEY, body)), Conflict)
    assert (found(store).body, found(store).etag) == (b"first", etag)


@pytest.mark.parametrize("tagged", [False, True], ids=["", "tagged"])
def test_replace_applies_on_the_etag_of_the_write_before_and_changes_it(
    store: Store,
    tagged: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    first = applied(store, Create(KEY, b"first"))
    if tagged:
        store.perform(Tag(KEY))
    second = applied(store, Replace(KEY, b"second", first))
    assert second != first
    assert (found(store).body, found(store).etag) == (b"second", second)


def test_replace_conflicts_and_changes_nothing_on_an_old_etag(store: Store) -> None:
    old = applied(store, Create(KEY, b"first"))
    etag = applied(store, Replace(KEY, b"second", old))
    assert isinstance(store.perform(Replace(KEY, b"third", old)), Conflict)
    assert (found(store).body, found(store).etag) == (b"second", etag)


def test_replace_conflicts_and_creates_nothing_where_no_object_exists(store: Store) -> None:
    etag = applied(store, Create(KEY, b"first"))
    assert isinstance(store.perform(Replace("elsewhere.json", b"second", etag)), Conflict)
    assert isinstance(store.perform(Read("elsewhere.json")), Missing)


def test_equal_bodies_have_equal_etags_so_bodies_need_a_nonce(store: Store) -> None:
    etag = applied(store, Create(KEY, b"first"))
    assert applied(store, Create("elsewhere.json", b"first")) == etag


def test_a_tag_may_be_put_twice_and_changes_neither_body_nor_etag_nor_time(store: Store) -> None:
    applied(store, Create(KEY, b"first"))
    before = found(store)
    for _ in range(2):
        assert isinstance(store.perform(Tag(KEY)), Applied)
    after = found(store)
    assert (after.body, after.etag) == (before.body, before.etag)
    assert after.modified_ms == before.modified_ms


@pytest.mark.parametrize("request_", [Read(KEY), Tag(KEY)], ids=["read", "tag"])
def test_a_missing_key_is_missing(store: Store, request_: Read | Tag) -> None:
    assert isinstance(store.perform(request_), Missing)


@pytest.mark.parametrize("request_", EVERY_REQUEST, ids=lambda request: type(request).__name__)
def test_missing_bucket_is_named(tested: TestedStore, request_: StoreRequest) -> None:
    with pytest.raises(BucketUnusable, match="There is no bucket there-is-no-such-bucket"):
        tested.with_missing_bucket(request_).perform(request_)
