"""What a fenced object of bytes says of its bodies, and how their keys are named. Sans-I/O.

A fenced object at `reports/a.csv` names one of the bodies

    reports/a.csv.bodies/0000000034-<nonce>

each of which is written once, under a key that no other write has. So the compare-and-swap is on
the fenced object, whose ETag never returns. The ETag of a body would: S3 makes it of the content
alone, not of the metadata, so neither a copy of an object onto itself with a new token nor a second
write of the same bytes changes it, and a stale leader that knows it could still write.

    {"body": {"key", "size", "sha256", "content_type"} or absent, "previous": "<key>" or absent}

`previous` is the body before, which readers may still be reading. It was named and never will be
again, so its deletion by the next write disturbs no writer.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any, Final

from s3leader.errors import CorruptObject

from .fenced_object import Snapshot

_NAME: Final = re.compile(r"([0-9]{10,})-[^/]+")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Body:
    """One body: its key, its size in bytes, its SHA-256 in hexadecimal, and its media type."""

    key: str
    size: int
    sha256: str
    content_type: str


@dataclass(frozen=True, slots=True)
class BytesVersion:
    """One version of fenced bytes. `body` is None if nothing but a claim was written.

    `token` is the fencing token that it carries, and `snapshot` what a write that is based on it
    compares with.
    """

    body: Body | None
    previous: str | None
    snapshot: Snapshot

    @property
    def token(self) -> int:
        """The fencing token that it carries."""
        return self.snapshot.token

    @classmethod
    def parse(cls, key: str, snapshot: Snapshot) -> BytesVersion:
        """Parse the object `key`. Raises `CorruptObject`."""
        previous = snapshot.value.get("previous")
        if previous is not None and not _is_key_of(key, previous):
            raise _corrupt(key, f'expected "previous" to be a key of its own, got {previous!r}')
        found = snapshot.value.get("body")
        if found is None:
            if others := sorted(snapshot.value.keys() - {"previous"}):
                raise _corrupt(key, f'expected "body" to describe a body, got only {others}')
            return cls(None, previous, snapshot)
        try:
            body: Any = Body(**found)  # its values are still to be checked
        except TypeError:
            raise _corrupt(key, f'expected "body" to describe a body, got {found!r}') from None
        good = (
            _is_key_of(key, body.key)
            and type(body.size) is int
            and body.size >= 0
            and isinstance(body.sha256, str)
            and _SHA256.fullmatch(body.sha256)
            and isinstance(body.content_type, str)
        )
        if not good:
            raise _corrupt(key, f'expected "body" to describe a body of its own, got {found!r}')
        return cls(body, previous, snapshot)


def refuse_bytes(key: str, snapshot: Snapshot) -> None:
    """Raise `CorruptObject` if a version is one of fenced bytes, which names a body of its own."""
    body = snapshot.value.get("body")
    if isinstance(body, dict) and _is_key_of(key, body.get("key")):
        raise CorruptObject(
            key=key,
            problem=f"it names the body {body['key']} of fenced bytes",
            remedy="Use FencedBytes for it, or another key for the FencedObject.",
        )


def value_of(body: Body, after: BytesVersion | None) -> dict[str, Any]:
    """Return the value of the version that names `body` and comes after `after`."""
    value: dict[str, Any] = {"body": asdict(body)}
    if after is not None and after.body is not None:
        value["previous"] = after.body.key
    return value


def body_prefix(key: str) -> str:
    """Return what the keys of all bodies of `key` begin with."""
    return f"{key}.bodies/"


def body_key(key: str, token: int, nonce: str) -> str:
    """Return the key of a new body."""
    return f"{body_prefix(key)}{token:010d}-{nonce}"


def is_left_behind(key: str, body: str, now: BytesVersion) -> bool:
    """Whether the object `body` is of an earlier term than the claimed version `now`, and unused.

    Once a token is claimed, no lower one can be written, so nothing will ever name such a body. One
    of the same token may be about to be named, by this leader or by a clone of its process.
    """
    if not _is_key_of(key, body):
        return False
    named = {now.previous, now.body.key if now.body else None}
    return body not in named and _token(body.removeprefix(body_prefix(key))) < now.token


def _is_key_of(key: str, body: object) -> bool:
    prefix = body_prefix(key)
    return (
        isinstance(body, str)
        and body.startswith(prefix)
        and _NAME.fullmatch(body.removeprefix(prefix)) is not None
    )


def _token(name: str) -> int:
    return int(name.partition("-")[0])


def _corrupt(key: str, problem: str) -> CorruptObject:
    return CorruptObject(
        key=key, problem=problem, remedy="If it is a FencedObject's, use another key for the bytes."
    )
