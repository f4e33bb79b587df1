"""Of concurrent writes to one object, a store applies exactly one."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

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


def winners(answers: list[StoreAnswer | None]) -> int:
    return sum(isinstance(answer, Applied) for answer in answers)


def increment(store: Store) -> None:
    while True:
        found = store.perform(Read(KEY))
        if not isinstance(found, Found):
            continue
        body = str(int(found.body) + 1).encode()
        if isinstance(store.perform(Replace(KEY, body, found.etag)), Applied):
            return


def test_of_concurrent_creates_exactly_one_is_applied(tested: TestedStore) -> None:
    store = tested.store
    answers = race(tested.writers, lambda n: store.perform(Create(KEY, f"{n}".encode())))
    assert winners(answers) == 1


def test_object_after_a_race_is_the_winners(tested: TestedStore) -> None:
    store = tested.store
    answers = race(tested.writers, lambda n: store.perform(Create(KEY, f"{n}".encode())))
    winner = next(n for n, answer in enumerate(answers) if isinstance(answer, Applied))
    found = store.perform(Read(KEY))
    assert isinstance(found, Found)
    assert found.body == f"{winner}".encode()


def test_of_concurrent_replaces_on_one_etag_exactly_one_is_applied(tested: TestedStore) -> None:
    store = tested.store
    first = store.perform(Create(KEY, b"first"))
    assert isinstance(first, Applied)
    answers = race(
        tested.writers, lambda n: store.perform(Replace(KEY, f"{n}".encode(), first.etag))
    )
    assert winners(answers) == 1


def test_counter_incremented_by_compare_and_swap_loses_no_increment(tested: TestedStore) -> None:
    store, writers = tested.store, min(tested.writers, 8)
    store.perform(Create(KEY, b"0"))

    def count(_: int) -> None:
        for _ in range(3):
            increment(store)

    race(writers, count)
    found = store.perform(Read(KEY))
    assert isinstance(found, Found)
    assert int(found.body) == 3 * writers


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
