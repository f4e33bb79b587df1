"""The manifest as it grows, and the sweep of files that it does not name."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compaction import layout
from compaction.layout import batch_of, new_batch, term_of
from compaction.manifest import CorruptManifest
from tests.compaction.world import World


def test_manifest_names_few_parts_itself_and_links_to_the_others() -> None:
    world = World()
    for at in range(0, 120, 10):
        world.produce_some(5, start=at)
        assert world.lead().orphans == 0, "a committed file is no orphan in any later term"
        assert world.manifest().entries() <= world.limits.manifest_parts + 2
    assert not world.faults()


def test_entries_are_in_the_order_of_their_commits_and_totals_are_their_sums() -> None:
    world = World()
    for at in range(0, 50, 10):
        world.produce_some(5, start=at)
        world.lead()
    found = world.entries()
    terms = [entry["term"] for entry in found.parts]
    assert terms == sorted(terms)
    sums = {
        "objects": 30,
        "parts": len(found.parts),
        "lines": sum(entry["lines"] for entry in found.parts),
        "rejected": sum(entry["lines"] for entry in found.rejected),
    }
    assert {name: found.totals[name] for name in sums} == sums


@pytest.mark.parametrize("late_by", [0, 5, 9])
def test_orphan_that_lands_late_is_swept_all_the_same(late_by: int) -> None:
    world = World()
    world.lead()
    for _ in range(late_by):
        world.produce_some(1, start=world.terms * 10)
        world.lead()
    world.s3.put(layout.part(new_batch(1, 1)))
    world.lead()
    assert world.orphans() == []


def test_files_that_no_batch_wrote_are_not_swept() -> None:
    world = World()
    others = ["compacted/README", "compacted/term_0000000001/notes.txt", "rejected/notes"]
    for key in others:
        world.s3.put(key, b"")
    world.terms = 5
    world.lead()
    assert [key for key in world.s3.list_keys() if key in others] == sorted(others)


def test_what_a_later_version_adds_to_the_manifest_is_kept() -> None:
    world = World()
    world.terms = 1
    world.document().write({"colour": "green"}, token=1, after=None)
    world.produce_some(1)
    world.lead()
    assert world.manifest().value()["colour"] == "green"


@pytest.mark.parametrize(
    "value",
    [
        {"format": 3},
        {"parts": {}},
        {"parts": ["events/a"]},
        {"parts": [{"key": "a"}]},
        {"deleting": [1]},
        {"undeleted": ["events/a"]},
        {"undeleted": {"events/a": 1}},
        {"totals": {"lines": "many"}},
        {"swept": "all"},
    ],
)
def test_manifest_that_cannot_be_understood_stops_everything(value: dict[str, Any]) -> None:
    world = World()
    world.terms = 1
    world.produce_some(3)
    world.document().write(value, token=1, after=None)
    before = world.s3.list_keys()
    with pytest.raises(CorruptManifest):
        world.lead()
    assert world.s3.list_keys() == before


def test_rejected_line_says_where_it_was_and_what_it_was() -> None:
    world = World()
    key = world.produce("a", [b"{}", b"Xyz"])
    world.lead()
    reason = "not JSON: Expecting value at character 0"
    assert world.records() == [{"key": key, "line": 2, "reason": reason, "text": "Xyz"}]


@given(st.integers(1, 9_999_999_999), st.integers(1, 10**7), st.text(min_size=1))
def test_every_file_of_a_batch_tells_its_batch_and_term(term: int, count: int, key: str) -> None:
    batch = new_batch(term, count)
    files = [
        *(name(batch) for name in (layout.part, layout.segment, layout.rejects)),
        layout.kept(batch, count, key),
    ]
    assert {batch_of(file) for file in files} == {batch}
    assert (term_of(batch), batch_of(layout.MANIFEST)) == (term, None)
