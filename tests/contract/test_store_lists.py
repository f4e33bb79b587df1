"""A store lists keys completely and in order, and says where a list continues."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from s3leader._core.requests import Applied, Create, List, Listed, Store

if TYPE_CHECKING:
    from tests.contract.conftest import TestedStore

FOLDER = "elections/nightly/"
LOCKS = [f"{FOLDER}lock_{number:010}.json" for number in range(1, 6)]
SHUFFLED = [LOCKS[index] for index in (3, 0, 4, 2, 1)]
OTHERS = ["elections/nightly.json", "elections/nightly-2/lock_1", "elections/Nightly/lock_1", "e"]
UNUSUAL = ["l/a b+c.json", "l/a%20b&c=d?.json", "l/ü日🦭.json", "l/<'\">.json"]


def fill(store: Store, keys: list[str]) -> None:
    for key in keys:
        assert isinstance(store.perform(Create(key, key.encode())), Applied)


def listed(store: Store, request: List) -> Listed:
    answer = store.perform(request)
    assert isinstance(answer, Listed)
    return answer


@pytest.mark.parametrize(
    ("filled", "request_", "keys"),
    [
        pytest.param([], List(""), [], id="an empty bucket"),
        pytest.param(SHUFFLED, List(FOLDER), LOCKS, id="in ascending order"),
        pytest.param(LOCKS + OTHERS, List(FOLDER), LOCKS, id="only what begins with the prefix"),
        pytest.param(
            [*LOCKS, FOLDER + "hint.json"],
            List(FOLDER + "lock_"),
            LOCKS,
            id="a prefix that ends within a name",
        ),
        pytest.param(LOCKS, List(FOLDER, LOCKS[2]), LOCKS[3:], id="after a key"),
        pytest.param(
            LOCKS, List(FOLDER, LOCKS[2] + "l"), LOCKS[3:], id="after a key that does not exist"
        ),
        pytest.param(LOCKS, List(FOLDER, LOCKS[-1]), [], id="after the last key"),
        pytest.param(
            ["l/a b+%20.json", "l/b.json"],
            List("l/", "l/a b+%20.json"),
            ["l/b.json"],
            id="after a key with unusual characters",
        ),
        *(pytest.param([key], List("l/"), [key], id=key) for key in UNUSUAL),
    ],
)
def test_a_list_is_complete_and_in_order(
    store: Store, filled: list[str], request_: List, keys: list[str]
) -> None:
    fill(store, filled)
    page = listed(store, request_)
    assert (page.keys, page.truncated, page.next_token) == (tuple(keys), False, None)


def test_long_list_continues_after_its_thousandth_key(tested: TestedStore) -> None:
    store, keys = tested.store, [f"many/{number:05}" for number in range(1003)]
    with ThreadPoolExecutor(1 if tested.name == "moto" else 8) as pool:
        list(pool.map(lambda key: fill(store, [key]), keys))
    first = listed(store, List("many/"))
    second = listed(store, List("many/", first.keys[-1]))
    assert (first.truncated, second.truncated) == (True, False)
    assert [*first.keys, *second.keys] == keys
    assert listed(store, List("many/", token=first.next_token)).keys == second.keys
