"""A store has one clock: each answer carries its time, each object the time of its write."""

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
def test_every_answer_carries_the_current_time_in_whole_seconds(
    store: Store, request_: StoreRequest
) -> None:
    store.perform(Create(KEY, b"first"))
    before_ms = time.time_ns() // 1_000_000
    answer = store.perform(request_)
    assert not isinstance(answer, Unknown)
    # A server may use a clock reading that is a second old.
    assert before_ms - 2000 < answer.date_ms <= time.time() * 1000
    assert answer.date_ms % 1000 == 0


def test_last_modified_is_the_time_of_the_write_and_not_after_the_answers(store: Store) -> None:
    before_ms = time.time_ns() // 1_000_000
    store.perform(Create(KEY, b"first"))
    after_ms = time.time_ns() // 1_000_000
    found = store.perform(Read(KEY))
    assert isinstance(found, Found)
    assert before_ms - 2000 < found.modified_ms <= min(after_ms, found.date_ms)
