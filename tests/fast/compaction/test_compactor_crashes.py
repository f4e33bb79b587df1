"""A term crashes, or loses an answer, at any of its writes; later terms repair what it left."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest

from tests.fast.compaction.fake_s3 import WRITES, Perform
from tests.fast.compaction.world import (
    ENDS,
    At,
    Crashed,
    World,
    crash_after,
    crash_before,
    echo,
    lose_answer,
    lose_request,
)

Fault = Callable[[str, Perform], Any]
FAULTS = [crash_before, crash_after, lose_answer, lose_request, echo]


def world_after(fault: Fault, nth: int) -> World | None:
    """Return a world after a term with a fault at its `nth` write; None if it has fewer writes."""
    world = World()
    world.produce_some(2, start=0)
    world.lead()  # so that something is committed, and more will need a segment
    world.produce_some(6, start=100)
    return world if lead_with(world, fault, nth) else None


def lead_with(world: World, fault: Fault, nth: int) -> bool:
    """Lead a term with a fault at its `nth` write; return whether it has so many writes."""
    at = At(world.s3, nth, fault)
    with contextlib.suppress(*ENDS):
        world.lead()
    world.s3.hook = None
    return at.injected


def worlds(fault: Fault) -> Iterator[tuple[int, World]]:
    for nth in count():
        world = world_after(fault, nth)
        if world is None:
            assert nth > 9, "a term writes more than that"
            return
        yield nth, world


def lead_two_terms(world: World) -> None:
    """Lead two terms: the second sweeps what arrived late in the first."""
    world.lead()
    world.lead()


@pytest.mark.parametrize("fault", FAULTS)
def test_each_line_is_committed_once_after_a_crash_at_any_write(fault: Fault) -> None:
    for nth, world in worlds(fault):
        lead_two_terms(world)
        assert not world.faults(), f"write {nth}"


def test_each_line_is_committed_once_after_crashes_at_any_write_of_two_terms() -> None:
    """A crash after a write leaves the bucket as a crash before the next one does."""
    for first, _ in worlds(crash_before):
        for second in range(8):
            world = world_after(crash_before, first)
            assert world is not None
            world.produce("0050", [b"{}", b"X"])
            lead_with(world, crash_before, second)
            lead_two_terms(world)
            assert not world.faults(), f"writes {first} and {second}"


def test_write_that_arrives_after_the_next_term_changes_nothing() -> None:
    late: list[Perform] = []
    for nth, world in worlds(crash_in_flight(late)):
        world.lead()
        deliver(late)
        lead_two_terms(world)
        assert not world.faults(), f"write {nth}"


@pytest.mark.parametrize("during", range(9))
def test_write_that_arrives_during_the_next_term_changes_nothing(during: int) -> None:
    late: list[Perform] = []

    def deliver_now(name: str, perform: Perform) -> Any:
        deliver(late)
        return perform()

    for nth, world in worlds(crash_in_flight(late)):
        lead_with(world, deliver_now, during)
        deliver(late)
        lead_two_terms(world)
        assert not world.faults(), f"write {nth}"


def test_at_every_moment_each_input_is_either_committed_or_still_to_come() -> None:
    world = World()
    world.produce_some(7)
    everything = Counter(key for key, _ in world.bad)  # each input has one malformed line
    differences: list[str] = []

    def look_after_writes(name: str, given: dict[str, Any], perform: Perform) -> Any:
        answer = perform()
        if name in WRITES:
            world.s3.hook = None
            seen = Counter(key for key, _ in world.rejected())
            seen.update(world.waiting())
            if seen != everything:
                differences.append(f"{name}: {everything - seen}, {seen - everything}")
            world.s3.hook = look_after_writes
        return answer

    world.s3.hook = look_after_writes
    world.lead()
    assert not differences


def test_committed_inputs_are_not_compacted_again_though_the_listing_still_shows_them() -> None:
    world = World()
    world.produce_some(2)
    shown = {key: world.s3.body(key) for key in world.s3.list_keys("events/")}
    crash_at_deletion(world)

    def undelete(name: str, given: dict[str, Any], perform: Perform) -> Any:
        answer = perform()
        if name == "delete_objects":
            for key, body in shown.items():
                world.s3.put(key, body)
        return answer

    world.s3.hook = undelete
    world.lead()
    assert world.committed() == world.good


def test_the_next_term_first_deletes_exactly_the_inputs_of_the_last_commit() -> None:
    world = World()
    world.produce_some(2)
    inputs = world.s3.list_keys("events/")
    crash_at_deletion(world)
    world.produce("0000-late", [b"{}"])
    deleted: list[list[str]] = []

    def note(name: str, given: dict[str, Any], perform: Perform) -> Any:
        if name == "delete_objects":
            deleted.append([item["Key"] for item in given["Delete"]["Objects"]])
        return perform()

    world.s3.hook = note
    world.lead()
    assert deleted[0] == inputs


def test_finished_deletions_are_no_longer_named() -> None:
    world = World()
    world.produce_some(2)
    crash_at_deletion(world)
    world.lead()
    snapshot = world.document().read()
    assert snapshot is not None
    assert snapshot.value["deleting"] == []


def test_files_of_a_batch_that_was_never_committed_are_swept() -> None:
    world = World()
    world.produce_some(2)
    lead_into_commit(world)
    orphans = world.orphans()
    summary = world.lead()
    assert summary.orphans == len(orphans) > 0


def test_orphans_that_cannot_be_deleted_do_not_stop_the_job() -> None:
    world = World()
    world.produce_some(2)
    lead_into_commit(world)
    orphans = world.orphans()

    def deny(name: str, given: dict[str, Any], perform: Perform) -> Any:
        if name != "delete_objects" or given["Delete"]["Objects"][0]["Key"] not in orphans:
            return perform()
        return {"Errors": [{"Key": orphans[0], "Code": "AccessDenied"}]}

    world.s3.hook = deny
    world.lead()
    assert world.committed() == world.good


def lead_into_commit(world: World) -> None:
    """Crash right before the first COMMIT: after CLAIM, KEEP and two UPLOADs."""
    lead_with(world, crash_before, 4)


def crash_at_deletion(world: World) -> None:
    """Crash between COMMIT and DELETE."""

    def crash(name: str, given: dict[str, Any], perform: Perform) -> Any:
        if name == "delete_objects":
            raise Crashed(name)
        return perform()

    world.s3.hook = crash
    with pytest.raises(Crashed):
        world.lead()
    world.s3.hook = None


def crash_in_flight(late: list[Perform]) -> Fault:
    """Crash with the write in flight; it is added to `late`."""

    def fault(name: str, perform: Perform) -> Any:
        late.append(perform)
        raise Crashed(name)

    return fault


def deliver(late: list[Perform]) -> None:
    """Perform the writes in flight; their answers are lost."""
    while late:
        with contextlib.suppress(*ENDS):
            late.pop()()
