"""Random objects under terms that crash or not: each is committed, or rejected and kept."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from dataclasses import dataclass

from hypothesis import given, note, settings
from hypothesis import strategies as st

from compaction import Limits
from tests.compaction.world import World, crash_after

# What no good line has: a byte that is not UTF-8, and a word. So whatever is found of them is known
# to come from an object that is not lines of JSON.
FOREIGN_BYTE = b"\xfa"
FOREIGN_WORD = b"foreign"

GOOD_LINES = st.builds(
    lambda number, text: json.dumps({"number": number, "text": text}).encode(),
    st.integers(),
    st.text(max_size=20),
).filter(lambda line: FOREIGN_WORD not in line)
GOOD = st.lists(GOOD_LINES, max_size=12)
PACKERS = st.sampled_from([bytes, gzip.compress])
FOREIGN_LINE = st.binary(max_size=100).map(lambda data: FOREIGN_BYTE + data.replace(b"\n", b""))
BINARY = st.lists(FOREIGN_LINE, min_size=1, max_size=8).map(b"\n".join)
COMPRESSED = st.builds(
    lambda compress, body: compress(body),
    st.sampled_from([lzma.compress, bz2.compress, lambda body: gzip.compress(gzip.compress(body))]),
    st.binary(max_size=400),
)
# A head of JSON before binary data of at least as many lines.
MIXED = st.builds(
    lambda head, tail: b"\n".join([*head, *tail]),
    st.lists(st.just(b'{"compression": "foreign"}'), min_size=1, max_size=4),
    st.lists(FOREIGN_LINE, min_size=4, max_size=8),
)
PRETTY = st.dictionaries(st.just("foreign"), st.lists(st.just("foreign"), min_size=2), min_size=1)


@dataclass(frozen=True)
class Object:
    """An object in the bucket, and the lines that must come out of it: none if it is foreign."""

    body: bytes
    good: tuple[bytes, ...] = ()
    foreign: bool = True


OBJECTS = st.one_of(
    st.builds(
        lambda texts, pack: Object(pack(b"\n".join(texts)), tuple(texts), foreign=False),
        GOOD,
        PACKERS,
    ),
    st.builds(lambda body, pack: Object(pack(body)), BINARY | MIXED, PACKERS),
    st.builds(Object, COMPRESSED),
    st.builds(lambda value: Object(json.dumps(value, indent=1).encode()), PRETTY),
)


def rejected_bodies(world: World) -> dict[str, bytes]:
    """Return the bytes of each object that the manifest says is rejected as a whole, by key."""
    found: dict[str, bytes] = {}
    for record in world.records():
        assert record["line"] == 0, record
        assert record["key"] not in found, "rejected twice"
        found[record["key"]] = world.s3.body(record["kept"])
    return found


def deleted_too_early(world: World, objects: dict[str, Object]) -> list[str]:
    """Name the inputs that are gone and neither committed nor rejected."""
    left, safe, good = {*world.s3.list_keys()}, rejected_bodies(world), {*world.committed()}
    return [
        key
        for key, item in objects.items()
        if key not in left and key not in safe and not good.issuperset(item.good)
    ]


@settings(max_examples=150, deadline=None)
@given(
    objects=st.lists(OBJECTS, max_size=10),
    crashes=st.lists(st.integers(0, 25), max_size=3),
    held=st.sets(st.integers(0, 9), max_size=2),
)
def test_good_lines_come_out_once_and_all_else_is_kept_intact(
    objects: list[Object], crashes: list[int], held: set[int]
) -> None:
    note(f"{objects}")
    world = World(limits=Limits(batch_objects=3, readers=1, manifest_parts=2))
    named = {f"events/{number}": item for number, item in enumerate(objects)}
    for key, item in named.items():
        world.s3.put(key, item.body)
        world.good.update(item.good)
        world.bad[key, 0] += item.foreign
    world.s3.undeletable = {f"events/{number}": "AccessDenied" for number in held}
    for crash_at in crashes:
        world.lead_with(crash_after, crash_at)
        assert deleted_too_early(world, named) == []
    world.s3.undeletable = {}
    violations = world.recover()
    foreign = {key: item.body for key, item in named.items() if item.foreign}
    assert (violations, rejected_bodies(world)) == ([], foreign)
