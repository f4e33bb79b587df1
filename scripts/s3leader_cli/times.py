"""Times on the command line: ISO 8601, or how long ago."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from .options import DURATION

if TYPE_CHECKING:
    _TimeType: TypeAlias = click.ParamType[datetime]
else:
    _TimeType = click.ParamType  # generic only in newer versions


def now() -> datetime:
    """Return this machine's time, for what was asked for as a duration; tests replace it."""
    return datetime.now(UTC)


class Time(_TimeType):
    """A time in ISO 8601, in UTC if it has no zone, and if `ago`, also a duration before now."""

    name = "time"

    def __init__(self, *, ago: bool) -> None:
        self.ago = ago

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's signature
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> datetime:
        """Return the time in UTC."""
        if isinstance(value, datetime):
            return value
        text = str(value)
        try:
            time = datetime.fromisoformat(text)
            return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        try:
            if self.ago:
                ago: timedelta = DURATION.convert(text, None, None)
                return now() - ago
        except (click.BadParameter, OverflowError):
            pass
        or_ago = ", or how long ago it was, such as 90m, 2h or 3d" if self.ago else ""
        return self.fail(
            f"expected a time such as 2026-11-23T06:00:00Z{or_ago}, got {text!r}", param, ctx
        )


TIME = Time(ago=True)
TICK = Time(ago=False)
