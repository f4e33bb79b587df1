"""Durations, times and ticks on the command line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

import click

if TYPE_CHECKING:
    _DurationType: TypeAlias = click.ParamType[timedelta]
    _TimeType: TypeAlias = click.ParamType[datetime]
else:
    _DurationType = _TimeType = click.ParamType  # generic only in newer versions

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST = timedelta(days=36500)  # far from what a time and a system call can hold


def now() -> datetime:
    """Return this machine's time, for what was asked for as a duration; tests replace it."""
    return datetime.now(UTC)


class Duration(_DurationType):
    """A number of seconds, or a number with one of the units s, m, h and d: 90, 90s, 1.5h."""

    name = "duration"

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's signature
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> timedelta:
        """Return the duration."""
        if isinstance(value, timedelta):
            return value
        text = str(value)
        unit = _UNITS.get(text[-1:], 0)
        try:
            duration = timedelta(seconds=float(text[:-1] if unit else text) * (unit or 1))
        except (ValueError, OverflowError):
            duration = timedelta(-1)
        if not timedelta(0) <= duration <= _LONGEST:
            self.fail(
                "expected a duration from 0 to 36500d, in seconds or as 90s, 30m, 2h or 7d, got"
                f" {text!r}",
                param,
                ctx,
            )
        return duration


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


class Tick(_TimeType):
    """The tick that a command is to act on: a time in ISO 8601 with a zone.

    Nothing is assumed of one without a zone, as it would be for a filter.
    """

    name = "tick"

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's signature
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> datetime:
        """Return the time in UTC."""
        try:
            time = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        except ValueError:
            time = None
        if time is None or time.utcoffset() is None:
            self.fail(
                f"expected a time with a zone, such as 2026-11-23T06:00:00Z, got {value!r}",
                param,
                ctx,
            )
        try:
            return time.astimezone(UTC)
        except OverflowError:
            self.fail(f"expected a time from year 2 to 9998, got {value!r}", param, ctx)


class DoneTick(Tick):
    """A tick, or `none`, which is returned as it is."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 - click's signature
        """Return the time in UTC, or `none`."""
        return value if value == "none" else super().convert(value, param, ctx)


DURATION = Duration()
TIME = Time(ago=True)
TICK_TO_SHOW = Time(ago=False)
"""A tick that terms are filtered by."""
TICK = Tick()
DONE_TICK = DoneTick()
