"""A leader is paused at any of its requests, others lead, and it continues as a stale leader.

This is the worst case: `ensure_held()` passed before the pause and passes ever after, so only the
fenced manifest stops the stale leader.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator
from itertools import count
from typing import Any

import pytest

from compaction import InputsWithheld
from s3leader import LeadershipLost, StaleToken
from tests.compaction.fake_s3 import REQUESTS, WRITES, Perform
from tests.compaction.world import (
    ENDS,
    At,
    FakeTerm,
    World,
    crash_before,
    world_with_backlog,
)


def paused(
    meanwhile: Callable[[World], object], *, at: Collection[str] = REQUESTS, held: bool = False
) -> Iterator[tuple[int, World]]:
    """Yield a world for each request of a term that was paused there and then continued."""
    for nth in count():
        world = world_with_backlog(held=held)
        world.terms += 1  # one more was elected, and has done nothing yet

        def continue_later(name: str, perform: Perform, world: World = world) -> Any:
            meanwhile(world)
            return perform()

        if not world.lead_with(continue_later, nth, counts=at):
            assert nth > 9, "a term has more requests than that"
            return
        yield nth, world


def lead_while_producing(world: World) -> None:
    world.produce_some(2, start=50)
    with contextlib.suppress(InputsWithheld):
        world.lead()
    world.produce_some(2, start=200)


def lead_twice(world: World) -> None:
    lead_while_producing(world)
    world.lead()


def lead_while_deletions_are_allowed(world: World) -> None:
    refused, world.s3.undeletable = world.s3.undeletable, {}
    lead_while_producing(world)
    world.s3.undeletable = refused


@pytest.mark.parametrize(
    ("meanwhile", "held"),
    [
        (World.lead, False),
        (lead_while_producing, False),
        (lead_twice, False),
        (lead_while_producing, True),
        (lead_while_deletions_are_allowed, True),
    ],
)
def test_stale_leader_neither_loses_nor_doubles_a_line(
    meanwhile: Callable[[World], object], *, held: bool
) -> None:
    for nth, world in paused(meanwhile, held=held):
        world.s3.undeletable.clear()
        assert not world.recover(), f"request {nth}"


def test_stale_leader_does_no_harm_to_a_successor_that_crashes_at_any_write() -> None:
    """A crash after a write leaves the bucket as a crash before the next one does."""
    for second in range(14):

        def crash(world: World, second: int = second) -> None:
            world.produce_some(2, start=50)
            world.lead_with(crash_before, second)

        for nth, world in paused(crash, at=WRITES):
            assert not world.recover(), f"paused at {nth}, crash at {second}"


def test_stale_leader_that_works_beside_its_successor_does_no_harm() -> None:
    """The older term does all it can between any two requests of the newer one."""

    def older(world: World) -> None:
        with contextlib.suppress(*ENDS):
            world.lead(FakeTerm(world.terms - 1))

    for nth, world in paused(older):
        assert not world.recover(), f"request {nth}"


def test_stale_leader_is_refused_at_its_commit_and_deletes_nothing() -> None:
    world = World()
    world.produce_some(3)

    def only_claim(name: str, perform: Perform) -> Any:
        world.document().claim(2)
        return perform()

    At(world.s3, 1, only_claim)  # after its own claim, before its first part
    before = world.s3.list_keys("events/")
    with pytest.raises(StaleToken):
        world.lead(FakeTerm(1))
    assert world.s3.list_keys("events/") == before


def test_new_leader_claims_before_it_writes_or_lists_anything() -> None:
    world = World()
    world.produce_some(1)
    world.lead()
    world.s3.log.clear()
    world.lead()
    assert world.s3.log[:2] == ["get_object", "put_object"]


def test_older_term_cannot_even_begin() -> None:
    world = World()
    world.lead(FakeTerm(7))
    with pytest.raises(StaleToken):
        world.lead(FakeTerm(6))


def test_leader_checks_its_leadership_before_each_write() -> None:
    world = World()
    world.produce_some(7)
    asked: list[str] = []

    class Asking(FakeTerm):
        def ensure_held(self) -> None:
            asked.append("?")

    unasked: list[str] = []

    def check(name: str, given: dict[str, Any], perform: Perform) -> Any:
        if name in WRITES:
            if not asked:
                unasked.append(name)
            asked.clear()
        return perform()

    world.s3.hook = check
    world.lead(Asking(1))
    assert not unasked


def test_leader_that_has_lost_its_term_stops_writing() -> None:
    world = World()
    world.produce_some(7)
    term = FakeTerm(1)

    def lose(name: str, perform: Perform) -> Any:
        term.held = False
        return perform()

    At(world.s3, 2, lose)
    with pytest.raises(LeadershipLost):
        world.lead(term)
    written = [name for name in world.s3.log if name in WRITES]
    assert written == ["put_object", "copy_object", "put_object"]  # CLAIM, KEEP, UPLOAD
