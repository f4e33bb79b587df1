"""What a fenced object says of its bodies is checked, and only bodies of its own are deleted."""

from __future__ import annotations

from typing import Any

import pytest

from s3leader._core.fenced_body import Body, BytesVersion, body_key, is_left_behind, value_of
from s3leader._core.fenced_object import Snapshot
from s3leader.errors import CorruptObject

KEY = "a/b"
DIGEST = "0" * 64


def body(token: int = 3, nonce: str = "n") -> Body:
    return Body(body_key(KEY, token, nonce), 7, DIGEST, "text/plain")


def version(value: dict[str, Any], token: int = 3) -> BytesVersion:
    return BytesVersion.parse(KEY, Snapshot(value, token, '"e"'))


def test_a_version_is_parsed_as_it_was_written_and_names_the_body_before() -> None:
    first = version(value_of(body(nonce="1"), None))
    assert (first.body, first.previous) == (body(nonce="1"), None)
    second = version(value_of(body(nonce="2"), first))
    assert (second.body, second.previous) == (body(nonce="2"), body(nonce="1").key)


def test_a_claim_of_nothing_names_nothing() -> None:
    claimed = version({})
    assert (claimed.body, claimed.previous, claimed.token) == (None, None, 3)
    assert version(value_of(body(), claimed)).previous is None


GOOD = value_of(body(), None)["body"]
BAD: list[dict[str, Any]] = [
    {"body": []},
    {"body": {**GOOD, "more": 1}},
    {"body": {name: GOOD[name] for name in ("key", "size", "sha256")}},
    {"body": {**GOOD, "key": "others/secret"}},
    {"body": {**GOOD, "key": "a/b.bodies/x"}},
    {"body": {**GOOD, "key": "a/b.bodies/0000000003-n/more"}},
    {"body": {**GOOD, "size": -1}},
    {"body": {**GOOD, "size": True}},
    {"body": {**GOOD, "sha256": "0"}},
    {"body": {**GOOD, "sha256": 0}},
    {"body": {**GOOD, "content_type": None}},
    {"body": GOOD, "previous": "others/precious"},
    {"previous": 5},
]


@pytest.mark.parametrize("value", BAD, ids=str)
def test_what_names_no_body_of_its_own_is_corrupt(value: dict[str, Any]) -> None:
    with pytest.raises(CorruptObject):
        version(value)


def test_only_unnamed_bodies_of_earlier_terms_are_left_behind() -> None:
    now = version(value_of(body(2, "now"), version(value_of(body(1, "before"), None))), token=5)
    keys = [body_key(KEY, token, nonce) for token, nonce in [(2, "now"), (1, "before")]]
    keys += [body_key(KEY, token, "other") for token in (4, 5, 6)]
    keys += [KEY, "a/b.bodies/", "a/b.bodies/notes", "a/bb.bodies/0000000004-other"]
    assert [key for key in keys if is_left_behind(KEY, key, now)] == [body_key(KEY, 4, "other")]
