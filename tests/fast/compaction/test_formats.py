"""An object that is not lines of JSON is rejected as a whole; one malformed line is not."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import random
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from botocore.response import StreamingBody
from hypothesis import given
from hypothesis import strategies as st

from compaction import InputsWithheld, Limits, committed
from compaction.formats import format_of
from compaction.lines import sort_lines
from tests.fast.compaction.fake_s3 import Perform, s3_error
from tests.fast.compaction.world import BUCKET, World

MUCH = 10**9
RANDOM = random.Random(1)  # noqa: S311 - the same bytes in each run
GOOD = b"".join(b'{"n": %d, "text": "%032x"}\n' % (n, n * 977) for n in range(3000))
NOISE = RANDOM.randbytes(100_000)  # as encrypted data, or data compressed without a signature


def tar(body: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        info = tarfile.TarInfo("events.json")
        info.size = len(body)
        archive.addfile(info, io.BytesIO(body))
    return file.getvalue()


def zipped(body: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("events.json", body)
    return file.getvalue()


# Names of formats, and what begins as they do; NOISE stands in for the rest.
KNOWN: dict[str, tuple[str, bytes]] = {
    "xz": ("xz", lzma.compress(GOOD)),
    "bz2": ("bzip2", bz2.compress(GOOD)),
    "zip": ("ZIP", zipped(GOOD)),
    "tar": ("tar", tar(GOOD)),
    "gzip of gzip": ("gzip inside gzip", gzip.compress(gzip.compress(GOOD))),
    "gzip of xz": ("xz", gzip.compress(lzma.compress(GOOD))),
    "zstd": ("Zstandard", b"\x28\xb5\x2f\xfd" + NOISE),
    "lz4": ("LZ4", b"\x04\x22\x4d\x18" + NOISE),
    "skippable frame": ("Zstandard or LZ4", b"\x5a\x2a\x4d\x18" + NOISE),
    "snappy frames": ("Snappy", b"\xff\x06\0\0sNaPpY" + NOISE),
    "parquet": ("Parquet", b"PAR1\x15\x04" + NOISE),
    "avro": ("Avro", b"Obj\x01\x04\x14avro.codec" + NOISE),
    "orc": ("ORC", b"ORC\x08\x03" + NOISE),
    "pdf": ("PDF", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + NOISE),
    "png": ("PNG", b"\x89PNG\r\n\x1a\n" + NOISE),
    "jpeg": ("JPEG", b"\xff\xd8\xff\xe0" + NOISE),
    "utf-16": ("UTF-16", GOOD.decode().encode("utf-16")),
    "utf-32": ("UTF-32", GOOD.decode().encode("utf-32")),
}
UNKNOWN: dict[str, bytes] = {
    "noise": NOISE,
    "a JSON head before noise": b'{"compression": "snappy", "num_bytes": 12}\n' + NOISE,
    "a JSON head before twelve bytes": b'{"num_bytes": 12}\n\x82\x91\x07\xff{}+-\x00123',
    "JSON before noise in one line": GOOD + NOISE.replace(b"\n", b""),
    "JSON before noise in one line too long to hold": GOOD + NOISE.replace(b"\n", b"") * 60,
    "gzip of noise": gzip.compress(NOISE),
    "UTF-16 without a mark": GOOD.decode().encode("utf-16-le"),
    "zeros": b"\0" * 50_000,
    "zeros in lines": b"1\n" + b"\0\n" * 1000,
    "pretty-printed JSON": json.dumps([1, {"a": [2, 3]}, None], indent=1).encode(),
    "CSV": b"id,name\n" + b"".join(b"%d,x\n7\n" % n for n in range(60)) + b"a,b\n" * 9,
    "XML": b"<events>\n <n>\n1\n </n>\n</events>\n",
}


def sort(body: bytes, limits: Limits | None = None) -> tuple[bytes, list[dict[str, Any]], bool]:
    """Return what would be committed, the records, and whether the object is kept."""
    chunks = [body[at : at + 65536] for at in range(0, len(body), 65536)]
    with closing(sort_lines(chunks, limits or Limits(), at_most=MUCH)) as content:
        content.good.seek(0)
        content.bad.seek(0)
        return content.good.read(), [json.loads(line) for line in content.bad], content.keep


# --------------------------------------------------------------------- whole or by its lines


@pytest.mark.parametrize(("name", "body"), KNOWN.values(), ids=[*KNOWN])
def test_another_format_is_rejected_as_a_whole_by_name(name: str, body: bytes) -> None:
    reason = f"it is {name}, not newline-delimited JSON"
    assert sort(body) == (b"", [{"line": 0, "reason": reason}], True)


@pytest.mark.parametrize("body", UNKNOWN.values(), ids=[*UNKNOWN])
def test_what_is_not_lines_of_json_is_rejected_as_a_whole(body: bytes) -> None:
    good, records, keep = sort(body)
    assert (good, [record["line"] for record in records], keep) == (b"", [0], True)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("compress", [lzma.compress, bz2.compress, lambda body: body])
def test_nothing_of_compressed_data_without_its_signature_is_committed(
    seed: int, compress: Callable[[bytes], bytes]
) -> None:
    body = compress(random.Random(seed).randbytes(20_000))[20:]  # noqa: S311
    assert sort(body)[0] == b""


@pytest.mark.parametrize(
    "line",
    [
        b'{"torn": ',
        b'{"name": "Andr\xe9"}',
        b"\0" * 200,
        b"\xef\xbb\xbf{}",
        b"ORC, as text",
        b"PAR1 BZh91AY GIF8",
        b"\x1b[31mtext\x1b[0m",
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_one_malformed_line_in_a_good_object_is_rejected_alone(line: bytes, *, first: bool) -> None:
    body = line + b"\n" + GOOD if first else GOOD + line
    good, records, keep = sort(body)
    assert (good, [record["line"] for record in records], keep) == (
        GOOD,
        [1 if first else 3001],
        False,
    )


@pytest.mark.parametrize(("share", "whole"), [(25, False), (26, True)])
def test_an_object_is_not_text_if_more_than_a_quarter_of_its_lines_is_not(
    share: int, *, whole: bool
) -> None:
    body = b"\0\n" * share + b"123456789\n" * (100 - share)
    assert (sort(body)[0] == b"") is whole


@pytest.mark.parametrize(("length", "whole"), [(250, False), (251, True)])
def test_an_object_is_not_text_if_more_than_a_quarter_of_its_bytes_is_not(
    length: int, *, whole: bool
) -> None:
    body = (b"\xff" * length + b"\n" + b"12345678\n" * 80).ljust(1000, b"1")
    assert (sort(body)[0] == b"") is whole


@pytest.mark.parametrize(("malformed", "whole"), [(5, False), (6, True)])
def test_an_object_is_not_lines_of_json_if_most_of_its_lines_are_malformed(
    malformed: int, *, whole: bool
) -> None:
    body = b"x\n" * malformed + b"1\n\n \n" * (10 - malformed)
    assert (sort(body)[0] == b"") is whole


def test_an_object_of_one_line_is_judged_by_that_line() -> None:
    assert sort(b'{"torn": \n') == (
        b"",
        [
            {
                "line": 1,
                "reason": "not JSON: Expecting value at character 9",
                "text": '{"torn": ',
            }
        ],
        False,
    )


def test_a_line_too_long_to_hold_does_not_make_text_another_format() -> None:
    limits = Limits(line_bytes=100)
    good, records, keep = sort(b"1\n" + b'"' + b"x" * 500 + b'"\n2\n', limits)
    assert (good, [record["line"] for record in records], keep) == (b"1\n2\n", [2], True)


@given(
    st.sampled_from(["", "ORC", "PAR1", "BZh", "RIFF", "%PDF-"]),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc"])),
)
def test_no_text_is_taken_for_another_format(begins: str, text: str) -> None:
    assert format_of((begins + text * 600).encode()) is None


@pytest.mark.parametrize("percent", ["binary_percent", "malformed_percent"])
def test_a_share_above_all_is_refused(percent: str) -> None:
    with pytest.raises(ValueError, match=f"{percent} must be at most 100, got 101"):
        Limits(**{percent: 101})


# -------------------------------------------------------------------------- in the bucket


def rejected(world: World) -> list[dict[str, Any]]:
    entries = committed(world.s3.client(), BUCKET, manifest=world.document()).rejected
    return [record for entry in entries for record in world.records(entry)]


def test_objects_of_other_formats_are_moved_intact_and_the_others_are_committed() -> None:
    world = World(limits=Limits(batch_objects=4))
    bodies = {f"events/{name}": body for name, (_, body) in KNOWN.items()}
    bodies |= {f"events/{name}": body for name, body in UNKNOWN.items()}
    for key, body in bodies.items():
        world.s3.put(key, body)
    world.produce("good", [b"1", b"2"])
    summary = world.lead()
    kept = {record["key"]: world.s3.body(record["kept"]) for record in rejected(world)}
    assert (kept, summary.rejected_objects) == (bodies, len(bodies))
    assert (world.committed(), world.s3.list_keys("events/")) == (world.good, [])


def test_a_rejected_object_keeps_its_metadata() -> None:
    world = World()
    body = lzma.compress(GOOD)
    world.s3.put("events/a.xz", body, {"producer": "7"})
    world.lead()
    (record,) = rejected(world)
    kept = record["kept"]
    assert (world.s3.body(kept), world.s3.metadata(kept)) == (body, {"producer": "7"})


def test_a_rejected_object_is_logged_with_the_reason(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.s3.put("events/a", lzma.compress(GOOD))
    world.lead()
    reason = "events/a is rejected as a whole: it is xz, not newline-delimited JSON"
    assert reason in caplog.messages


@pytest.mark.parametrize("code", ["AccessDenied", "InvalidRequest", "InternalError"])
def test_an_object_that_cannot_be_copied_is_withheld_and_the_others_are_committed(
    code: str,
) -> None:
    world = World(limits=Limits(readers=1))
    world.produce("a", [b"1"])
    world.s3.put("events/b.xz", lzma.compress(GOOD))
    world.produce("c", [b"2"])

    def deny(name: str, given: dict[str, Any], perform: Perform) -> Any:
        if name == "copy_object":
            raise s3_error("CopyObject", code, 500 if code == "InternalError" else 403)
        return perform()

    world.s3.hook = deny
    with pytest.raises(InputsWithheld, match=rf"events/b\.xz \({code}\)"):
        world.lead()
    assert (world.committed(), world.waiting()) == (world.good, ["events/b.xz"])


def test_an_object_that_changes_before_it_is_copied_is_left_for_the_next_term() -> None:
    world = World(limits=Limits(readers=1))
    world.s3.put("events/a", lzma.compress(GOOD))

    def change(name: str, given: dict[str, Any], perform: Perform) -> Any:
        if name == "copy_object":
            world.s3.put("events/a", b"1\n")
        return perform()

    world.s3.hook = change
    assert (world.lead().gone, world.waiting()) == (1, ["events/a"])


def test_an_object_whose_reading_always_breaks_off_is_withheld() -> None:
    world = World(limits=Limits(readers=1))
    for name in "abc":
        world.produce(name, [b'"%s"' % name.encode()])

    def break_off(name: str, given: dict[str, Any], perform: Perform) -> Any:
        answer = perform()
        if name == "get_object" and given["Key"] == "events/b":
            answer["Body"] = StreamingBody(io.BytesIO(b'"'), 3)
        return answer

    world.s3.hook = break_off
    with pytest.raises(InputsWithheld, match=r"events/b \(IncompleteBody\)"):
        world.lead()
    assert (sorted(world.committed()), world.waiting()) == ([b'"a"', b'"c"'], ["events/b"])


def test_what_is_another_format_is_not_read_to_its_end() -> None:
    """Else a large object would be decompressed for nothing."""
    pieces = iter([b"\xfd7zXZ\0" + NOISE[:1000], *[NOISE] * 100])
    with closing(sort_lines(pieces, Limits(), at_most=MUCH)) as content:
        assert (content.rejected, len(list(pieces))) == (1, 100)
