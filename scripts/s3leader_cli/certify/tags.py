"""Tags, by which a lifecycle rule deletes old locks (R6)."""

from __future__ import annotations

from typing import Final

from s3leader._core.requests import Applied, Create, Missing, Replace, Tag
from s3leader.errors import BucketUnusable

from .check import Check, CheckFailed, Costs, NotChecked, Subject

GROUP: Final = "tags"
_NO_TAGS: Final = "works without the deletion of old locks: the ledger grows until you delete some"


def _changes_nothing(subject: Subject) -> str:
    key = subject.key()
    subject.write(Create(key, b"first"))
    before = subject.read(key)
    said = "put twice; body, ETag and Last-Modified stayed"
    try:
        for _ in range(2):
            if not isinstance(subject.ask(Tag(key)), Applied):
                raise CheckFailed("the tag of an object that exists was not applied")
    except BucketUnusable as error:  # whether it is needed is for the next check to say
        said = f"it was refused ({error.code}), and changed nothing"
    after = subject.read(key)
    if (after.body, after.etag) != (before.body, before.etag):
        raise CheckFailed("a tag changed the body or the ETag")
    if after.modified_ms != before.modified_ms:
        raise CheckFailed("a tag changed Last-Modified")
    subject.expect(key, b"second", subject.write(Replace(key, b"second", after.etag)))
    return said


def _is_kept(subject: Subject) -> str:
    if subject.extras is None:
        raise NotChecked("the tags of this store cannot be read")
    key = subject.key()
    subject.write(Create(key, b"first"))
    subject.ask(Tag(key))
    tags = dict(subject.extras.tags(key))
    if tags != {"superseded": "true"}:
        raise CheckFailed(f"superseded=true was put, and {tags} was read")
    return "superseded=true was read back"


def _needs_an_object(subject: Subject) -> str:
    answer = subject.ask(Tag(subject.key("nothing.json")))
    if not isinstance(answer, Missing):
        raise CheckFailed("the tag of a missing key was accepted")
    return "404 NoSuchKey"


CHECKS: Final = (
    Check(
        name="tags change nothing else",
        group=GROUP,
        statement="A tag may be put twice, and changes neither body nor ETag nor Last-Modified.",
        rules="R2, R6",
        if_missing="unusable: each leader would overwrite the locks of those before it",
        run=_changes_nothing,
    ),
    Check(
        name="tags are kept",
        group=GROUP,
        statement="A tag that was put can be read.",
        rules="R6",
        if_missing=_NO_TAGS,
        run=_is_kept,
        fatal=False,
    ),
    Check(
        name="tags need an object",
        group=GROUP,
        statement="The tag of a missing key says that the key is missing.",
        rules="R6",
        if_missing="works: a lock that was deleted by hand counts as tagged, or its leader warns",
        run=_needs_an_object,
        fatal=False,
        costs=lambda *_: Costs(writes=1, reads=0),
    ),
)
