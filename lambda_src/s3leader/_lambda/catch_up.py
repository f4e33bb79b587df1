"""Leading the ticks that were missed before the current one (`catch_up="each"`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from s3leader._core.times import format_time
from s3leader.errors import InvalidArgument

from .schedule import Schedule, missed_ticks

Answer = dict[str, Any]


class Contest(Protocol):
    """What catching up needs of the invocation."""

    def last_completed(self) -> datetime | None:
        """Return the latest completed tick, None in a new election."""
        ...

    def run(self, event: Mapping[str, Any]) -> Answer:
        """Campaign for the event's tick, and call the handler if elected."""
        ...

    def time_left(self) -> timedelta:
        """Return the invocation's remaining time."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CatchUp:
    """The schedules whose ticks are led one by one, at most `limit` of them in one invocation."""

    schedules: tuple[Schedule, ...]
    limit: int

    def __post_init__(self) -> None:
        if not self.schedules:
            raise InvalidArgument(
                "expected S3LEADER_SCHEDULES with S3LEADER_CATCH_UP=each, got none: only the"
                " schedule says which ticks were missed. SingletonJob sets both"
            )

    def run(self, contest: Contest, event: Mapping[str, Any], target: datetime) -> Answer:
        """Lead the missed ticks before `target`, oldest first, and then `target`.

        It stops at the first one that is led by another candidate, fails or is continued, and when
        the remaining time is shorter than the last term took: a later invocation goes on.
        """
        tried: datetime | None = None
        caught_up: list[str] = []
        while (tick := self._next(contest, tried, target)) is not None:
            tried, before = tick, contest.time_left()
            more = {"catch_up_to": format_time(target)}
            answer = contest.run({**_event_for(event, tick), **more})
            if answer.get("reason") in {"done", "exhausted"}:
                continue
            if answer.get("outcome") == "completed":
                caught_up.append(format_time(tick))
            left = contest.time_left()
            is_last = answer.get("outcome") != "completed" or left < before - left
            if is_last or len(caught_up) >= self.limit:
                return {**answer, "caught_up": caught_up}
        return {**contest.run(_event_for(event, target)), "caught_up": caught_up}

    def _next(self, contest: Contest, tried: datetime | None, target: datetime) -> datetime | None:
        done = contest.last_completed()
        if done is None:  # the election is new: nothing was missed
            return None
        after = done if tried is None else max(done, tried)
        return next(iter(missed_ticks(self.schedules, after=after, before=target, limit=1)), None)


def _event_for(event: Mapping[str, Any], tick: datetime) -> dict[str, Any]:
    """Return the event with another tick; a leg belongs to the tick of its event."""
    named = {**event, "tick": format_time(tick)}
    named.pop("catch_up_to", None)
    if named["tick"] != event.get("tick"):
        named.pop("leg", None)
    return named
