"""Leading the ticks that were missed before the current one (`catch_up="each"`)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from s3leader._core.times import format_time, parse_time
from s3leader.errors import InvalidArgument
from s3leader.schedule import Schedule, missed_ticks

from .event import is_later_leg

Answer = dict[str, Any]
_MOST: Final = 1000  # missed ticks that one invocation looks at
_LEAST_LEFT: Final = timedelta(seconds=5)


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
        the remaining time is shorter than the last term took: a later invocation goes on. A later
        leg leads its own tick first, since the ticks before it were dealt with by the first leg.
        """
        caught_up: list[str] = []
        first = [parse_time(event["tick"])] if is_later_leg(event) else []
        for tick in itertools.chain(first, self._missed(contest, target)):
            if tick == target:
                break
            before = contest.time_left()
            named = {**_event_for(event, tick), "catch_up_to": format_time(target)}
            answer = contest.run(named)
            left = contest.time_left()
            if answer.get("reason") in {"done", "exhausted"}:
                if left < _LEAST_LEFT:
                    return {**answer, "caught_up": caught_up}
                continue
            completed = answer.get("outcome") == "completed"
            caught_up += [format_time(tick)] if completed else []
            if not completed or left < before - left or len(caught_up) >= self.limit:
                return {**answer, "caught_up": caught_up}
        return {**contest.run(_event_for(event, target)), "caught_up": caught_up}

    def _missed(self, contest: Contest, target: datetime) -> Iterator[datetime]:
        done = contest.last_completed()
        if done is None:  # the election is new: nothing was missed
            return
        for tick in missed_ticks(self.schedules, after=done, before=target, limit=_MOST):
            latest = contest.last_completed()
            if latest is None or latest < tick:
                yield tick


def _event_for(event: Mapping[str, Any], tick: datetime) -> dict[str, Any]:
    """Return the event with another tick; a leg belongs to the tick of its event."""
    named = {**event, "tick": format_time(tick)}
    named.pop("catch_up_to", None)
    if named["tick"] != event.get("tick"):
        named.pop("leg", None)
    return named
