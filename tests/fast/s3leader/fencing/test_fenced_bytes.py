"""`FencedBytes` refuses stale leaders, whatever the content, and never deletes what is named."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError, IncompleteReadError

from s3leader._core.requests import Create
from s3leader.errors import (
    BucketUnusable,
    CorruptObject,
    InvalidArgument,
    Overwritten,
    StaleToken,
    StoreUnavailable,
)
from s3leader.fencing import FencedObject, fenced_bytes
from s3leader.fencing.fenced_bytes import BytesVersion, FencedBytes
from s3leader.testing import FakeClock
from tests.compaction.fake_s3 import FakeS3, s3_error

KEY = "reports/latest.bin"
LOST = ConnectionClosedError(endpoint_url="https://s3")
names = itertools.count(1)


def leader(s3: FakeS3) -> FencedBytes:
    """Return the bytes as one process uses them; its time passes only by sleeping."""
    made = FencedBytes(KEY, bucket="data", client=s3.client())
    clock, name, numbers = FakeClock(), next(names), itertools.count(1)
    made._pointer._seams = replace(
        made._pointer._seams,
        clock_ms=clock.read_ms,
        sleep=clock.sleep,
        nonce=lambda: f"n{name}.{next(numbers)}",
    )
    return made


@pytest.fixture
def s3() -> FakeS3:
    return FakeS3()


@pytest.fixture
def report(s3: FakeS3) -> FencedBytes:
    return leader(s3)


def content(report: FencedBytes) -> bytes | None:
    stream = report.open()
    if stream is None:
        return None
    with stream:
        return stream.read()


def bodies(s3: FakeS3) -> list[str]:
    return s3.list_keys(KEY + ".bodies/")


def lose_answers(s3: FakeS3, operation: str, *, times: int, late: list[Any] | None = None) -> None:
    """Let answers be lost; if `late` is given, the requests arrive when it is called."""
    left = itertools.count()

    def hook(name: str, _: Any, perform: Callable[[], Any]) -> Any:
        if name != operation or next(left) >= times:
            return perform()
        if late is None:
            perform()
        else:
            late.append(perform)
        raise LOST

    s3.hook = hook


@pytest.mark.parametrize("data", [b"", b"\x00\xff" * 70_000], ids=["empty", "binary"])
@pytest.mark.parametrize("form", ["bytes", "path", "file"])
def test_what_is_written_is_read(
    report: FencedBytes, tmp_path: Path, form: str, data: bytes
) -> None:
    path = tmp_path / "content"
    path.write_bytes(data)
    file = io.BytesIO(data)
    file.read(7)
    given: Any = {"bytes": data, "path": path, "file": file}[form]
    version = report.write(given, token=3, after=None, content_type="image/png")
    assert content(report) == data
    assert report.read() == version
    assert (version.token, version.body and version.body.size) == (3, len(data))


def test_the_token_and_the_digest_are_in_the_metadata_of_the_body(
    s3: FakeS3, report: FencedBytes
) -> None:
    body = report.write(b"x", token=3, after=None).body
    assert body is not None
    metadata = s3.metadata(body.key)
    assert (metadata["fencing-token"], metadata["sha256"]) == ("3", body.sha256)


def test_a_stream_is_read_in_pieces_and_knows_its_version(report: FencedBytes) -> None:
    version = report.write(b"a\nb\n", token=3, after=None)
    stream = report.open()
    assert stream is not None
    with stream:
        assert stream.version == version
        assert [*io.BufferedReader(stream)] == [b"a\n", b"b\n"]


def test_nothing_is_read_before_the_first_write(report: FencedBytes) -> None:
    assert report.read() is None
    assert report.open() is None
    claimed = report.claim(3)
    assert claimed.body is None
    assert report.open() is None
    report.write(b"x", token=3, after=claimed)
    assert content(report) == b"x"


def test_a_claim_keeps_the_content_and_refuses_the_stale_leader(report: FencedBytes) -> None:
    old = report.write(b"old", token=3, after=None)
    report.claim(5)
    with pytest.raises(StaleToken) as refused:
        report.write(b"stale", token=3, after=old)
    assert (refused.value.token, refused.value.written_token) == (3, 5)
    assert content(report) == b"old"


def test_the_same_bytes_written_by_a_later_term_refuse_the_stale_leader(
    report: FencedBytes,
) -> None:
    """Their ETag as an object would be the same."""
    old = report.write(b"same", token=3, after=None)
    report.write(b"same", token=5, after=old)
    with pytest.raises(StaleToken):
        report.write(b"stale", token=3, after=old)
    assert content(report) == b"same"


def test_a_stale_leader_that_has_read_the_later_version_uploads_nothing(
    s3: FakeS3, report: FencedBytes
) -> None:
    later = report.write(b"x", token=5, after=None)
    before = bodies(s3)
    with pytest.raises(StaleToken):
        report.write(b"stale", token=3, after=later)
    assert bodies(s3) == before


def test_a_version_that_was_replaced_meanwhile_is_not_replaced_again(report: FencedBytes) -> None:
    first = report.write(b"1", token=3, after=None)
    report.write(b"2", token=3, after=first)
    with pytest.raises(Overwritten):
        report.write(b"3", token=3, after=first)
    with pytest.raises(Overwritten):
        report.write(b"3", token=3, after=None)
    assert content(report) == b"2"


@pytest.mark.parametrize("times", [1, 2, 3, 4])
def test_lost_answers_are_settled(s3: FakeS3, report: FencedBytes, times: int) -> None:
    lose_answers(s3, "put_object", times=times)
    report.write(b"x", token=3, after=None)
    assert content(report) == b"x"
    assert len(bodies(s3)) == 1


@pytest.mark.parametrize("times", [1, 2])
def test_late_copies_change_nothing(s3: FakeS3, report: FencedBytes, times: int) -> None:
    late: list[Callable[[], Any]] = []
    first = report.write(b"1", token=3, after=None)
    lose_answers(s3, "put_object", times=times, late=late)
    second = report.write(b"2", token=3, after=first)
    report.write(b"3", token=5, after=second)
    for perform in late:
        with pytest.raises(Exception, match="PreconditionFailed"):
            perform()
    assert content(report) == b"3"


def test_a_write_without_an_answer_ends_as_unknown(s3: FakeS3, report: FencedBytes) -> None:
    s3.fail("put_object", LOST)
    with pytest.raises(StoreUnavailable, match="did not say whether"):
        report.write(b"x", token=3, after=None)


def test_each_write_leaves_the_body_before_it_and_deletes_the_one_before_that(
    s3: FakeS3, report: FencedBytes
) -> None:
    version: BytesVersion | None = None
    seen = []
    for number in range(4):
        version = report.write(b"%d" % number, token=3, after=version)
        assert version.body is not None
        seen.append(version.body.key)
    assert bodies(s3) == sorted(seen[-2:])


def test_a_body_that_cannot_be_deleted_is_logged_and_the_write_is_done(
    s3: FakeS3, report: FencedBytes, caplog: pytest.LogCaptureFixture
) -> None:
    first = report.write(b"1", token=3, after=None)
    second = report.write(b"2", token=3, after=first)
    s3.fail("delete_object", s3_error("DeleteObject", "AccessDenied", 403))
    report.write(b"3", token=3, after=second)
    assert content(report) == b"3"
    assert "could not be deleted: S3 refused to delete" in caplog.text


def test_a_reader_whose_body_is_deleted_meanwhile_gets_the_next(
    s3: FakeS3, report: FencedBytes
) -> None:
    now = report.write(b"1", token=3, after=None)
    writing = iter(b"23")

    def replace_twice() -> None:
        nonlocal now
        for number in writing:
            now = report.write(bytes([number]), token=3, after=now)

    s3.before("get_object", replace_twice, keys=bodies(s3))
    assert content(leader(s3)) == b"3"


def test_a_missing_body_is_a_corrupt_object(s3: FakeS3, report: FencedBytes) -> None:
    report.write(b"x", token=3, after=None)
    s3.delete(bodies(s3)[0])
    with pytest.raises(CorruptObject, match="is not there"):
        report.open()


@pytest.mark.parametrize("changed", [b"", b"content", b"Content!", b"content!!"])
def test_a_body_that_was_changed_is_found_at_its_end(
    s3: FakeS3, report: FencedBytes, changed: bytes
) -> None:
    report.write(b"content!", token=3, after=None)
    s3.put(bodies(s3)[0], changed)
    with pytest.raises(CorruptObject, match="expected 8 bytes with SHA-256"):
        content(report)


def test_a_connection_that_is_lost_while_reading_is_not_the_end(
    s3: FakeS3, report: FencedBytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    report.write(b"content", token=3, after=None)
    stream = report.open()
    assert stream is not None

    def fail(_: int) -> bytes:
        raise IncompleteReadError(actual_bytes=1, expected_bytes=7)

    monkeypatch.setattr(stream._stream, "read", fail)
    with stream, pytest.raises(StoreUnavailable, match="could not be read to its end"):
        stream.read()


def test_a_sweep_deletes_what_earlier_terms_left_and_nothing_else(
    s3: FakeS3, report: FencedBytes
) -> None:
    first = report.write(b"1", token=3, after=None)
    second = report.write(b"2", token=3, after=first)
    named = bodies(s3)
    for _ in range(2):
        with pytest.raises(Overwritten):
            report.write(b"orphan", token=3, after=first)
    orphans = sorted({*bodies(s3)} - {*named})
    s3.put(KEY + ".bodies/notes.txt")
    assert report.sweep(3) == []  # a clone of the leader may be about to name one of them
    assert report.sweep(4) == orphans
    assert bodies(s3) == sorted([*named, KEY + ".bodies/notes.txt"])
    report.write(b"3", token=4, after=report.read())
    with pytest.raises(StaleToken):
        report.write(b"stale", token=3, after=second)
    assert content(report) == b"3"


def test_a_stale_leader_sweeps_nothing(s3: FakeS3, report: FencedBytes) -> None:
    report.write(b"1", token=3, after=None)
    with pytest.raises(Overwritten):
        report.write(b"orphan", token=3, after=None)
    report.claim(6)
    before = bodies(s3)
    with pytest.raises(StaleToken):
        report.sweep(5)
    assert bodies(s3) == before


def test_a_sweep_sees_every_page() -> None:
    s3 = FakeS3(page_size=2)
    report = leader(s3)
    report.claim(3)
    for _ in range(5):
        with pytest.raises(Overwritten):
            report.write(b"orphan", token=3, after=None)
    assert len(report.sweep(4)) == 5
    assert bodies(s3) == []


def test_what_s3_refuses_says_which_right_is_missing(s3: FakeS3, report: FencedBytes) -> None:
    s3.fail("put_object", s3_error("PutObject", "AccessDenied", 403))
    with pytest.raises(BucketUnusable) as refused:
        report.write(b"x", token=3, after=None)
    assert refused.value.action == "s3:PutObject"
    assert KEY + ".bodies/0000000003-" in refused.value.resource


def test_another_object_at_the_key_of_a_new_body_is_not_taken_for_it(
    s3: FakeS3, report: FencedBytes
) -> None:
    put = s3._store.perform
    s3.before(
        "put_object",
        lambda: put(Create(f"{KEY}.bodies/0000000003-{nonce}", b"other")),
    )
    nonce = f"n{next(names) - 1}.1"
    with pytest.raises(StoreUnavailable, match="another object is at"):
        report.write(b"x", token=3, after=None)
    assert report.read() is None


BAD: list[Any] = ["no/such/text\0", io.StringIO("text"), 5, None, iter([b"x"])]


@pytest.mark.parametrize("given", BAD, ids=lambda each: type(each).__name__)
def test_content_that_cannot_be_read_twice_is_refused(
    s3: FakeS3, report: FencedBytes, given: Any
) -> None:
    with pytest.raises((InvalidArgument, ValueError)):
        report.write(given, token=3, after=None)
    assert s3.log == []


def test_content_above_the_limit_of_one_upload_is_refused(
    s3: FakeS3, report: FencedBytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fenced_bytes, "_MOST", 3)
    report.write(b"123", token=3, after=None)
    before = len(s3.log)
    with pytest.raises(InvalidArgument, match="at most 3 bytes"):
        report.write(b"1234", token=3, after=report.read())
    assert len(s3.log) == before + 1


@pytest.mark.parametrize("token", [0, True, "3"])
def test_what_is_no_token_uploads_nothing(s3: FakeS3, report: FencedBytes, token: Any) -> None:
    with pytest.raises(InvalidArgument):
        report.write(b"x", token=token, after=None)
    assert s3.log == []


def json_object(s3: FakeS3) -> FencedObject:
    """Return a fenced object at the key of the bytes."""
    return FencedObject(KEY, bucket="data", client=s3.client())


def test_a_fenced_object_is_neither_read_claimed_nor_swept_as_bytes(
    s3: FakeS3, report: FencedBytes
) -> None:
    other = json_object(s3)
    balances = other.write({"alice": 50}, token=3, after=None)
    for use in (report.read, report.open, lambda: report.claim(4), lambda: report.sweep(4)):
        with pytest.raises(CorruptObject, match=r"got only \['alice'\].*FencedObject"):
            use()
    assert other.read() == balances


def test_bytes_are_neither_read_nor_claimed_as_a_fenced_object(
    s3: FakeS3, report: FencedBytes
) -> None:
    version = report.write(b"a", token=3, after=None)
    other = json_object(s3)
    for use in (other.read, lambda: other.claim(4)):
        with pytest.raises(CorruptObject, match=r"of fenced bytes.*Use FencedBytes"):
            use()
    assert report.read() == version


def test_a_text_is_not_taken_for_a_path(report: FencedBytes) -> None:
    with pytest.raises(InvalidArgument, match=r"got 'text'; pass Path\(…\).*text.encode\(\)"):
        report.write("text", token=3, after=None)  # type: ignore[arg-type]


@pytest.mark.parametrize("after", [{}, 1, "etag"])
def test_a_write_of_bytes_is_based_on_a_version(report: FencedBytes, after: Any) -> None:
    with pytest.raises(InvalidArgument, match="expected `after` to be a BytesVersion"):
        report.write(b"a", token=3, after=after)
