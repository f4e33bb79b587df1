"""Batches and their limits, and stopping in time."""

from __future__ import annotations

import gzip
import io
import tracemalloc
from threading import Event
from typing import Any

import pytest
from botocore.response import StreamingBody

from compaction import Limits, committed
from tests.fast.compaction.fake_s3 import Perform
from tests.fast.compaction.world import BUCKET, FakeTerm, World


def parts(world: World) -> list[int]:
    """Return how many lines each part has."""
    entries = committed(world.s3.client(), BUCKET, manifest=world.document()).parts
    return [entry["lines"] for entry in entries]


def test_a_batch_takes_so_many_objects_and_no_more() -> None:
    world = World(limits=Limits(batch_objects=3), page_size=2)
    for name in "abcdefg":
        world.produce(name, [b"{}"])
    world.lead()
    assert parts(world) == [3, 3, 1]


def test_a_batch_takes_so_many_bytes_and_no_more() -> None:
    world = World(limits=Limits(batch_bytes=100))
    for name in "abcde":
        world.produce(name, [b'"' + b"x" * 38 + b'"'])  # 40 bytes
    world.lead()
    assert parts(world) == [2, 2, 1]


def test_bytes_of_a_batch_are_counted_decompressed() -> None:
    world = World(limits=Limits(batch_bytes=1000))
    for name in "abc":
        world.produce(name, [b'"' + b"x" * 600 + b'"'], packed=True)
    world.lead()
    assert parts(world) == [1, 1, 1]


def test_an_object_larger_than_a_batch_is_a_batch_of_its_own() -> None:
    world = World(limits=Limits(batch_bytes=100, object_memory=50))
    world.produce("a", [b"1"])
    world.produce("b", [b"2"] * 500)
    world.produce("c", [b"3"])
    world.lead()
    assert parts(world) == [1, 500, 1]


def test_an_object_larger_than_the_limit_is_rejected_as_a_whole_and_kept() -> None:
    world = World(limits=Limits(object_bytes=1000, object_memory=100))
    body = gzip.compress(b"12345\n" * 1000)
    world.s3.put("events/large", body)
    world.lead()
    kept = [key for key in world.s3.list_keys("rejected/") if key.endswith("-large")]
    assert [world.s3.body(key) for key in kept] == [body]


def test_the_same_inputs_make_the_same_bytes() -> None:
    digests = []
    for readers in (1, 8):
        world = World(limits=Limits(readers=readers))
        world.produce_some(20)
        world.lead()
        entries = committed(world.s3.client(), BUCKET, manifest=world.document()).parts
        digests.append([entry["sha256"] for entry in entries])
    assert digests[0] == digests[1]


def test_objects_are_read_side_by_side() -> None:
    world = World(limits=Limits(readers=4))
    world.produce_some(20)
    under_way, most = 0, 0

    def watch(name: str, given: dict[str, Any], perform: Perform) -> Any:
        nonlocal under_way, most
        if name != "get_object" or not given["Key"].startswith("events/"):
            return perform()
        under_way += 1
        most = max(most, under_way)
        meet.wait() if under_way < 2 and most < 2 else meet.set()
        under_way -= 1
        return perform()

    meet = Event()
    world.s3.hook = watch
    world.lead()
    assert most > 1


def test_folders_that_somebody_made_are_left_alone() -> None:
    world = World()
    world.s3.put("events/", b"")
    world.s3.put("events/2026/", b"")
    world.lead()
    assert world.s3.list_keys("events/") == ["events/", "events/2026/"]


def test_an_empty_object_is_deleted_without_a_part() -> None:
    world = World()
    world.produce("empty", [])
    world.lead()
    assert (world.s3.list_keys("events/"), parts(world)) == ([], [])


def test_an_object_that_is_gone_when_it_is_read_is_passed_over() -> None:
    world = World()
    world.produce_some(3)

    def lose(name: str, given: dict[str, Any], perform: Perform) -> Any:
        if name == "get_object" and given["Key"].startswith("events/"):
            world.s3.delete("events/0002")
        return perform()

    world.s3.hook = lose
    assert world.lead().gone == 1


def test_an_object_written_again_since_it_was_listed_is_left_for_the_next_term() -> None:
    world = World()
    key = world.produce("a", [b"1"])

    def write_again(name: str, given: dict[str, Any], perform: Perform) -> Any:
        if name == "get_object" and given["Key"] == key:
            world.s3.put(key, b"2")
        return perform()

    world.s3.hook = write_again
    world.lead()
    assert (world.committed().total(), world.waiting()) == (0, [key])


@pytest.mark.parametrize("packed", [False, True])
def test_a_body_that_breaks_off_does_not_pass_for_the_whole(*, packed: bool) -> None:
    world = World()
    key = world.produce("a", [b'{"n": %d}' % n for n in range(50)], packed=packed)
    broken: list[str] = []

    def break_off(name: str, given: dict[str, Any], perform: Perform) -> Any:
        answer = perform()
        if name == "get_object" and given["Key"] == key and not broken:
            broken.append(key)
            body = world.s3.body(key)
            answer["Body"] = StreamingBody(io.BytesIO(body[: len(body) // 2]), len(body))
        return answer

    world.s3.hook = break_off
    world.lead()
    assert broken
    assert not world.faults()


# ------------------------------------------------------------------------------- stopping


def test_it_stops_between_objects_and_commits_what_it_has_read() -> None:
    world = World(limits=Limits(readers=1))
    for name in "abcdef":
        world.produce(name, [b"{}"])
    asked = iter([False, False, False, True, True])
    summary = world.lead(should_stop=lambda: next(asked))
    assert (summary.stopped_early, summary.objects, parts(world)) == (True, 3, [3])


def test_the_next_term_does_the_rest() -> None:
    world = World()
    world.produce_some(9)
    asked = iter([False] * 4 + [True] * 4)
    world.lead(should_stop=lambda: next(asked))
    world.lead()
    assert not world.faults()


def test_the_next_term_begins_where_the_last_one_had_to_stop() -> None:
    world = World(limits=Limits(readers=1))
    for name in "bcdef":
        world.produce(name, [b"{}"])
    first, second = FakeTerm(1), FakeTerm(2)
    asked = iter([False, False, True])
    world.lead(first, should_stop=lambda: next(asked))
    second.state = first.state
    world.produce("a", [b"{}"])
    asked = iter([False, False, False, True])
    world.lead(second, should_stop=lambda: next(asked, True))
    assert world.waiting() == ["events/a"]


@pytest.mark.parametrize("batch_objects", [1, 3, 1000])
def test_all_are_seen_once_wherever_it_begins(batch_objects: int) -> None:
    world = World(page_size=2, limits=Limits(batch_objects=batch_objects))
    world.produce_some(7)
    term = FakeTerm(1)
    term.state = {"resume_after": "events/0003"}
    world.lead(term)
    assert not world.faults()


def test_a_term_may_compact_more_than_once() -> None:
    world = World()
    for at in (0, 100):
        world.produce_some(5, start=at)
        world.lead(FakeTerm(1))
    assert not world.faults()


def test_a_large_object_that_cannot_be_read_in_time_does_not_hold_up_those_behind_it() -> None:
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


def test_nothing_is_begun_when_there_is_no_time() -> None:
    world = World()
    world.produce_some(3)
    assert world.lead(should_stop=lambda: True).objects == 0


# --------------------------------------------------------------------- memory and reports


def test_memory_is_bounded_by_the_batch_and_not_by_the_backlog() -> None:
    body = b'{"some": "event", "of": "no importance"}\n' * 500  # 20 KB
    peaks = []
    for backlog in (15, 75):
        limits = Limits(batch_bytes=150_000, object_memory=25_000, readers=2)
        world = World(limits=limits, page_size=20)
        for n in range(backlog):
            world.s3.put(f"events/{n:04}", body)
        tracemalloc.start()
        world.lead()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 500_000


def test_progress_is_saved_after_each_batch() -> None:
    world = World(limits=Limits(batch_objects=2))
    for name in "abcde":
        world.produce(name, [b"{}"])
    term = FakeTerm(1)
    world.lead(term)
    assert [state["lines"] for state in term.saved] == [2, 4, 5]


def test_the_summary_counts_what_was_done() -> None:
    world = World(limits=Limits())
    world.produce("a", [b"{}", b"X", b""])
    world.produce("b", [b"{}", b" ", b"1", b"X", b"X"], packed=True)
    done = world.lead()
    counted = (done.objects, done.lines, done.rejected, done.blank, done.parts, done.batches)
    assert counted == (2, 3, 3, 1, 1, 1)


def test_each_commit_is_logged_with_its_numbers(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "compaction")
    world = World(limits=Limits())
    world.produce_some(3)
    world.lead()
    commits = [vars(record) for record in caplog.records if record.message == "committed a batch"]
    assert [(one["objects"], one["lines"], one["rejected"]) for one in commits] == [(4, 9, 4)]


@pytest.mark.parametrize("wrong", [0, -1, 1.5, True])
def test_limits_that_cannot_be_met_are_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="batch_objects must be a whole number above 0"):
        Limits(batch_objects=wrong)
