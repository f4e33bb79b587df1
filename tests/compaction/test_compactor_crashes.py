"""A term crashes, or loses an answer, at any of its requests; later terms repair what it left."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from itertools import count
from typing import Any

import pytest

from tests.compaction.fake_s3 import REQUESTS, WRITES, Perform, s3_error
from tests.compaction.world import (
    ENDS,
    Crashed,
    World,
    crash_after,
    crash_before,
    echo,
    lose_answer,
    lose_request,
    world_with_backlog,
)

Fault = Callable[[str, Perform], Any]


def worlds(
    fault: Fault, *, held: bool = False, counts: Collection[str] = WRITES
) -> Iterator[tuple[int, World]]:
    """Yield a world for each request of a term that met the fault there."""
    for nth in count():
        world = world_with_backlog(held=held)
        if not world.lead_with(fault, nth, counts=counts):
            assert nth > 9, "a term has more requests than that"
            return
        yield nth, world


@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("fault", [crash_before, crash_after, lose_answer, lose_request, echo])
def test_each_line_is_committed_once_after_a_fault_at_any_request(
    fault: Fault, *, held: bool
) -> None:
    for nth, world in worlds(fault, held=held, counts=REQUESTS):
        assert not world.recover(), f"request {nth}"


def test_each_line_is_committed_once_after_crashes_at_any_write_of_two_terms() -> None:
    """A crash after a write leaves the bucket as a crash before the next one does."""
    for second in range(8):
        for first, world in worlds(crash_before):
            world.produce("0050", [b"{}", b"X"])
            world.lead_with(crash_before, second)
            assert not world.recover(), f"writes {first} and {second}"


@pytest.mark.parametrize("during", [*range(9), None])
def test_write_that_arrives_during_or_after_the_next_term_changes_nothing(
    during: int | None,
) -> None:
    late: list[Perform] = []

    def crash_in_flight(name: str, perform: Perform) -> Any:
        late.append(perform)
        raise Crashed(name)

    def deliver() -> None:
        while late:
            with contextlib.suppress(*ENDS):
                late.pop()()

    def deliver_now(name: str, perform: Perform) -> Any:
        deliver()
        return perform()

    for nth, world in worlds(crash_in_flight):
        world.lead_with(deliver_now, 1000 if during is None else during)
        deliver()
        assert not world.recover(), f"write {nth}"


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


@pytest.fixture
def undeleted() -> World:
    """A world whose last term crashed between COMMIT and DELETE."""
    world = World()
    world.produce_some(2)
    world.lead_with(crash_before, 0, counts={"delete_objects"})
    return world


def test_committed_inputs_are_not_compacted_again_though_the_listing_still_shows_them(
    undeleted: World,
) -> None:
    shown = {key: undeleted.s3.body(key) for key in undeleted.s3.list_keys("events/")}

    def undelete(name: str, given: dict[str, Any], perform: Perform) -> Any:
        answer = perform()
        if name == "delete_objects":
            for key, body in shown.items():
                undeleted.s3.put(key, body)
        return answer

    undeleted.s3.hook = undelete
    undeleted.lead()
    assert undeleted.committed() == undeleted.good


def test_the_next_term_first_deletes_exactly_the_inputs_of_the_last_commit(
    undeleted: World,
) -> None:
    inputs = undeleted.s3.list_keys("events/")
    undeleted.produce("0000-late", [b"{}"])
    deleted: list[list[str]] = []

    def note(name: str, given: dict[str, Any], perform: Perform) -> Any:
        if name == "delete_objects":
            deleted.append([item["Key"] for item in given["Delete"]["Objects"]])
        return perform()

    undeleted.s3.hook = note
    undeleted.lead()
    assert (deleted[0], undeleted.manifest().deleting) == (inputs, ())


@pytest.fixture
def uncommitted() -> World:
    """A world whose last term crashed before its first COMMIT: after CLAIM, KEEP, two UPLOADs."""
    world = World()
    world.produce_some(2)
    world.lead_with(crash_before, 4)
    return world


def test_files_of_a_batch_that_was_never_committed_are_swept(uncommitted: World) -> None:
    orphans = uncommitted.orphans()
    assert uncommitted.lead().orphans == len(orphans) > 0


def test_orphans_that_cannot_be_deleted_do_not_stop_the_job(uncommitted: World) -> None:
    denied = s3_error("DeleteObjects", "AccessDenied", 403)
    uncommitted.s3.fail("delete_objects", denied, times=1)
    uncommitted.lead()
    assert uncommitted.committed() == uncommitted.good
