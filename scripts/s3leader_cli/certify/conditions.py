"""Single writes: applied only if their condition holds, and then completely."""

from __future__ import annotations

from typing import Final

from s3leader._core.lock import MAX_BODY
from s3leader._core.requests import Create, Missing, Read, Replace

from .check import Check, CheckFailed, Costs, NotChecked, Subject, found

GROUP: Final = "conditions"
NO_ETAG: Final = f'"{"0" * 32}"'
UNUSUAL: Final = (
    "a b.json",
    "a+b%20c.json",
    "ü/日本/🦭.json",
    "q?x=1&y=2#z.json",
    "'\"<>!*().json",
)
_TWO_LEADERS: Final = "unusable: two candidates would lead at once"
_REFUSED: Final = "412 PreconditionFailed"


def _stores_bytes(subject: Subject) -> str:
    for number, body in enumerate((b"", bytes(range(256)), b"x" * MAX_BODY)):
        key = subject.key(f"{number}.json")
        subject.expect(key, body, subject.write(Create(key, body)))
    return "0 bytes, 256 bytes and 256 KiB were read as written"


def _takes_slashes(subject: Subject) -> str:
    _distinct(subject, ("lock_1.json", "a/lock_1.json", "a/b/lock_1.json"))
    return "three depths"


def _takes_unusual_keys(subject: Subject) -> str:
    _distinct(subject, UNUSUAL)
    return "spaces, quotes, percent signs and letters beyond ASCII"


def _distinct(subject: Subject, names: tuple[str, ...]) -> None:
    for name in names:
        subject.write(Create(subject.key(name), name.encode()))
    for name in names:
        if subject.read(subject.key(name)).body != name.encode():
            raise CheckFailed(f"the object at {name!r} is that of another key")


def _refuses_create(subject: Subject) -> str:
    key = subject.key()
    etag = subject.write(Create(key, b"first"))
    for body in (b"first", b"second"):
        subject.refuse(Create(key, body))
        subject.expect(key, b"first", etag)
    return "with the same body and with another"


def _applies_swap(subject: Subject) -> str:
    key = subject.key()
    first = subject.write(Create(key, b"first"))
    second = subject.write(Replace(key, b"second", first))
    subject.expect(key, b"second", second)
    if second == first:
        raise CheckFailed(f"two bodies have the one ETag {first}")
    return "the answer has the new ETag"


def _refuses_swap(subject: Subject) -> str:
    key = subject.key()
    old = subject.write(Create(key, b"first"))
    etag = subject.write(Replace(key, b"second", old))
    for stale in (old, NO_ETAG):
        subject.refuse(Replace(key, b"third", stale))
        subject.expect(key, b"second", etag)
    return "with an old ETag and with one that never was"


def _swaps_nothing(subject: Subject) -> str:
    etag = subject.write(Create(subject.key(), b"first"))
    elsewhere = subject.key("elsewhere.json")
    subject.refuse(Replace(elsewhere, b"second", etag))
    if not isinstance(subject.ask(Read(elsewhere)), Missing):
        raise CheckFailed("a compare-and-swap of a missing key created it")
    return "it was not created"


def _misses(subject: Subject) -> str:
    if not isinstance(subject.ask(Read(subject.key("nothing.json"))), Missing):
        raise CheckFailed("a key that was never written has an object")
    return "404 NoSuchKey"


def _refuses_by_code(subject: Subject) -> str:
    if subject.extras is None:
        raise NotChecked("the answers of this store have no HTTP status")
    key = subject.key()
    subject.write(Create(key, b"first"))
    codes = (
        subject.extras.refusal(key, IfNoneMatch="*"),
        subject.extras.refusal(key, IfMatch=NO_ETAG),
        subject.extras.refusal(subject.key("nothing.json"), IfMatch=NO_ETAG),
    )
    said = f"create: {codes[0]}; old ETag: {codes[1]}; If-Match on a missing key: {codes[2]}"
    if codes[:2] != (_REFUSED, _REFUSED) or codes[2] not in {_REFUSED, "404 NoSuchKey"}:
        raise CheckFailed(said)
    return said


def _shows_writes(subject: Subject) -> str:
    other, key = subject.connect(), subject.key()
    etag = subject.write(Create(key, b"0"))
    for number in range(1, 11):
        body = str(number).encode()
        etag = subject.write(Replace(key, body, etag))
        seen = found(other.perform(Read(key)), key)
        if (seen.body, seen.etag) != (body, etag):
            raise CheckFailed(f"write {number} was answered, and a read still gave {seen.body!r}")
    return "ten writes, each read through another connection"


CHECKS: Final = (
    Check(
        name="bytes",
        group=GROUP,
        statement="A create stores its body byte for byte, up to 256 KiB, and answers its ETag.",
        rules="R1, R2",
        if_missing="unusable: locks could not be read back",
        run=_stores_bytes,
    ),
    Check(
        name="slashes",
        group=GROUP,
        statement="Keys with slashes are keys like others.",
        rules="R1",
        if_missing="unusable: the locks of an election are in a folder of its name",
        run=_takes_slashes,
    ),
    Check(
        name="unusual keys",
        group=GROUP,
        statement="An object is found under any key that S3 allows.",
        rules="none",
        if_missing="names of elections and prefixes must consist of letters, digits and hyphens",
        run=_takes_unusual_keys,
        fatal=False,
        costs=lambda *_: Costs(writes=5, reads=5),
    ),
    Check(
        name="create on an existing key",
        group=GROUP,
        statement="A create (If-None-Match: *) is refused where an object exists, and changes"
        " nothing.",
        rules="R0, R1",
        if_missing=_TWO_LEADERS,
        run=_refuses_create,
    ),
    Check(
        name="swap on the last ETag",
        group=GROUP,
        statement="A compare-and-swap (If-Match) on the last ETag is applied and changes the ETag.",
        rules="R2, R3",
        if_missing="unusable: no leader could renew or resign",
        run=_applies_swap,
    ),
    Check(
        name="swap on an old ETag",
        group=GROUP,
        statement="A compare-and-swap on any other ETag is refused and changes nothing.",
        rules="R0, R2, R3",
        if_missing="unusable: a leader that was deposed could go on",
        run=_refuses_swap,
        costs=lambda *_: Costs(writes=4, reads=2),
    ),
    Check(
        name="swap of a missing key",
        group=GROUP,
        statement="A compare-and-swap of a missing key is refused and creates nothing.",
        rules="R2, R7",
        if_missing="unusable: a late renewal would bring a deleted lock back",
        run=_swaps_nothing,
    ),
    Check(
        name="missing key",
        group=GROUP,
        statement="A read of a missing key says that it is missing.",
        rules="R1, R5",
        if_missing="unusable: a lost answer could not be settled",
        run=_misses,
    ),
    Check(
        name="codes of refusals",
        group=GROUP,
        statement="Refusals are 412 PreconditionFailed; to an If-Match on a missing key, 404"
        " NoSuchKey will do.",
        rules="R0, R5",
        if_missing="unusable: a refusal would look like a lost answer",
        run=_refuses_by_code,
    ),
    Check(
        name="reads see writes",
        group=GROUP,
        statement="A read shows every write that was answered before.",
        rules="R1, R2, R5",
        if_missing="unusable: a candidate could take a sealed or a renewed lock for an old one",
        run=_shows_writes,
        costs=lambda *_: Costs(writes=11, reads=10),
    ),
)
