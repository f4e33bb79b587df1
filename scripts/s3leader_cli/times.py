"""Durations, times and ticks on the command line."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

from .text_type import TextType

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST = timedelta(days=36500)  # far from what a time and a system call can hold


def now() -> datetime:
    """Return this machine's time, for what was asked for as a duration; tests replace it."""
    return datetime.now(UTC)


class Duration(TextType):
    """A number of seconds, or a number with one of the units s, m, h and d: 90, 90s, 1.5h."""

    name = "duration"

    def parse(self, text: str) -> timedelta:
        """Return the duration."""
        unit = _UNITS.get(text[-1:], 0)
        try:
            duration = timedelta(seconds=float(text[:-1] if unit else text) * (unit or 1))
        except (ValueError, OverflowError):
            duration = timedelta(-1)
        if not timedelta(0) <= duration <= _LONGEST:
            raise ValueError(
                "expected a duration from 0 to 36500d, in seconds or as 90s, 30m, 2h or 7d, got"
                f" {text!r}"
            )
        return duration


class Time(TextType):
    """A time in ISO 8601, in UTC if it has no zone, and if `ago`, also a duration before now."""

    name = "time"

    def __init__(self, *, ago: bool) -> None:
        self.ago = ago

    def parse(self, text: str) -> datetime:
        """Return the time in UTC."""
        with suppress(ValueError, OverflowError):
            time = datetime.fromisoformat(text)
            return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
        with suppress(ValueError, OverflowError):
            if self.ago:
                return now() - DURATION.parse(text)
        or_ago = ", or how long ago it was, such as 90m, 2h or 3d" if self.ago else ""
        raise ValueError(f"expected a time such as 2026-11-23T06:00:00Z{or_ago}, got {text!r}")


class Tick(TextType):
    """The tick that a command is to act on: a time in ISO 8601 with a zone.

    Nothing is assumed of one without a zone, as it would be for a filter.
    """

    name = "tick"

    def parse(self, text: str) -> datetime | str:
        """Return the time in UTC."""
        time = None
        with suppress(ValueError):
            time = datetime.fromisoformat(text)
        if time is None or time.utcoffset() is None:
            raise ValueError(
                f"expected a time with a zone, such as 2026-11-23T06:00:00Z, got {text!r}"
            )
        try:
            return time.astimezone(UTC)
        except OverflowError:
            raise ValueError(f"expected a time from year 2 to 9998, got {text!r}") from None


class DoneTick(Tick):
    """A tick, or `none`, which is returned as it is."""

    def parse(self, text: str) -> datetime | str:
        """Return the time in UTC, or `none`."""
        return text if text == "none" else super().parse(text)


DURATION = Duration()
TIME = Time(ago=True)
TICK_TO_SHOW = Time(ago=False)
"""A tick that terms are filtered by."""
TICK = Tick()
DONE_TICK = DoneTick()
