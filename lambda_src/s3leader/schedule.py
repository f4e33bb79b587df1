"""The ticks of a schedule, as EventBridge Scheduler fires them: which did the ledger miss?"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Schedule:
    """A cron or a one-time (`at`) expression, and the name of its time zone."""

    expression: str
    zone: str = "UTC"

    def ticks(self, after: datetime, before: datetime) -> Iterator[datetime]:
        """Yield the ticks between two times, without these, in order and in UTC.

        Raises `InvalidArgument` for an expression or a zone that cannot be evaluated.
        """
        # Most invocations only carry their schedules, and `dateutil` takes time to import.
        from ._cron import ticks_between  # noqa: PLC0415

        return ticks_between(self.expression, self.zone, after, before)


def missed_ticks(
    schedules: tuple[Schedule, ...], *, after: datetime, before: datetime, limit: int
) -> list[datetime]:
    """Return the first `limit` ticks that any of the schedules has between two times."""
    merged = sorted(
        {
            tick
            for schedule in schedules
            for tick in itertools.islice(schedule.ticks(after, before), limit)
        }
    )
    return merged[:limit]
