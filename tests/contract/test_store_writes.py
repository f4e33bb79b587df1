"""A store applies a write only if its condition holds, and then completely."""

from __future__ import annotations

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
    Tag,
)

KEY = "elections/nightly/lock_0000000001.json"
UNUSUAL_KEYS = ["a b.json", "a+b%20c.json", "ü/日本/🦭.json", "q?x=1&y=2#z.json", "'\"<>!*().json"]


def created(store: Store, body: bytes = b"first", key: str = KEY) -> str:
    answer = store.perform(Create(key, body))
    assert isinstance(answer, Applied)
    return answer.etag


def replaced(store: Store, body: bytes, etag: str) -> str:
    answer = store.perform(Replace(KEY, body, etag))
    assert isinstance(answer, Applied)
    return answer.etag


def found(store: Store, key: str = KEY) -> Found:
    answer = store.perform(Read(key))
    assert isinstance(answer, Found)
    return answer


def test_create_applies_where_no_object_exists(store: Store) -> None:
    created(store)
    assert found(store).body == b"first"


def test_create_conflicts_where_an_object_exists(store: Store) -> None:
    created(store)
    assert isinstance(store.perform(Create(KEY, b"second")), Conflict)


def test_create_conflicts_with_an_equal_body_too(store: Store) -> None:
    created(store)
    assert isinstance(store.perform(Create(KEY, b"first")), Conflict)


def test_a_create_that_conflicts_leaves_the_object_as_it_was(store: Store) -> None:
    etag = created(store)
    store.perform(Create(KEY, b"second"))
    assert (found(store).body, found(store).etag) == (b"first", etag)


def test_replace_applies_on_the_etag_of_the_write_before(store: Store) -> None:
    replaced(store, b"second", created(store))
    assert found(store).body == b"second"


def test_replace_applies_on_the_etag_that_was_read(store: Store) -> None:
    created(store)
    replaced(store, b"second", found(store).etag)
    assert found(store).body == b"second"


def test_replace_conflicts_on_an_old_etag(store: Store) -> None:
    gone = created(store)
    replaced(store, b"second", gone)
    assert isinstance(store.perform(Replace(KEY, b"third", gone)), Conflict)


def test_a_replace_that_conflicts_leaves_the_object_as_it_was(store: Store) -> None:
    gone = created(store)
    etag = replaced(store, b"second", gone)
    store.perform(Replace(KEY, b"third", gone))
    assert (found(store).body, found(store).etag) == (b"second", etag)


def test_replace_conflicts_where_no_object_exists(store: Store) -> None:
    etag = created(store)
    assert isinstance(store.perform(Replace("elsewhere.json", b"second", etag)), Conflict)


def test_replace_creates_nothing(store: Store) -> None:
    store.perform(Replace("elsewhere.json", b"second", created(store)))
    assert isinstance(store.perform(Read("elsewhere.json")), Missing)


def test_a_write_answers_with_the_etag_that_a_read_finds(store: Store) -> None:
    etag = replaced(store, b"second", created(store))
    assert found(store).etag == etag


def test_the_etag_changes_with_the_body(store: Store) -> None:
    etag = created(store)
    assert replaced(store, b"second", etag) != etag


def test_equal_bodies_have_equal_etags_so_bodies_need_a_nonce(store: Store) -> None:
    etag = created(store)
    assert created(store, key="elsewhere.json") == etag


@pytest.mark.parametrize("body", [b"", bytes(range(256)), b"x" * 300_000], ids=len)
def test_body_is_stored_byte_for_byte(store: Store, body: bytes) -> None:
    created(store, body)
    assert found(store).body == body


@pytest.mark.parametrize("key", UNUSUAL_KEYS)
def test_an_object_is_found_under_any_legal_key(store: Store, key: str) -> None:
    created(store, key=key)
    assert found(store, key).body == b"first"


def test_read_of_a_missing_key_is_missing(store: Store) -> None:
    assert isinstance(store.perform(Read(KEY)), Missing)


def test_a_tag_applies_to_an_object(store: Store) -> None:
    created(store)
    assert isinstance(store.perform(Tag(KEY)), Applied)


def test_a_tag_may_be_put_twice(store: Store) -> None:
    created(store)
    store.perform(Tag(KEY))
    assert isinstance(store.perform(Tag(KEY)), Applied)


def test_tag_of_a_missing_key_is_missing(store: Store) -> None:
    assert isinstance(store.perform(Tag(KEY)), Missing)


def test_a_tag_changes_neither_body_nor_etag_nor_time(store: Store) -> None:
    created(store)
    before = found(store)
    store.perform(Tag(KEY))
    after = found(store)
    assert (after.body, after.etag, after.modified_ms) == (
        before.body,
        before.etag,
        before.modified_ms,
    )


def test_a_tagged_object_can_be_replaced_on_its_etag(store: Store) -> None:
    etag = created(store)
    store.perform(Tag(KEY))
    replaced(store, b"second", etag)
    assert found(store).body == b"second"
