"""Of concurrent writes to one object, a store applies exactly one."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from s3leader._core.requests import Applied, Create, Found, Read, Replace, Store, StoreAnswer
from s3leader.errors import Overwritten, StaleToken
from s3leader.testing import fenced_object

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.conftest import TestedStore

KEY = "elections/nightly/lock_0000000001.json"


def race(writers: int, run: Callable[[int], StoreAnswer | None]) -> list[StoreAnswer | None]:
    barrier = threading.Barrier(writers)

    def start(number: int) -> StoreAnswer | None:
        barrier.wait()
        return run(number)

    with ThreadPoolExecutor(writers) as pool:
        return list(pool.map(start, range(writers)))


def read(store: Store) -> Found:
    found = store.perform(Read(KEY))
    assert isinstance(found, Found)
    return found


def increment(store: Store) -> None:
    while True:
        found = read(store)
        body = str(int(found.body) + 1).encode()
        if isinstance(store.perform(Replace(KEY, body, found.etag)), Applied):
            return


@pytest.mark.parametrize("write", ["creates", "replaces on one ETag"])
def test_exactly_one_of_concurrent_writes_is_applied(tested: TestedStore, write: str) -> None:
    store, writers = tested.store, tested.writers
    etag = None
    if write != "creates":
        first = store.perform(Create(KEY, b"first"))
        assert isinstance(first, Applied)
        etag = first.etag

    def run(number: int) -> StoreAnswer:
        body = f"{number}".encode()
        return store.perform(Replace(KEY, body, etag) if etag else Create(KEY, body))

    answers = race(writers, run)
    winners = [n for n, answer in enumerate(answers) if isinstance(answer, Applied)]
    assert [read(store).body] == [f"{winner}".encode() for winner in winners]


def test_counter_incremented_by_compare_and_swap_loses_no_increment(tested: TestedStore) -> None:
    store, writers = tested.store, min(tested.writers, 8)
    store.perform(Create(KEY, b"0"))

    def count(_: int) -> None:
        for _ in range(3):
            increment(store)

    race(writers, count)
    assert int(read(store).body) == 3 * writers


def test_token_of_a_fenced_object_is_the_highest_that_ever_wrote_it(tested: TestedStore) -> None:
    writers = min(tested.writers, 8)

    def lead(number: int) -> None:
        document = fenced_object("manifest.json", store=tested.store)
        try:
            claimed = document.claim(number + 1)
            document.write({"by": number}, token=number + 1, after=claimed)
        except (StaleToken, Overwritten):
            pass

    race(writers, lead)
    last = fenced_object("manifest.json", store=tested.store).read()
    assert last is not None
    assert last.token == writers
