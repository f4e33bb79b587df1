"""A store lists keys completely and in order, and says where a list continues."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from s3leader._core.requests import Applied, Create, List, Listed, Store

if TYPE_CHECKING:
    from tests.contract.conftest import TestedStore

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


def test_list_starts_after_a_given_key(store: Store) -> None:
    fill(store, LOCKS)
    assert listed(store, "elections/nightly/", LOCKS[2]).keys == tuple(LOCKS[3:])


def test_list_starts_after_a_key_that_does_not_exist(store: Store) -> None:
    fill(store, LOCKS)
    between = LOCKS[2].replace(".json", ".jsonl")
    assert listed(store, "elections/nightly/", between).keys == tuple(LOCKS[3:])


def test_nothing_is_listed_after_the_last_key(store: Store) -> None:
    fill(store, LOCKS)
    assert listed(store, "elections/nightly/", LOCKS[-1]).keys == ()


def test_complete_list_is_not_truncated_and_has_no_token(store: Store) -> None:
    fill(store, LOCKS)
    page = listed(store, "elections/nightly/")
    assert (page.truncated, page.next_token) == (False, None)


@pytest.mark.parametrize(
    "key", ["l/a b+c.json", "l/a%20b&c=d?.json", "l/ü日🦭.json", "l/<'\">.json"]
)
def test_unusual_characters_are_listed_as_they_were_written(store: Store, key: str) -> None:
    fill(store, [key])
    assert listed(store, "l/").keys == (key,)


def test_list_starts_after_a_key_with_unusual_characters(store: Store) -> None:
    fill(store, ["l/a b+%20.json", "l/b.json"])
    assert listed(store, "l/", "l/a b+%20.json").keys == ("l/b.json",)


def test_long_list_continues_after_its_thousandth_key(tested: TestedStore) -> None:
    store, keys = tested.store, [f"many/{number:05}" for number in range(1003)]
    with ThreadPoolExecutor(1 if tested.name == "moto" else 8) as pool:
        list(pool.map(lambda key: fill(store, [key]), keys))
    first = listed(store, "many/")
    second = listed(store, "many/", first.keys[-1])
    assert (first.truncated, second.truncated) == (True, False)
    assert [*first.keys, *second.keys] == keys
    continued = store.perform(List("many/", token=first.next_token))
    assert isinstance(continued, Listed)
    assert continued.keys == second.keys
