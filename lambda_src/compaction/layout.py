"""The keys of all objects in the data bucket.

    events/…                                            inputs, with whatever names producers chose
    compacted/manifest.json                             names all files that count
    compacted/term_0000000042/000001-<nonce>.ndjson.gz        a part: well-formed lines
    compacted/term_0000000042/000001-<nonce>.segment.json     older entries of the manifest
    rejected/term_0000000042/000001-<nonce>.ndjson.gz         records of malformed lines
    rejected/term_0000000042/000001-<nonce>/00001-<name>      an input kept whole

The key of each file of a batch carries the batch's name: term, count and nonce. So no two batches
write the same key, and a batch is committed or orphaned as a whole.
"""

from __future__ import annotations

import re
import secrets
from typing import Final

EVENTS: Final = "events/"
COMPACTED: Final = "compacted/"
REJECTED: Final = "rejected/"
MANIFEST: Final = f"{COMPACTED}manifest.json"
_BATCH: Final = re.compile(r"/(term_[0-9]{10}/[0-9]{6,}-[0-9a-f]{32})[./]")
_NAME_LENGTH: Final = 100


def part(batch: str) -> str:
    """The key of the batch's well-formed lines."""
    return f"{COMPACTED}{batch}.ndjson.gz"


def segment(batch: str) -> str:
    """The key of the older manifest entries that the batch's commit moves away."""
    return f"{COMPACTED}{batch}.segment.json"


def rejects(batch: str) -> str:
    """The key of the batch's malformed lines."""
    return f"{REJECTED}{batch}.ndjson.gz"


def kept(batch: str, count: int, key: str) -> str:
    """The key of an input that is kept whole."""
    return f"{REJECTED}{batch}/{count:05}-{key.rpartition('/')[2][-_NAME_LENGTH:]}"


def new_batch(term: int, count: int) -> str:
    """Return a name that no other batch has."""
    return f"{term_folder(term)}/{count:06}-{secrets.token_hex(16)}"


def term_folder(term: int) -> str:
    """The folder of a term's files; they sort as the terms do."""
    return f"term_{term:010}"


def batch_of(key: str) -> str | None:
    """The batch that wrote `key`, or None if none did."""
    found = _BATCH.search(key)
    return found[1] if found else None


def term_of(batch: str) -> int:
    """The term of a batch."""
    return int(batch[len("term_") : batch.index("/")])
