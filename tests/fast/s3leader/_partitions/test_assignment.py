"""The shares that workers compute from the slots that are taken."""

from __future__ import annotations

import random
from itertools import chain

import pytest

from s3leader._partitions.assignment import assign

NAMES = [f"p{number:02}" for number in range(64)]
SEEDS = range(30)


def some_slots(seed: int) -> dict[int, int | None]:
    random_ = random.Random(seed)  # noqa: S311 - not a secret
    return dict.fromkeys(sorted(random_.sample(range(16), random_.randint(1, 16))))


def moved(before: dict[int, list[str]], after: dict[int, list[str]]) -> int:
    owners = [
        {name: slot for slot, names in of.items() for name in names} for of in (before, after)
    ]
    return sum(owners[0].get(name) != owners[1].get(name) for name in NAMES)


@pytest.mark.parametrize("seed", SEEDS)
def test_shares_are_disjoint_complete_and_differ_by_one_at_most(seed: int) -> None:
    slots = some_slots(seed)
    shares = assign(NAMES, slots)
    sizes = [len(share) for share in shares.values()]
    assert (sorted(shares), max(sizes) - min(sizes) <= 1) == (sorted(slots), True)
    assert sorted(chain(*shares.values())) == NAMES


def test_the_order_of_the_partitions_does_not_matter() -> None:
    assert assign(reversed(NAMES), {0: None, 3: 5}) == assign(NAMES, {3: 5, 0: None})


@pytest.mark.parametrize("workers", range(1, 16))
def test_a_worker_that_joins_moves_only_its_own_share(workers: int) -> None:
    before = assign(NAMES, dict.fromkeys(range(workers)))
    after = assign(NAMES, dict.fromkeys(range(workers + 1)))
    assert moved(before, after) == len(after[workers])


@pytest.mark.parametrize("left", range(16))
def test_a_worker_that_leaves_moves_only_its_own_share(left: int) -> None:
    slots = dict.fromkeys(range(16))
    before = assign(NAMES, slots)
    del slots[left]
    assert moved(before, assign(NAMES, slots)) == len(before[left])


def test_while_workers_come_and_go_few_more_partitions_move_than_must() -> None:
    """Slots are vacated at random, and the lowest vacant one is taken."""
    random_, slots = random.Random(1), dict.fromkeys(range(8))  # noqa: S311
    shares, moves, least = assign(NAMES, slots), 0, 0
    for _ in range(100):
        if len(slots) < 3 or (len(slots) < 16 and random_.random() < 0.5):
            slots[min({*range(16)} - slots.keys())] = None
            needed = 64 // len(slots)
        else:
            left = random_.choice(sorted(slots))
            del slots[left]
            needed = len(shares[left])
        before, shares = shares, assign(NAMES, slots)
        moves, least = moves + moved(before, shares), least + needed
    assert least < moves < 1.6 * least


@pytest.mark.parametrize("seed", SEEDS)
def test_no_limit_is_exceeded_and_nothing_is_left_over_that_has_room(seed: int) -> None:
    random_ = random.Random(seed)  # noqa: S311 - not a secret
    slots: dict[int, int | None] = {slot: random_.randint(1, 12) for slot in some_slots(seed)}
    shares = assign(NAMES, slots)
    room = sum(limit or 0 for limit in slots.values())
    assert all(len(share) <= (slots[slot] or 0) for slot, share in shares.items())
    assert sum(map(len, shares.values())) == min(64, room)


def test_others_make_up_for_a_limit() -> None:
    sizes = {slot: len(share) for slot, share in assign(NAMES, {0: 4, 1: None, 2: None}).items()}
    assert sizes == {0: 4, 1: 30, 2: 30}


def test_without_workers_there_are_no_shares() -> None:
    assert assign(NAMES, {}) == {}


@pytest.mark.parametrize(
    ("slots", "shares"),
    [
        ({0: None, 1: None, 2: None}, {0: "ab", 1: "gfe", 2: "dc"}),
        ({0: None, 2: None}, {0: "abge", 2: "dcf"}),
        ({0: 1, 1: None}, {0: "a", 1: "bcdefg"}),
    ],
)
def test_shares_are_the_same_in_each_version(
    slots: dict[int, int | None], shares: dict[int, str]
) -> None:
    """Workers of two versions share a group during an update."""
    assert assign("abcdefg", slots) == {slot: [*share] for slot, share in shares.items()}
