"""The event that starts a job, from what an operator types."""

from __future__ import annotations

import getpass
import json
from datetime import UTC, datetime
from typing import Any

import click

from s3leader import InvalidArgument
from s3leader_cli.report import utc
from s3leader_cli.run.ticks import tick_of

_RESERVED = frozenset({"tick", "repeat", "leg", "catch_up_to"})


def event_of(
    *, tick: str | None, repeat: bool, reason: str | None, others: str | None = None
) -> dict[str, Any]:
    """Return the event of the invocation; `others` is JSON with the job's own keys."""
    own = _own_keys(others)
    if repeat != (reason is not None):
        raise click.UsageError("--repeat and --reason go together: the history shows who and why")
    found = tick_of(tick, datetime.now(UTC))
    if found is None:
        if repeat:
            raise click.UsageError("--repeat needs --tick: without one, nothing is done already")
        return own
    text = found if isinstance(found, str) else utc(found)
    event = {**own, "tick": utc(time_of(text))}
    return {**event, "repeat": f"{getpass.getuser()}: {reason}"} if repeat else event


def _own_keys(text: str | None) -> dict[str, Any]:
    try:
        own = json.loads(text or "{}")
    except ValueError as error:
        raise click.UsageError(f"--event {text!r} is not JSON: {error}") from None
    if not isinstance(own, dict) or own.keys() & _RESERVED:
        raise click.UsageError(
            f"--event {text!r} cannot be used: give a JSON object, without"
            f" {', '.join(sorted(_RESERVED))}, which have options or are the job's own"
        )
    return own


def time_of(text: str | None) -> datetime | None:
    """Return the tick that a word names; raises `InvalidArgument` for one that is not a time."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            raise InvalidArgument(f"--tick {text!r} has no zone: add Z for UTC")
        return found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidArgument(
            f"--tick {text!r} is not a time, as 2026-11-23T06:00:00Z: {error}"
        ) from None
