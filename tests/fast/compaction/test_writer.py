"""Each single write: refused, doubted, repeated; and the manifest as it grows."""

from __future__ import annotations

import io
import json
from hashlib import sha256
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from hypothesis import given
from hypothesis import strategies as st

from compaction import committed
from compaction.layout import Layout, batch_of, new_batch, term_of
from compaction.manifest import CorruptManifest, Manifest
from compaction.writer import KeyTaken, Writer
from tests.fast.compaction.fake_s3 import FakeS3, Perform, refusal
from tests.fast.compaction.world import BUCKET, At, FakeTerm, World, echo

OURS = sha256(b"body").hexdigest()


def writer(s3: FakeS3) -> Writer:
    return Writer(s3.client(), BUCKET, FakeTerm(1).led())


def create(s3: FakeS3, *, sha256: str = OURS) -> None:
    writer(s3).create("part", io.BytesIO(b"body"), sha256=sha256, content_type="text/plain")


def failing(s3: FakeS3, error: Exception, *, times: int, after: bool = False) -> None:
    """Let the next requests end in `error`, `after` they have been performed or without."""
    left = times

    def hook(name: str, given: dict[str, Any], perform: Perform) -> Any:
        nonlocal left
        if left == 0 or name == "head_object":
            return perform()
        left -= 1
        if after:
            perform()
        raise error

    s3.hook = hook


# ----------------------------------------------------------------------------- creating


@pytest.mark.parametrize(
    "error",
    [
        ReadTimeoutError(endpoint_url="s3"),
        refusal("PutObject", "InternalError", 500),
        refusal("PutObject", "SlowDown", 503),
        refusal("PutObject", "ConditionalRequestConflict", 409),
        refusal("PutObject", "408", 408),
        refusal("PutObject", "421", 421),
        refusal("PutObject", "425", 425),
        refusal("PutObject", "429", 429),
    ],
)
@pytest.mark.parametrize("after", [False, True])
def test_a_create_of_unknown_outcome_is_tried_again(error: Exception, *, after: bool) -> None:
    s3 = FakeS3()
    failing(s3, error, times=1, after=after)
    create(s3)
    assert s3.objects["part"].body == b"body"


def test_a_create_gives_up_after_some_tries() -> None:
    s3 = FakeS3()
    failing(s3, ReadTimeoutError(endpoint_url="s3"), times=99)
    with pytest.raises(ReadTimeoutError):
        create(s3)


def test_a_create_that_is_denied_is_not_tried_again() -> None:
    s3 = FakeS3()
    failing(s3, refusal("PutObject", "AccessDenied", 403), times=1)
    with pytest.raises(ClientError, match="AccessDenied"):
        create(s3)


def test_a_create_that_meets_its_own_earlier_try_is_applied() -> None:
    """The client may have retried by itself, so that the first answer that is heard is 412."""
    s3 = FakeS3()
    create(s3)
    create(s3)
    assert s3.log == ["put_object", "put_object", "head_object"]


def test_a_create_that_an_intermediary_sends_twice_is_applied() -> None:
    """The answer to the second one, 412, is the first that is heard."""
    s3 = FakeS3()
    At(s3, 0, echo)
    create(s3)
    assert (s3.objects["part"].body, s3.log) == (b"body", ["put_object"] * 2 + ["head_object"])


def test_a_create_never_overwrites_what_is_not_its_own() -> None:
    s3 = FakeS3()
    create(s3, sha256=sha256(b"another's").hexdigest())
    with pytest.raises(KeyTaken, match="part exists"):
        create(s3)


# ----------------------------------------------------------------------------- deleting


def denying(s3: FakeS3, code: str, *, times: int) -> None:
    """Let deletions of the key `b` fail so many times, each with an answer of 200."""
    left = times

    def hook(name: str, given: dict[str, Any], perform: Perform) -> Any:
        nonlocal left
        if name != "delete_objects" or left == 0:
            return perform()
        left -= 1
        kept = s3.objects.pop("b")
        answer = perform()
        s3.objects["b"] = kept
        return {**answer, "Errors": [*answer["Errors"], {"Key": "b", "Code": code}]}

    s3.hook = hook


def filled(*keys: str) -> FakeS3:
    s3 = FakeS3()
    for key in keys:
        s3._put_object(Key=key, Body=b"")
    return s3


def test_a_key_that_could_not_be_deleted_is_tried_again() -> None:
    s3 = filled("a", "b", "c")
    denying(s3, "InternalError", times=2)
    refused = writer(s3).delete(["a", "b", "c"])
    assert (s3.keys(), refused) == ([], {})


def test_keys_that_cannot_be_deleted_are_reported_by_name() -> None:
    s3 = filled("a", "b", "c")
    denying(s3, "InternalError", times=9)
    assert writer(s3).delete(["a", "b", "c"]) == {"b": "InternalError"}


def test_a_deletion_that_is_denied_is_not_tried_again() -> None:
    s3 = filled("a", "b")
    denying(s3, "AccessDenied", times=9)
    refused = writer(s3).delete(["a", "b"])
    assert (refused, s3.log) == ({"b": "AccessDenied"}, ["delete_objects"])


def test_a_refusal_of_one_key_does_not_keep_others_from_being_tried_again() -> None:
    s3 = filled("a", "b", "c")
    denying(s3, "InternalError", times=2)
    s3.undeletable["a"] = "AccessDenied"
    assert (writer(s3).delete(["a", "b", "c"]), s3.keys()) == ({"a": "AccessDenied"}, ["a"])


def test_a_key_that_xml_cannot_say_and_that_is_denied_is_reported_by_name() -> None:
    s3 = filled("a", "b\x01", "c\n")
    s3.undeletable["b\x01"] = "AccessDenied"
    assert writer(s3).delete(s3.keys()) == {"b\x01": "AccessDenied"}


def test_a_request_that_is_denied_as_a_whole_is_a_refusal_of_each_key() -> None:
    s3 = filled("a", "b")
    failing(s3, refusal("DeleteObjects", "AccessDenied", 403), times=1)
    assert writer(s3).delete(["a", "b"]) == dict.fromkeys("ab", "AccessDenied")


@pytest.mark.parametrize(("code", "status"), [("SlowDown", 503), ("ExpiredToken", 400)])
def test_a_request_that_fails_whatever_its_keys_is_raised(code: str, status: int) -> None:
    s3 = filled("a")
    failing(s3, refusal("DeleteObjects", code, status), times=1)
    with pytest.raises(ClientError, match=code):
        writer(s3).delete(["a"])


def test_a_key_that_is_gone_counts_as_deleted() -> None:
    s3 = filled("a", "b")
    denying(s3, "NoSuchKey", times=1)
    refused = writer(s3).delete(["a", "b"])
    assert (refused, s3.log) == ({}, ["delete_objects"])


def test_more_than_a_thousand_keys_are_deleted_in_pages() -> None:
    s3 = filled(*(str(n) for n in range(2001)))
    writer(s3).delete(s3.keys())
    assert (s3.keys(), s3.log) == ([], ["delete_objects"] * 3)


def test_keys_that_xml_cannot_say_are_deleted_one_by_one() -> None:
    s3 = filled("a", "b\x01", "c\n", "d")
    writer(s3).delete(s3.keys())
    assert s3.keys() == []


# ---------------------------------------------------------------------------- the manifest


def test_the_manifest_names_few_parts_itself_and_links_to_the_others() -> None:
    world = World()
    for at in range(0, 100, 10):
        world.produce_some(5, start=at)
        world.lead()
        snapshot = world.document().read()
        assert snapshot is not None
        assert Manifest.parsed(snapshot.value).entries() <= world.limits.manifest_parts + 2
    assert not world.faults()


def test_parts_are_read_in_the_order_of_their_commits() -> None:
    world = World()
    for at in range(0, 50, 10):
        world.produce_some(5, start=at)
        world.lead()
    entries = committed(world.s3.client(), BUCKET, manifest=world.document()).parts
    terms = [entry["term"] for entry in entries]
    assert terms == sorted(terms)


def test_the_totals_are_the_sums_over_all_entries() -> None:
    world = World()
    for at in range(0, 50, 10):
        world.produce_some(5, start=at)
        world.lead()
    found = committed(world.s3.client(), BUCKET, manifest=world.document())
    sums = {
        "objects": 30,
        "parts": len(found.parts),
        "lines": sum(entry["lines"] for entry in found.parts),
        "rejected": sum(entry["lines"] for entry in found.rejected),
    }
    assert {name: found.totals[name] for name in sums} == sums


def test_the_sweep_spares_committed_files_of_terms_it_looks_at_again() -> None:
    world = World()
    for at in range(0, 120, 10):
        world.produce_some(5, start=at)
        assert world.lead().orphans == 0
    assert not world.faults()


@pytest.mark.parametrize("late_by", [0, 5, 9])
def test_an_orphan_that_lands_late_is_swept_all_the_same(late_by: int) -> None:
    world = World()
    world.lead()
    for _ in range(late_by):
        world.produce_some(1, start=world.terms * 10)
        world.lead()
    world.s3._put_object(Key=Layout(bucket=BUCKET).part(new_batch(1, 1)), Body=b"")
    world.lead()
    assert world.orphans() == []


def test_files_that_no_batch_wrote_are_not_swept() -> None:
    world = World()
    others = ["compacted/README", "compacted/term_0000000001/notes.txt", "rejected/notes"]
    for key in others:
        world.s3._put_object(Key=key, Body=b"")
    world.terms = 5
    world.lead()
    assert [key for key in sorted(world.s3.objects) if key in others] == sorted(others)


def test_what_a_later_version_adds_to_the_manifest_is_kept() -> None:
    world = World()
    world.terms = 1
    world.document().write({"colour": "green"}, token=1, after=None)
    world.produce_some(1)
    world.lead()
    snapshot = world.document().read()
    assert snapshot is not None
    assert snapshot.value["colour"] == "green"


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
def test_a_manifest_that_cannot_be_understood_stops_everything(value: dict[str, Any]) -> None:
    world = World()
    world.terms = 1
    world.produce_some(3)
    world.document().write(value, token=1, after=None)
    before = world.s3.keys()
    with pytest.raises(CorruptManifest):
        world.lead()
    assert world.s3.keys() == before


def test_a_rejected_line_says_where_it_was_and_what_it_was() -> None:
    world = World()
    key = world.produce("a", [b"{}", b"Xyz"])
    world.lead()
    found = committed(world.s3.client(), BUCKET, manifest=world.document()).rejected
    (record,) = world.records(found[0])
    assert record == {
        "key": key,
        "line": 2,
        "reason": "not JSON: Expecting value at character 0",
        "text": "Xyz",
    }


@given(st.integers(1, 9_999_999_999), st.integers(1, 10**7), st.text(min_size=1))
def test_every_file_of_a_batch_tells_its_batch_and_term(term: int, count: int, key: str) -> None:
    layout, batch = Layout(bucket=BUCKET), new_batch(term, count)
    files = [
        layout.part(batch),
        layout.segment(batch),
        layout.rejects(batch),
        layout.kept(batch, count, key),
    ]
    assert {batch_of(file) for file in files} == {batch}
    assert term_of(batch) == term


def test_the_manifest_is_no_file_of_a_batch() -> None:
    assert batch_of(Layout(bucket=BUCKET).manifest) is None


def test_the_json_value_of_a_manifest_reads_back_as_the_same() -> None:
    world = World()
    world.produce_some(9)
    world.lead()
    snapshot = world.document().read()
    assert snapshot is not None
    manifest = Manifest.parsed(snapshot.value)
    assert Manifest.parsed(json.loads(json.dumps(manifest.value()))) == manifest
