"""An input that S3 does not serve, or that is hostile, does not delay the others."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from compaction import InputsWithheld, Limits, committed
from tests.fast.compaction.fake_s3 import Perform, s3_error
from tests.fast.compaction.world import BUCKET, FakeTerm, World

ONE_BY_ONE = Limits(readers=1, batch_objects=2)


def withholding(world: World, *names: str, error: Exception | None = None) -> None:
    """Let reads of these inputs end in an error, as of an archived one."""
    keys = {f"events/{name}" for name in names}
    error = s3_error("GetObject", "InvalidObjectState", 403) if error is None else error

    def hook(name: str, given: dict[str, Any], perform: Perform) -> Any:
        if name == "get_object" and given["Key"] in keys:
            raise error
        return perform()

    world.s3.hook = hook


def produced(names: str = "abcde") -> World:
    world = World(limits=ONE_BY_ONE)
    for name in names:
        world.produce(name, [b'"%s"' % name.encode()])
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
def test_inputs_behind_one_that_is_withheld_are_committed(code: str, status: int) -> None:
    world = produced()
    withholding(world, "b", error=s3_error("GetObject", code, status))
    with pytest.raises(InputsWithheld, match=rf"1 inputs.*events/b \({code}\)"):
        world.lead()
    assert (sorted(world.committed()), world.waiting()) == (
        [b'"a"', b'"c"', b'"d"', b'"e"'],
        ["events/b"],
    )


def test_withheld_input_is_compacted_once_s3_serves_it() -> None:
    world = produced()
    withholding(world, "a", "e")
    with pytest.raises(InputsWithheld):
        world.lead()
    world.s3.hook = None
    world.lead()
    assert not world.faults()


def test_a_withheld_input_is_not_rejected() -> None:
    world = produced()
    withholding(world, "b")
    with pytest.raises(InputsWithheld):
        world.lead()
    assert not world.rejected()


def test_all_withheld_inputs_are_counted_and_the_first_few_named() -> None:
    world = produced()
    withholding(world, *"abcd")
    with pytest.raises(InputsWithheld) as caught:
        world.lead()
    summary = caught.value.summary
    named = dict.fromkeys(["events/a", "events/b", "events/c"], "InvalidObjectState")
    assert (summary.withheld, summary.withheld_first, summary.lines) == (4, named, 1)


def test_each_withheld_input_is_named_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    world = produced()
    withholding(world, *"abcd")
    with pytest.raises(InputsWithheld):
        world.lead()
    logged = [text for text in caplog.messages if "does not serve" in text]
    assert logged == [f"S3 does not serve events/{x}: InvalidObjectState" for x in "abcd"]


def test_withheld_inputs_are_named_in_the_lock_though_nothing_was_committed() -> None:
    world, term = produced("a"), FakeTerm(1)
    withholding(world, "a")
    with pytest.raises(InputsWithheld):
        world.lead(term)
    assert term.state["withheld_first"] == {"events/a": "InvalidObjectState"}


def test_a_term_without_time_for_all_says_where_to_resume_before_it_fails() -> None:
    world, term = produced(), FakeTerm(1)
    withholding(world, "a", "b")
    asked = iter([False, False])
    with pytest.raises(InputsWithheld):
        world.lead(term, should_stop=lambda: next(asked, True))
    assert term.state["resume_after"] == "events/b"


def test_an_input_too_large_to_be_copied_is_withheld() -> None:
    """Were it rejected, its copy would be refused, in every term."""
    world = produced()

    def hook(name: str, given: dict[str, Any], perform: Perform) -> Any:
        answer = perform()
        if name == "list_objects_v2" and given["Prefix"] == "events/":
            for item in answer.get("Contents", ()):
                item["Size"] += (item["Key"] == "events/b") * 5 * 1024**3
        return answer

    world.s3.hook = hook
    with pytest.raises(InputsWithheld, match=r"events/b \(EntityTooLarge\)"):
        world.lead()


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
    world = produced()
    withholding(world, "a", error=error)
    with pytest.raises((ClientError, ConnectionClosedError)):
        world.lead()


# ------------------------------------------------------------------------ records in bounds


def test_a_small_gzip_of_nul_lines_makes_small_records_and_loses_nothing() -> None:
    world = World(limits=Limits(binary_percent=100, malformed_percent=100))
    body = gzip.compress((b"\0" * (4 * 1024 * 1024) + b"\n") * 8)
    world.s3.put("events/nul.gz", body)
    world.lead()
    (entry,) = committed(world.s3.client(), BUCKET, manifest=world.document()).rejected
    (kept,) = {record["kept"] for record in world.records(entry)}
    assert (entry["lines"], entry["bytes"] < 256 * 1024) == (8, True)
    assert world.s3.body(kept) == body


def test_an_object_with_too_many_records_is_one_record_and_is_kept() -> None:
    world = World(limits=Limits(record_bytes=1000))
    body = b"{}\n" + b"x\n" * 100
    world.s3.put("events/bad", body)
    world.lead()
    (entry,) = committed(world.s3.client(), BUCKET, manifest=world.document()).rejected
    (record,) = world.records(entry)
    found = (record["key"], record["line"], world.s3.body(record["kept"]))
    assert (found, world.committed().total()) == (("events/bad", 0, body), 0)


def test_records_count_towards_the_bytes_of_a_batch() -> None:
    world = World(limits=Limits(batch_bytes=1000, binary_percent=100))
    for name in "abc":
        world.produce(name, [b"1", b"X" + b"\0" * 100])
    world.lead()
    entries = committed(world.s3.client(), BUCKET, manifest=world.document()).rejected
    assert [entry["lines"] for entry in entries] == [1, 1, 1]
