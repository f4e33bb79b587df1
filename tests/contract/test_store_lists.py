"""What a store is: a list is in order, exact, and says whether it goes on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from s3leader._core.requests import Applied, Create, List, Listed, Store

if TYPE_CHECKING:
    from tests.contract.conftest import Place

LOCKS = [f"elections/nightly/lock_{number:010}.json" for number in range(1, 6)]


def fill(store: Store, keys: list[str]) -> None:
    for key in keys:
        assert isinstance(store.perform(Create(key, key.encode())), Applied)


def listed(store: Store, prefix: str, start_after: str | None = None) -> Listed:
    answer = store.perform(List(prefix, start_after))
    assert isinstance(answer, Listed)
    return answer


def test_an_empty_bucket_has_an_empty_list(store: Store) -> None:
    assert listed(store, "").keys == ()


def test_keys_are_listed_in_ascending_order(store: Store) -> None:
    fill(store, [LOCKS[index] for index in (3, 0, 4, 2, 1)])
    assert listed(store, "elections/nightly/").keys == tuple(LOCKS)


def test_a_key_is_listed_as_soon_as_it_is_written(store: Store) -> None:
    fill(store, LOCKS[:1])
    assert listed(store, LOCKS[0]).keys == (LOCKS[0],)


def test_only_keys_that_begin_with_the_prefix_are_listed(store: Store) -> None:
    others = [
        "elections/nightly.json",
        "elections/nightly-2/lock_1",
        "elections/Nightly/lock_1",
        "e",
    ]
    fill(store, [*LOCKS, *others])
    assert listed(store, "elections/nightly/").keys == tuple(LOCKS)


def test_the_prefix_may_end_within_a_name(store: Store) -> None:
    fill(store, [*LOCKS, "elections/nightly/hint.json"])
    assert listed(store, "elections/nightly/lock_").keys == tuple(LOCKS)


def test_a_list_starts_after_the_key_it_is_told(store: Store) -> None:
    fill(store, LOCKS)
    assert listed(store, "elections/nightly/", LOCKS[2]).keys == tuple(LOCKS[3:])


def test_a_list_starts_after_a_key_that_does_not_exist(store: Store) -> None:
    fill(store, LOCKS)
    between = LOCKS[2].replace(".json", ".jsonl")
    assert listed(store, "elections/nightly/", between).keys == tuple(LOCKS[3:])


def test_nothing_is_listed_after_the_last_key(store: Store) -> None:
    fill(store, LOCKS)
    assert listed(store, "elections/nightly/", LOCKS[-1]).keys == ()


def test_a_list_that_is_whole_says_so(store: Store) -> None:
    fill(store, LOCKS)
    assert not listed(store, "elections/nightly/").truncated


@pytest.mark.parametrize(
    "key", ["l/a b+c.json", "l/a%20b&c=d?.json", "l/ü日🦭.json", "l/<'\">.json"]
)
def test_odd_characters_are_listed_as_they_were_written(store: Store, key: str) -> None:
    fill(store, [key])
    assert listed(store, "l/").keys == (key,)


def test_a_list_may_start_after_odd_characters(store: Store) -> None:
    fill(store, ["l/a b+%20.json", "l/b.json"])
    assert listed(store, "l/", "l/a b+%20.json").keys == ("l/b.json",)


def test_a_long_list_goes_on_after_its_thousandth_key(place: Place) -> None:
    store, keys = place.store, [f"many/{number:05}" for number in range(1003)]
    with ThreadPoolExecutor(1 if place.name == "moto" else 8) as pool:
        list(pool.map(lambda key: fill(store, [key]), keys))
    first = listed(store, "many/")
    second = listed(store, "many/", first.keys[-1])
    assert (first.truncated, second.truncated) == (True, False)
    assert [*first.keys, *second.keys] == keys
    assert continued(store, "many/", first).keys == second.keys


def continued(store: Store, prefix: str, page: Listed) -> Listed:
    answer = store.perform(List(prefix, token=page.next_token))
    assert isinstance(answer, Listed)
    return answer


def test_a_list_that_is_whole_has_no_token(store: Store) -> None:
    fill(store, LOCKS)
    assert listed(store, "elections/nightly/").next_token is None
