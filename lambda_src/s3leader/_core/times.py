"""Converting times: ISO 8601 in UTC in lock bodies, milliseconds since 1970 in S3's answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

MOST_AHEAD_MS: Final = 60 * 60 * 1000
"""How far ahead of S3's clock a tick may lie: completing one completes all before it (R8)."""


def parse_time(value: object) -> datetime:
    """Return an ISO 8601 text with a zone as a datetime in UTC; ValueError says what is wrong."""
    if not isinstance(value, str):
        raise ValueError("not an ISO 8601 text")  # noqa: TRY004
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("not an ISO 8601 date and time") from None
    if time.tzinfo is None:
        raise ValueError("it has no time zone (write 2026-11-23T06:00:00Z)")
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise ValueError("out of range") from None


def format_time(time: datetime) -> str:
    """Return `2026-11-23T06:00:00Z`; microseconds only where there are any."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def from_ms(ms: int) -> datetime:
    """Return the datetime of milliseconds since 1970."""
    return datetime.fromtimestamp(ms // 1000, tz=UTC).replace(microsecond=ms % 1000 * 1000)


def to_ms(time: datetime) -> int:
    """Return the whole milliseconds since 1970 of `time`."""
    delta = time - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1000 + delta.microseconds // 1000
