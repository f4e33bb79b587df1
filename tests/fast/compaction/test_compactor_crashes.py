"""A term crashes at any of its writes; the terms after it make good for it."""

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

Happen = Callable[[str, Perform], Any]
BEFALLS = [crash_before, crash_after, lose_answer, lose_request, echo]


def befallen(happen: Happen, nth: int) -> World | None:
    """Return a world in which the `nth` write of a term has been befallen; None: it has fewer."""
    world = World()
    world.produce_some(2, start=0)
    world.lead()  # so that something is committed, and more will need a segment
    world.produce_some(6, start=100)
    return world if lead_into(world, happen, nth) else None


def lead_into(world: World, happen: Happen, nth: int) -> bool:
    """Lead a term whose `nth` write is befallen; tell whether it got that far."""
    fault = At(world.s3, nth, happen)
    with contextlib.suppress(*ENDS):
        world.lead()
    world.s3.hook = None
    return fault.happened


def worlds(happen: Happen) -> Iterator[tuple[int, World]]:
    for nth in count():
        world = befallen(happen, nth)
        if world is None:
            assert nth > 9, "a term writes more than that"
            return
        yield nth, world


def settle(world: World) -> None:
    """Lead two terms: what the first writes in vain, had it been crashed, the second sweeps."""
    world.lead()
    world.lead()


@pytest.mark.parametrize("happen", BEFALLS)
def test_each_line_is_committed_once_after_a_crash_at_any_write(happen: Happen) -> None:
    for nth, world in worlds(happen):
        settle(world)
        assert not world.faults(), f"write {nth}"


@pytest.mark.parametrize("happen", [crash_before, crash_after])
def test_each_line_is_committed_once_after_crashes_at_any_write_of_two_terms(
    happen: Happen,
) -> None:
    for first, _ in worlds(happen):
        for second in range(8):
            world = befallen(happen, first)
            assert world is not None
            world.produce("0050", [b"{}", b"X"])
            lead_into(world, happen, second)
            settle(world)
            assert not world.faults(), f"writes {first} and {second}"


def test_a_write_that_lands_after_the_next_term_changes_nothing() -> None:
    late: list[Perform] = []
    for nth, world in worlds(crash_under_way(late)):
        world.lead()
        land(late)
        settle(world)
        assert not world.faults(), f"write {nth}"


@pytest.mark.parametrize("amid", range(9))
def test_a_write_that_lands_amid_the_next_term_changes_nothing(amid: int) -> None:
    late: list[Perform] = []

    def land_now(name: str, perform: Perform) -> Any:
        land(late)
        return perform()

    for nth, world in worlds(crash_under_way(late)):
        lead_into(world, land_now, amid)
        land(late)
        settle(world)
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


def test_finished_deletions_are_named_no_more() -> None:
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


def test_orphans_that_cannot_be_deleted_do_not_keep_the_job_from_its_work() -> None:
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
    """Crash right before the first commit: claim, part, rejects and a kept input come before."""
    lead_into(world, crash_before, 4)


def crash_at_deletion(world: World) -> None:
    """Crash between a commit and the deletion of its inputs."""

    def crash(name: str, given: dict[str, Any], perform: Perform) -> Any:
        if name == "delete_objects":
            raise Crashed(name)
        return perform()

    world.s3.hook = crash
    with pytest.raises(Crashed):
        world.lead()
    world.s3.hook = None


def crash_under_way(late: list[Perform]) -> Happen:
    """Crash with the write still under way; it is put into `late`."""

    def happen(name: str, perform: Perform) -> Any:
        late.append(perform)
        raise Crashed(name)

    return happen


def land(late: list[Perform]) -> None:
    """Let writes arrive whose answers nobody hears."""
    while late:
        with contextlib.suppress(*ENDS):
            late.pop()()
