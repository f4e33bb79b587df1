"""An input that S3 does not serve, or that is hostile, does not delay the others."""

from __future__ import annotations

import gzip
import io
import lzma
import threading
import tracemalloc
from itertools import count
from threading import Barrier
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError
from botocore.response import StreamingBody

from compaction import InputsWithheld, Limits
from s3leader import LeadershipLost
from tests.compaction.fake_s3 import Perform, s3_error
from tests.compaction.world import FakeTerm, World

ARCHIVED = s3_error("GetObject", "InvalidObjectState", 403)


def world_of(names: str = "abcde", *, withheld: str = "") -> World:
    """Return a world with an input of one line for each name; S3 does not serve some of them."""
    world = World(limits=Limits(readers=1, batch_objects=2))
    for name in names:
        world.produce(name, [b'"%s"' % name.encode()])
    if withheld:
        world.s3.fail("get_object", ARCHIVED, keys=[f"events/{name}" for name in withheld])
    return world


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("InvalidObjectState", 403),
        ("AccessDenied", 403),
        ("KMS.DisabledException", 400),
        ("KMS.KMSInvalidStateException", 409),
        ("InvalidRequest", 400),
        ("InternalError", 500),
    ],
)
def test_inputs_behind_a_withheld_one_are_committed(code: str, status: int) -> None:
    world = world_of()
    world.s3.fail("get_object", s3_error("GetObject", code, status), keys=["events/b"])
    with pytest.raises(InputsWithheld, match=rf"1 inputs.*events/b \({code}\)"):
        world.lead()
    assert sorted(world.committed()) == [b'"a"', b'"c"', b'"d"', b'"e"']
    assert (world.waiting(), world.records()) == (["events/b"], [])


def test_withheld_input_is_compacted_once_s3_serves_it() -> None:
    world = world_of(withheld="ae")
    world.fail_to_lead()
    world.s3.hook = None
    world.lead()
    assert not world.faults()


def test_withheld_inputs_are_counted_and_logged_and_the_first_few_named_in_the_lock(
    caplog: pytest.LogCaptureFixture,
) -> None:
    term = FakeTerm(1)
    summary = world_of(withheld="abcd").fail_to_lead(term)
    named = dict.fromkeys(["events/a", "events/b", "events/c"], "InvalidObjectState")
    assert (summary.withheld, term.state["withheld_first"], summary.lines) == (4, named, 1)
    logged = [text for text in caplog.messages if "does not serve" in text]
    assert logged == [f"S3 does not serve events/{x}: InvalidObjectState" for x in "abcd"]


def test_withheld_input_is_named_in_the_lock_even_if_nothing_was_committed() -> None:
    term = FakeTerm(1)
    world_of("a", withheld="a").fail_to_lead(term)
    assert term.state["withheld_first"] == {"events/a": "InvalidObjectState"}


def test_term_that_runs_out_of_time_and_fails_saves_where_to_resume() -> None:
    world, term = world_of(withheld="ab"), FakeTerm(1)
    asked = iter([False, False])
    world.fail_to_lead(term, should_stop=lambda: next(asked, True))
    assert term.state["resume_after"] == "events/b"


def test_input_too_large_to_be_copied_is_withheld() -> None:
    """If it were rejected, its copy would be refused in every term."""
    world = world_of()

    def hook(name: str, given: dict[str, Any], perform: Perform) -> Any:
        answer = perform()
        if name == "list_objects_v2" and given["Prefix"] == "events/":
            for item in answer.get("Contents", ()):
                item["Size"] += (item["Key"] == "events/b") * 5 * 1024**3
        return answer

    world.s3.hook = hook
    with pytest.raises(InputsWithheld, match=r"events/b \(EntityTooLarge\)"):
        world.lead()


@pytest.mark.parametrize("code", ["AccessDenied", "InvalidRequest", "InternalError"])
def test_input_that_cannot_be_copied_is_withheld_and_the_others_are_committed(code: str) -> None:
    world = world_of("ac")
    world.s3.put("events/b.xz", lzma.compress(b"{}"))
    status = 500 if code == "InternalError" else 403
    world.s3.fail("copy_object", s3_error("CopyObject", code, status))
    with pytest.raises(InputsWithheld, match=rf"events/b\.xz \({code}\)"):
        world.lead()
    assert (world.committed(), world.waiting()) == (world.good, ["events/b.xz"])


def test_input_that_changes_before_it_is_copied_is_left_to_the_next_term() -> None:
    world = World()
    world.s3.put("events/a", lzma.compress(b"{}"))
    world.s3.before("copy_object", lambda: world.s3.put("events/a", b"1\n"))
    assert (world.lead().gone, world.waiting()) == (1, ["events/a"])


def break_off(world: World, key: str, *, times: int) -> None:
    """Let the next bodies of an object end in the middle."""
    left = count()

    def hook(name: str, given: dict[str, Any], perform: Perform) -> Any:
        answer = perform()
        if name == "get_object" and given["Key"] == key and next(left) < times:
            body = world.s3.body(key)
            answer["Body"] = StreamingBody(io.BytesIO(body[: len(body) // 2]), len(body))
        return answer

    world.s3.hook = hook


def test_input_whose_body_always_breaks_off_is_withheld() -> None:
    world = world_of("abc")
    break_off(world, "events/b", times=100)
    with pytest.raises(InputsWithheld, match=r"events/b \(IncompleteBody\)"):
        world.lead()
    assert (sorted(world.committed()), world.waiting()) == ([b'"a"', b'"c"'], ["events/b"])


@pytest.mark.parametrize("packed", [False, True])
def test_body_that_breaks_off_is_not_taken_for_the_whole(*, packed: bool) -> None:
    world = World()
    key = world.produce("a", [b'{"n": %d}' % n for n in range(50)], packed=packed)
    break_off(world, key, times=1)
    world.lead()
    assert (world.s3.log.count("get_object") > 2, world.faults()) == (True, [])


@pytest.mark.parametrize(
    "error",
    [
        s3_error("GetObject", "ServiceUnavailable", 503),
        s3_error("GetObject", "SlowDown", 503),
        s3_error("GetObject", "SlowDown", 400),
        s3_error("GetObject", "KMS.ThrottlingException", 400),
        s3_error("GetObject", "TooManyRequests", 429),
        s3_error("GetObject", "421", 421),
        s3_error("GetObject", "425", 425),
        s3_error("GetObject", "RequestTimeout", 400),
        s3_error("GetObject", "ExpiredToken", 400),
        s3_error("GetObject", "NoSuchBucket", 404),
        ConnectionClosedError(endpoint_url="s3"),
    ],
)
def test_error_that_does_not_concern_one_key_ends_the_term(error: Exception) -> None:
    world = world_of()
    world.s3.fail("get_object", error, keys=["events/a"])
    with pytest.raises((ClientError, ConnectionClosedError)):
        world.lead()


def test_small_gzip_of_nul_lines_makes_small_records_and_is_kept() -> None:
    world = World(limits=Limits(binary_percent=100, malformed_percent=100))
    body = gzip.compress((b"\0" * (4 * 1024 * 1024) + b"\n") * 8)
    world.s3.put("events/nul.gz", body)
    world.lead()
    (entry,) = world.entries().rejected
    (kept,) = {record["kept"] for record in world.records()}
    assert (entry["lines"], entry["bytes"] < 256 * 1024) == (8, True)
    assert world.s3.body(kept) == body


def test_records_count_towards_the_bytes_of_a_batch() -> None:
    world = World(limits=Limits(batch_bytes=1000, binary_percent=100))
    for name in "abc":
        world.produce(name, [b"1", b"X" + b"\0" * 100])
    world.lead()
    assert [entry["lines"] for entry in world.entries().rejected] == [1, 1, 1]


def backlog(count: int) -> World:
    """Return a world with so many inputs, and with as many readers as a function has."""
    world = World(limits=Limits(batch_objects=20), page_size=20)
    for number in range(count):
        world.produce(f"{number:04}", [b'"%d"' % number])
    return world


def test_backlog_of_large_objects_takes_no_more_memory_with_all_readers() -> None:
    """Of 40 objects of 900 KB, two are held at a time; with all readers' it would be 29 MB."""
    world = World(limits=Limits(ahead_bytes=2 * 1024**2))
    line = b'"%s"\n' % (b"x" * 10_000)
    for number in range(40):
        world.s3.put(f"events/{number:04}", line * 90)
    others = threading.Event()

    def hold_first(name: str, given: dict[str, Any], perform: Perform) -> Any:
        if given.get("Key") == "events/0000":
            others.wait(30)  # for as many as can be read meanwhile
        elif given.get("Key") == "events/0001":
            others.set()
        return perform()

    world.s3.hook = hold_first
    tracemalloc.start()
    world.lead()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8_000_000, peak


def test_readers_begin_after_the_claim_and_before_the_sweep() -> None:
    world = backlog(3)
    both = Barrier(2)
    claimed: list[bool] = []

    def meet(name: str, given: dict[str, Any], perform: Perform) -> Any:
        key = given.get("Key", given.get("Prefix", ""))
        if name == "list_objects_v2" and key == "events/":
            claimed.append("put_object" in world.s3.log)
        if (name, key) in {("get_object", "events/0000"), ("list_objects_v2", "compacted/term_")}:
            both.wait(timeout=30)
        return perform()

    world.s3.hook = meet
    world.lead()
    assert (claimed[0], world.faults()) == (True, [])


@pytest.mark.parametrize("at", ["0000", "0023", "0059"])
def test_error_of_any_reader_loses_nothing_and_ends_all_readers(at: str) -> None:
    world = backlog(60)
    error = ConnectionClosedError(endpoint_url="s3")
    world.s3.fail("get_object", error, keys=[f"events/{at}"])
    with pytest.raises(ConnectionClosedError):
        world.lead()
    assert readers_alive() == []
    world.s3.hook = None
    world.lead()
    assert world.faults() == []


def test_term_that_is_lost_ends_all_readers() -> None:
    world, term = backlog(60), FakeTerm(1)
    world.s3.before("put_object", lambda: setattr(term, "held", len(world.s3.log) < 9))
    with pytest.raises(LeadershipLost):
        world.lead(term)
    assert readers_alive() == []


def readers_alive() -> list[str]:
    """Return the threads that read or list inputs."""
    names = (each.name for each in threading.enumerate())
    return [name for name in names if name.startswith("compaction-")]
