"""Each line of an object is committed unchanged, rejected, or blank."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compaction import Limits
from compaction.formats import Unreadable, decompressed, format_of
from compaction.lines import TooLarge, problem_of, sort_lines
from compaction.lines import split as split_lines
from tests.compaction.world import sort

LIMITS = Limits(line_bytes=64, record_bytes=5_000)
PACKED = gzip.compress(b'{"a":1}\n' * 100, mtime=0)
TOLERANT = Limits(binary_percent=100, malformed_percent=100)  # judges each line alone

JSON_LINES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
).map(lambda value: json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))
ANY_LINES = st.lists(
    (JSON_LINES | st.binary(max_size=80)).filter(lambda line: b"\n" not in line), max_size=20
)


@st.composite
def chunked(draw: st.DrawFn, bodies: st.SearchStrategy[bytes]) -> tuple[bytes, list[bytes]]:
    """Draw bytes, and the same cut into chunks at any places."""
    body = draw(bodies)
    cuts = sorted(draw(st.sets(st.integers(0, len(body)), max_size=8)) | {0, len(body)})
    return body, [body[a:b] for a, b in pairwise(cuts)]


@given(texts=ANY_LINES, ended=st.booleans(), packed=st.booleans())
def test_every_line_is_committed_verbatim_rejected_or_blank(
    texts: list[bytes], *, ended: bool, packed: bool
) -> None:
    body = b"\n".join(texts) + (b"\n" if ended and texts else b"")
    if body.startswith(b"\x1f\x8b") or format_of(body):
        return
    good, bad, content = sort(gzip.compress(body) if packed else body, TOLERANT)
    assert good == b"" or good.endswith(b"\n")
    lines = body.split(b"\n")
    rejected = {record["line"]: record for record in bad}
    expected = [
        line
        for number, line in enumerate(lines, 1)
        if number not in rejected and line.strip(b" \t\r")
    ]
    assert good.split(b"\n")[:-1] == expected
    for number, record in rejected.items():
        text = record.get("text")
        kept = base64.b64decode(record["base64"]) if text is None else text.encode()
        assert kept == lines[number - 1]
        assert problem_of(kept) is not None
    blank = sum(not line.strip(b" \t\r") for line in lines[: -1 if not lines[-1] else None])
    assert (content.lines, content.rejected, content.blank) == (len(expected), len(bad), blank)


@given(chunked(st.binary(max_size=300) | ANY_LINES.map(b"\n".join)))
def test_lines_do_not_depend_on_how_the_bytes_arrive(drawn: tuple[bytes, list[bytes]]) -> None:
    body, chunks = drawn
    assert list(split_lines(chunks, LIMITS)) == list(split_lines([body], LIMITS))


@given(
    chunked(
        st.lists(st.binary(max_size=500), min_size=1, max_size=3).map(
            lambda members: b"".join(gzip.compress(member) for member in members)
        )
    )
)
def test_gzip_of_several_members_is_decompressed_however_it_arrives(
    drawn: tuple[bytes, list[bytes]],
) -> None:
    body, chunks = drawn
    assert b"".join(decompressed(chunks)) == gzip.decompress(body)


@given(st.binary(min_size=1, max_size=300), st.data())
def test_gzip_that_is_cut_off_is_rejected_as_a_whole(text: bytes, data: st.DataObject) -> None:
    packed = gzip.compress(text)
    cut = packed[: data.draw(st.integers(2, len(packed) - 1))]
    _, bad, content = sort(cut, LIMITS)
    assert [(record["line"], content.lines, content.keep) for record in bad] == [(0, 0, True)]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(PACKED + b"garbage", id="garbage"),
        pytest.param(PACKED + b"\0\0garbage", id="padding and garbage"),
        pytest.param(PACKED + b"\x1f", id="half of another member's beginning"),
        pytest.param(PACKED[:-6] + bytes([PACKED[-6] ^ 1]) + PACKED[-5:], id="a flipped bit"),
    ],
)
def test_damaged_gzip_is_rejected_as_a_whole(body: bytes) -> None:
    good, bad, _ = sort(body, LIMITS)
    assert (good, len(bad)) == (b"", 1)


def test_gzip_may_be_padded_with_zeros() -> None:
    assert sort(gzip.compress(b"{}\n") + b"\0" * 100, LIMITS)[0] == b"{}\n"


@pytest.mark.parametrize(
    "line",
    [
        b'{"a":1}',
        b' {"a": 1}\r',
        b"[1]",
        b"12",
        b'"text"',
        b"null",
        b"9" * 5000,
        b"1e999",
        b'"\\ud800"',
        '{"ü": "漢"}'.encode(),
    ],
)
def test_any_json_value_is_well_formed(line: bytes) -> None:
    assert problem_of(line) is None


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "not JSON"),
        (b'{"a":1} {"a":2}', "not JSON"),
        (b"{'a':1}", "not JSON"),
        (b"NaN", "NaN is not a number"),
        (b'{"a":-Infinity}', "-Infinity is not a number"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b'{"a":"\xff"}', "not UTF-8"),
        (b'"\xed\xa0\x80"', "not UTF-8"),
        (b'"\t"', "not JSON"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_line_that_is_not_json_is_malformed_for_a_reason(line: bytes, reason: str) -> None:
    assert reason in (problem_of(line) or "")


def test_blank_lines_are_not_committed_but_numbered() -> None:
    good, bad, content = sort(b"\n \t\r\n{}\n\nbad", LIMITS)
    assert (good, [record["line"] for record in bad], content.blank) == (b"{}\n", [5], 3)


def test_line_may_be_as_long_as_the_limit() -> None:
    line = b'"' + b"x" * 62 + b'"'
    assert sort(line, LIMITS)[0] == line + b"\n"


@pytest.mark.parametrize("end", [b"", b"\n", b"\n2\n"])
def test_longer_line_alone_is_rejected_and_its_object_is_kept(end: bytes) -> None:
    good, bad, content = sort(b'1\n"' + b"x" * 63 + b'"' + end, LIMITS)
    record = {"line": 2, "reason": "longer than 64 bytes", "bytes": 65}
    assert (good, bad, content.keep) == (b"1\n" + end.lstrip(b"\n"), [record], True)


def test_object_whose_records_exceed_their_limit_is_rejected_as_a_whole() -> None:
    limits = Limits(record_bytes=5_000, malformed_percent=100)
    good, bad, content = sort(b"{}\n" + b"x\n" * 100, limits)
    assert (good, [record["line"] for record in bad], content.keep) == (b"", [0], True)


@pytest.mark.parametrize(
    ("line", "name", "begins"),
    [
        (b"\0" * 5000, "text_begins", "\0" * 4096),
        (b"x" + "é".encode() * 2500, "text_begins", "x" + "é" * 2047),
        (b"\xff" * 5000, "base64_begins", base64.b64encode(b"\xff" * 4096).decode()),
    ],
)
def test_record_of_a_long_malformed_line_has_its_beginning_length_and_digest(
    line: bytes, name: str, begins: str
) -> None:
    _, (record,), _ = sort(line + b"\n{}\n", TOLERANT)
    found = (record[name], record["bytes"], record["sha256"], "text" in record)
    assert found == (begins, len(line), hashlib.sha256(line).hexdigest(), False)


@pytest.mark.parametrize(("length", "kept"), [(4096, False), (4097, True)])
def test_object_is_kept_if_a_record_lacks_a_part_of_its_line(length: int, *, kept: bool) -> None:
    assert sort(b"x" * length, Limits())[2].keep is kept


@pytest.mark.parametrize("length", [1, 4096, 4 * 1024 * 1024])
def test_records_of_an_object_never_exceed_their_limit(length: int) -> None:
    body = (b"\0" * length + b"\n") * (8 * 1024 * 1024 // length)
    assert sort(body[: 8 * 1024 * 1024], Limits())[2].record_bytes <= Limits().record_bytes


def test_gzip_bomb_is_read_in_small_pieces_and_only_up_to_the_limit() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    with pytest.raises(TooLarge):
        sort_lines([bomb], LIMITS, at_most=1_000_000)
    assert max(len(piece) for piece in decompressed([bomb])) <= 64 * 1024


def test_object_that_only_begins_like_gzip_is_unreadable() -> None:
    with pytest.raises(Unreadable):
        list(decompressed([b"\x1f", b"\x8b", b"no gzip at all"]))
