"""What a store is: of writes that meet on one object, exactly one is applied."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from s3leader._core.requests import Applied, Create, Found, Read, Replace, Store, StoreAnswer
from s3leader.errors import Overwritten, StaleToken
from s3leader.testing import fenced_object

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.conftest import Place

KEY = "elections/nightly/lock_0000000001.json"


def race(racers: int, run: Callable[[int], StoreAnswer | None]) -> list[StoreAnswer | None]:
    line = threading.Barrier(racers)

    def start(number: int) -> StoreAnswer | None:
        line.wait()
        return run(number)

    with ThreadPoolExecutor(racers) as pool:
        return list(pool.map(start, range(racers)))


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


def test_of_many_creates_exactly_one_is_applied(place: Place) -> None:
    store = place.store
    answers = race(place.racers, lambda n: store.perform(Create(KEY, f"{n}".encode())))
    assert winners(answers) == 1


def test_what_stands_after_a_race_is_the_winners(place: Place) -> None:
    store = place.store
    answers = race(place.racers, lambda n: store.perform(Create(KEY, f"{n}".encode())))
    winner = next(n for n, answer in enumerate(answers) if isinstance(answer, Applied))
    found = store.perform(Read(KEY))
    assert isinstance(found, Found)
    assert found.body == f"{winner}".encode()


def test_of_many_replaces_on_one_etag_exactly_one_is_applied(place: Place) -> None:
    store = place.store
    first = store.perform(Create(KEY, b"first"))
    assert isinstance(first, Applied)
    answers = race(place.racers, lambda n: store.perform(Replace(KEY, f"{n}".encode(), first.etag)))
    assert winners(answers) == 1


def test_a_counter_that_is_compared_and_swapped_loses_no_count(place: Place) -> None:
    store, racers = place.store, min(place.racers, 8)
    store.perform(Create(KEY, b"0"))

    def count(_: int) -> None:
        for _ in range(3):
            increment(store)

    race(racers, count)
    found = store.perform(Read(KEY))
    assert isinstance(found, Found)
    assert int(found.body) == 3 * racers


def test_the_token_of_a_fenced_object_is_the_highest_that_ever_wrote_it(place: Place) -> None:
    racers = min(place.racers, 8)

    def lead(number: int) -> None:
        document = fenced_object("manifest.json", store=place.store)
        try:
            claimed = document.claim(number + 1)
            document.write({"by": number}, token=number + 1, after=claimed)
        except (StaleToken, Overwritten):
            pass

    race(racers, lead)
    last = fenced_object("manifest.json", store=place.store).read()
    assert last is not None
    assert last.token == racers
