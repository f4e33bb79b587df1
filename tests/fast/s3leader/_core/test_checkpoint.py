"""A checkpoint is kept as JSON keeps it, or refused before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest

from s3leader._core.checkpoint import checked_state
from s3leader._core.strict_json import MAX_DEPTH
from s3leader.errors import InvalidArgument


def nested(depth: int) -> dict[str, Any]:
    state: dict[str, Any] = {}
    for _ in range(depth - 1):
        state = {"a": state}
    return state


def test_a_checkpoint_is_copied() -> None:
    state: dict[str, Any] = {"after": ["a", 1, None]}
    kept = checked_state(state)
    state["after"].clear()
    assert kept == {"after": ["a", 1, None]}


@pytest.mark.parametrize("state", [[("a", 1)], [], None, "text"])
def test_what_is_no_mapping_is_refused(state: Any) -> None:
    with pytest.raises(InvalidArgument, match="expected state to be a mapping"):
        checked_state(state)


def test_nesting_leaves_a_level_for_the_body_of_the_lock() -> None:
    assert checked_state(nested(MAX_DEPTH - 1)) == nested(MAX_DEPTH - 1)
    with pytest.raises(InvalidArgument, match="expected state nested at most"):
        checked_state(nested(MAX_DEPTH))
