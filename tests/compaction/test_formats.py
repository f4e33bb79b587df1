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

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compaction import Limits
from compaction.formats import format_of
from compaction.lines import sort_lines
from tests.compaction.world import World, sort

LIMITS = Limits()
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


@pytest.mark.parametrize(("name", "body"), KNOWN.values(), ids=[*KNOWN])
def test_another_format_is_rejected_as_a_whole_by_name(name: str, body: bytes) -> None:
    good, records, content = sort(body, LIMITS)
    reason = f"it is {name}, not newline-delimited JSON"
    assert (good, records, content.keep) == (b"", [{"line": 0, "reason": reason}], True)


@pytest.mark.parametrize("body", UNKNOWN.values(), ids=[*UNKNOWN])
def test_what_is_not_lines_of_json_is_rejected_as_a_whole(body: bytes) -> None:
    good, records, content = sort(body, LIMITS)
    assert (good, [record["line"] for record in records], content.keep) == (b"", [0], True)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("compress", [lzma.compress, bz2.compress, lambda body: body])
def test_nothing_of_compressed_data_without_its_signature_is_committed(
    seed: int, compress: Callable[[bytes], bytes]
) -> None:
    body = compress(random.Random(seed).randbytes(20_000))[20:]  # noqa: S311
    assert sort(body, LIMITS)[0] == b""


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
    good, records, content = sort(line + b"\n" + GOOD if first else GOOD + line, LIMITS)
    number = 1 if first else 3001
    assert (good, [record["line"] for record in records], content.keep) == (GOOD, [number], False)


def text_with_binary(length: int) -> bytes:
    """Return 1,000 bytes, of which so many are in one line that is not text."""
    return (b"\xff" * length + b"\n" + b"12345678\n" * 80).ljust(1000, b"1")


@pytest.mark.parametrize(
    ("body", "whole"),
    [
        pytest.param(b"\0\n" * 25 + b"123456789\n" * 75, False, id="25% of lines not text"),
        pytest.param(b"\0\n" * 26 + b"123456789\n" * 74, True, id="26% of lines not text"),
        pytest.param(text_with_binary(250), False, id="25% of bytes not text"),
        pytest.param(text_with_binary(251), True, id="25.1% of bytes not text"),
        pytest.param(b"x\n" * 5 + b"1\n\n \n" * 5, False, id="half malformed"),
        pytest.param(b"x\n" * 6 + b"1\n\n \n" * 4, True, id="most malformed"),
        pytest.param(b'{"torn": \n', False, id="one line"),
    ],
)
def test_object_is_rejected_as_a_whole_if_too_much_of_it_is_not_lines_of_json(
    body: bytes, *, whole: bool
) -> None:
    assert (sort(body, LIMITS)[2].rejected_because is not None) is whole


@given(
    st.sampled_from(["", "ORC", "PAR1", "BZh", "RIFF", "%PDF-"]),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc"])),
)
def test_no_text_is_taken_for_another_format(begins: str, text: str) -> None:
    assert format_of((begins + text * 600).encode()) is None


def test_objects_of_other_formats_are_moved_intact_and_the_others_are_committed() -> None:
    world = World(limits=Limits(batch_objects=4))
    bodies = {f"events/{name}": body for name, (_, body) in KNOWN.items()}
    bodies |= {f"events/{name}": body for name, body in UNKNOWN.items()}
    for key, body in bodies.items():
        world.s3.put(key, body)
    world.produce("good", [b"1", b"2"])
    summary = world.lead()
    kept = {record["key"]: world.s3.body(record["kept"]) for record in world.records()}
    assert (kept, summary.rejected_objects) == (bodies, len(bodies))
    assert (world.committed(), world.s3.list_keys("events/")) == (world.good, [])


def test_rejected_object_keeps_its_metadata_and_is_logged_with_the_reason(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World()
    world.s3.put("events/a.xz", lzma.compress(GOOD), {"producer": "7"})
    world.lead()
    (record,) = world.records()
    reason = "events/a.xz is rejected as a whole: it is xz, not newline-delimited JSON"
    assert (world.s3.metadata(record["kept"]), reason in caplog.messages) == (
        {"producer": "7"},
        True,
    )


def test_what_is_another_format_is_not_read_to_its_end() -> None:
    """Else a large object would be decompressed for nothing."""
    pieces = iter([b"\xfd7zXZ\0" + NOISE[:1000], *[NOISE] * 100])
    with closing(sort_lines(pieces, LIMITS, at_most=10**9)) as content:
        assert (content.rejected, len(list(pieces))) == (1, 100)
