"""Writers of fenced bytes, and the same with parts of the rules removed."""

from __future__ import annotations

import json
from typing import Final

from .candidates import Plan
from .mutants import Mutant
from .s3 import FENCED, S3Object
from .scenario import Budget, Scenario


def _bytes() -> tuple[S3Object, ...]:
    """Return bytes in their second version, and what a write that failed has left."""
    keys = [f"{FENCED}.bodies/{0:010d}-{name}" for name in ("first", "left", "second")]
    body = {"key": keys[2], "size": 0, "sha256": "0" * 64, "content_type": "text/plain"}
    fields = {"fencing_token": 1, "nonce": "before#0", "body": body, "previous": keys[0]}
    naming = S3Object(FENCED, json.dumps(fields).encode(), 0, False)
    return (naming, *(S3Object(key, b"before", 0, False) for key in keys))


def _writers(about: str, budget: Budget, old: int = 2) -> Scenario:
    """Two writers of bytes that are there; the second sweeps first."""
    plans = (
        Plan("old", token=old, writes_bytes=True),
        Plan("new", token=3, writes_bytes=True, sweeps=True),
    )
    return Scenario(about, plans, budget, objects=_bytes(), expect_progress=False)


BYTES: Final = {
    "bytes": _writers("a writer of bytes that becomes stale before its write", Budget(deaths=1)),
    "bytes-lost": _writers("a lost answer, or a write that arrives late", Budget(lost=1, steps=1)),
    "bytes-slow": _writers("a writer that becomes stale within its write", Budget(slow=2)),
    "bytes-echo": _writers("an intermediary that sends a write twice", Budget(echoes=1)),
    "bytes-clone": _writers("two writers with equal tokens, of which one sweeps", Budget(), old=3),
}

BYTES_MUTANTS: Final = (
    Mutant(
        removed="fencing: a write of bytes compares with the version that it is based on",
        old="    base = None if after is None else after.snapshot\n",
        new="    base = yield from fenced_object.read(config)\n",
        found={"bytes-clone": "a write is lost"},
    ),
    Mutant(
        removed="fencing: bytes are named only when it is known that they are there",
        old="    uploaded = yield from write_until_known(\n        Create(body.key",
        new="    yield Create(body.key, nonce.encode())\n    uploaded = None\n"
        "    lambda: write_until_known(\n        Create(body.key",
        found={"bytes-lost": "is named, and is not there"},
    ),
    Mutant(
        removed="fencing: a write of bytes deletes only what is two versions old",
        old="    unused = None if after is None else after.previous\n",
        new="    unused = None if after is None or after.body is None else after.body.key\n",
        found={"bytes": "which is named"},
    ),
    Mutant(
        removed="fencing: a sweep leaves the bodies of its own term",
        old="body_prefix(key))) < now.token",
        new="body_prefix(key))) <= now.token",
        found={"bytes-clone": "which may still be named"},
    ),
    Mutant(
        removed="fencing: a sweep leaves what is named",
        old="    return body not in named and",
        new="    return body is not named and",
        found={"bytes": "which is named"},
    ),
)
