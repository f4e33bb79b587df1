"""What a store is: it tells the time, and the same time for everyone."""

from __future__ import annotations

import time

import pytest

from s3leader._core.requests import (
    Create,
    Found,
    List,
    Read,
    Replace,
    Store,
    StoreRequest,
    Tag,
    Unknown,
)

KEY = "elections/nightly/lock_0000000001.json"
NO_ETAG = '"00000000000000000000000000000000"'
REQUESTS: list[StoreRequest] = [
    List("elections/"),
    Read(KEY),
    Read("nothing"),
    Create("elsewhere", b"{}"),
    Create(KEY, b"{}"),
    Replace(KEY, b"{}", NO_ETAG),
    Replace("nothing", b"{}", NO_ETAG),
    Tag(KEY),
    Tag("nothing"),
]


@pytest.mark.parametrize("request_", REQUESTS, ids=str)
def test_every_answer_has_the_present_time(store: Store, request_: StoreRequest) -> None:
    store.perform(Create(KEY, b"first"))
    before_ms = time.time_ns() // 1_000_000
    answer = store.perform(request_)
    assert not isinstance(answer, Unknown)
    # In whole seconds; and a server may read its clock a second late.
    assert before_ms - 2000 < answer.date_ms <= time.time() * 1000


@pytest.mark.parametrize("request_", REQUESTS, ids=str)
def test_the_time_is_told_in_whole_seconds(store: Store, request_: StoreRequest) -> None:
    store.perform(Create(KEY, b"first"))
    answer = store.perform(request_)
    assert not isinstance(answer, Unknown)
    assert answer.date_ms % 1000 == 0


def test_an_object_was_modified_when_it_was_written(store: Store) -> None:
    before_ms = time.time_ns() // 1_000_000
    written = store.perform(Create(KEY, b"first"))
    after_ms = time.time_ns() // 1_000_000
    found = store.perform(Read(KEY))
    assert isinstance(found, Found)
    assert not isinstance(written, Unknown)
    assert before_ms - 2000 < found.modified_ms <= after_ms


def test_nothing_was_modified_in_the_future(store: Store) -> None:
    store.perform(Create(KEY, b"first"))
    found = store.perform(Read(KEY))
    assert isinstance(found, Found)
    assert found.modified_ms <= found.date_ms
