"""Batches and their limits, and stopping in time."""

from __future__ import annotations

import gzip
import tracemalloc
from itertools import count
from threading import Barrier
from typing import Any

import pytest

from compaction import Limits
from tests.compaction.fake_s3 import Perform
from tests.compaction.world import FakeTerm, World


def world_of(names: str, limits: Limits) -> World:
    """Return a world with an input of one line for each name."""
    world = World(limits=limits)
    for name in names:
        world.produce(name, [b"{}"])
    return world


def parts(world: World) -> list[int]:
    """Return how many lines each part has."""
    return [entry["lines"] for entry in world.entries().parts]


@pytest.mark.parametrize(
    ("limits", "inputs", "packed", "expected"),
    [
        pytest.param(Limits(batch_objects=3), [[b"1"]] * 7, False, [3, 3, 1], id="objects"),
        pytest.param(
            Limits(batch_bytes=100), [[b"1" * 40]] * 5, False, [2, 2, 1], id="bytes of lines"
        ),
        pytest.param(
            Limits(batch_bytes=1000), [[b"1" * 600]] * 3, True, [1, 1, 1], id="decompressed bytes"
        ),
        pytest.param(
            Limits(batch_bytes=100, object_memory=50),
            [[b"1"], [b"2"] * 500, [b"3"]],
            False,
            [1, 500, 1],
            id="one object larger than a batch",
        ),
        pytest.param(Limits(), [[]], False, [], id="empty object"),
    ],
)
def test_batch_takes_as_many_inputs_as_its_limits_allow(
    limits: Limits, inputs: list[list[bytes]], expected: list[int], *, packed: bool
) -> None:
    world = World(limits=limits, page_size=2)
    for number, texts in enumerate(inputs):
        world.produce(f"{number}", texts, packed=packed)
    world.lead()
    assert (parts(world), world.faults()) == (expected, [])


def test_object_larger_than_the_limit_is_rejected_as_a_whole_and_kept() -> None:
    world = World(limits=Limits(object_bytes=1000, object_memory=100))
    body = gzip.compress(b"12345\n" * 1000)
    world.s3.put("events/large", body)
    world.lead()
    assert [world.s3.body(record["kept"]) for record in world.records()] == [body]


def test_same_inputs_make_the_same_bytes() -> None:
    digests = []
    for readers in (1, 8):
        world = World(limits=Limits(readers=readers))
        world.produce_some(20)
        world.lead()
        digests.append([entry["sha256"] for entry in world.entries().parts])
    assert digests[0] == digests[1]


def test_objects_are_read_side_by_side() -> None:
    world = World(limits=Limits(readers=4))
    world.produce_some(20)
    reads, both = count(), Barrier(2)

    def meet(name: str, given: dict[str, Any], perform: Perform) -> Any:
        if name == "get_object" and given["Key"].startswith("events/") and next(reads) < 2:
            both.wait(timeout=10)
        return perform()

    world.s3.hook = meet
    world.lead()
    assert not world.faults()


def test_folders_that_somebody_made_are_left_alone() -> None:
    world = World()
    world.s3.put("events/", b"")
    world.s3.put("events/2026/", b"")
    world.lead()
    assert world.s3.list_keys("events/") == ["events/", "events/2026/"]


def test_object_that_is_gone_when_it_is_read_is_passed_over() -> None:
    world = World()
    world.produce_some(3)
    key = "events/0002"
    world.s3.before("get_object", lambda: world.s3.delete(key), keys=[key])
    assert world.lead().gone == 1


def test_object_written_again_since_it_was_listed_is_left_for_the_next_term() -> None:
    world = World()
    key = world.produce("a", [b"1"])
    world.s3.before("get_object", lambda: world.s3.put(key, b"2"), keys=[key])
    world.lead()
    assert (world.committed().total(), world.waiting()) == (0, [key])


def test_term_that_must_stop_commits_what_it_has_read_and_the_next_does_the_rest() -> None:
    world = world_of("abcdef", Limits(readers=1))
    asked = iter([False, False, False, True, True])
    summary = world.lead(should_stop=lambda: next(asked))
    assert (summary.stopped_early, summary.objects, parts(world)) == (True, 3, [3])
    world.lead()
    assert not world.faults()


def test_next_term_begins_where_the_last_one_had_to_stop() -> None:
    world = world_of("bcdef", Limits(readers=1))
    first, second = FakeTerm(1), FakeTerm(2)
    asked = iter([False, False, True])
    world.lead(first, should_stop=lambda: next(asked))
    second.state = first.state
    world.produce("a", [b"{}"])
    asked = iter([False, False, False, True])
    world.lead(second, should_stop=lambda: next(asked, True))
    assert world.waiting() == ["events/a"]


@pytest.mark.parametrize("batch_objects", [1, 3, 1000])
def test_all_inputs_are_seen_once_wherever_a_term_begins(batch_objects: int) -> None:
    world = World(page_size=2, limits=Limits(batch_objects=batch_objects))
    world.produce_some(7)
    term = FakeTerm(1)
    term.state = {"resume_after": "events/0003"}
    world.lead(term)
    assert not world.faults()


def test_term_may_compact_more_than_once() -> None:
    world = World()
    for at in (0, 100):
        world.produce_some(5, start=at)
        world.lead(FakeTerm(1))
    assert not world.faults()


def test_large_object_that_cannot_be_read_in_time_does_not_hold_up_those_behind_it() -> None:
    world = World(limits=Limits(object_memory=100, readers=1))
    world.produce("large", [b"1"] * 200_000)
    world.produce("small", [b"2"])
    term, following = FakeTerm(1), FakeTerm(2)
    reading = False

    def reads(name: str, given: dict[str, Any], perform: Perform) -> Any:
        nonlocal reading
        reading = reading or given.get("Key") == "events/large"
        return perform()

    world.s3.hook = reads
    world.lead(term, should_stop=lambda: reading)
    following.state = term.state
    reading = False
    world.lead(following, should_stop=lambda: reading)
    assert world.committed() == {b"2": 1}


def test_memory_is_bounded_by_the_batch_and_not_by_the_backlog() -> None:
    body = b'{"some": "event", "of": "no importance"}\n' * 500  # 20 KB
    peaks = []
    for backlog in (15, 75):
        limits = Limits(batch_bytes=150_000, object_memory=25_000, readers=2, ahead_bytes=150_000)
        world = World(limits=limits, page_size=20)
        for n in range(backlog):
            world.s3.put(f"events/{n:04}", body)
        tracemalloc.start()
        world.lead()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 500_000


def test_progress_is_saved_after_each_batch() -> None:
    term = FakeTerm(1)
    world_of("abcde", Limits(batch_objects=2)).lead(term)
    assert [state["lines"] for state in term.saved] == [2, 4, 5]


def test_summary_and_log_have_the_numbers_of_what_was_done(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "compaction")
    world = World(limits=Limits())
    world.produce("a", [b"{}", b"X", b""])
    world.produce("b", [b"{}", b" ", b"1", b"X", b"X"], packed=True)
    done = world.lead()
    counted = (done.objects, done.lines, done.rejected, done.blank, done.parts, done.batches)
    assert counted == (2, 3, 3, 1, 1, 1)
    (commit,) = [vars(record) for record in caplog.records if "a batch" in record.message]
    assert (commit["objects"], commit["lines"], commit["rejected"]) == (2, 3, 3)


@pytest.mark.parametrize(
    ("name", "wrong", "match"),
    [
        *[("batch_objects", wrong, "must be a whole number above 0") for wrong in (0, -1, 1.5)],
        ("binary_percent", 101, "must be at most 100, got 101"),
    ],
)
def test_limits_that_cannot_be_met_are_refused(name: str, wrong: Any, match: str) -> None:
    with pytest.raises(ValueError, match=f"{name} {match}"):
        Limits(**{name: wrong})
