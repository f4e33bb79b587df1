"""What must hold of each write to a fenced object, and to one that names fenced bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Fields = dict[str, Any]


def fault_of_write(
    before: Fields, after: Fields, earlier: Sequence[Fields], exists: Callable[[str], bool]
) -> str | None:
    """Return what is wrong with a write of `after`; `earlier` are all writes before it, in order.

    It lowers no token, loses no count, and is not applied twice.
    """
    tokens = int(before.get("fencing_token", 0)), int(after["fencing_token"])
    if tokens[1] < tokens[0]:
        return f"the token goes down from {tokens[0]} to {tokens[1]}"
    counts = int(before.get("count", 0)), int(after.get("count", 0))
    if counts[1] not in {counts[0], counts[0] + 1}:
        return f"the count goes from {counts[0]} to {counts[1]}: a write is lost"
    if after in earlier:
        return "a fenced write is applied twice"
    return _fault_of_bytes(before, after, earlier, exists)


def _fault_of_bytes(
    before: Fields, after: Fields, earlier: Sequence[Fields], exists: Callable[[str], bool]
) -> str | None:
    """A write names a new body, which is there, of its own term, after the one before. A claim
    names what was named.
    """
    key = named(after)
    if key == named(before):
        same = after.get("previous") == before.get("previous")
        return None if same else "a claim changes what is named"
    if not exists(key):
        return f"{key} is named, and is not there"
    if any(named(one) == key for one in earlier):
        return f"{key} is named again"
    if term_of(key) != after["fencing_token"]:
        return f"{key} is named by term {after['fencing_token']}"
    if after.get("previous", "") != named(before):
        return f"{key} does not follow {named(before)}: a write is lost"
    return None


def named(fields: Fields) -> str:
    """Return the key of the body that is named, an empty text if none is."""
    body = fields.get("body")
    return str(body["key"]) if isinstance(body, dict) else ""


def term_of(key: str) -> int:
    """Return the term in the key of a body."""
    return int(key.rpartition("/")[2].partition("-")[0])
