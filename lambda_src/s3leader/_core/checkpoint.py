"""The check of a job's checkpoint before it is saved in the lock. Pure data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from s3leader.errors import InvalidArgument

from .lock import MAX_STATE
from .strict_json import MAX_DEPTH, nested_too_deeply


def checked_state(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of `state` as JSON keeps it; raise `InvalidArgument` if it does not fit."""
    if not isinstance(state, Mapping):
        raise InvalidArgument(f"expected state to be a mapping that JSON can hold, got {state!r}")
    try:
        text = json.dumps(dict(state), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgument(f"state cannot be written as JSON: {error}") from error
    if len(text) > MAX_STATE:
        raise InvalidArgument(
            f"expected state of at most {MAX_STATE} bytes of JSON, got {len(text)}; keep large data"
            f" in an object of its own, and its key here"
        )
    kept: dict[str, Any] = json.loads(text)
    if nested_too_deeply([kept]):  # in the body it is one level deeper
        raise InvalidArgument(f"expected state nested at most {MAX_DEPTH} deep; flatten it")
    return kept
