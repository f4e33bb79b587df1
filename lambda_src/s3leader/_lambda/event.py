"""What an event says of the work: its tick, the leg or repeat, and the contender it is for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from s3leader._core.config import check_tick, work_for
from s3leader._core.next_lock import Work
from s3leader._core.times import parse_time
from s3leader.errors import InvalidArgument

_MOST_CONTENDERS = 100  # that metrics tell apart; schedules make ten at most


def tick_of(event: object) -> str | None:
    """Return the scheduled time that an event carries, None for an event without one."""
    if not isinstance(event, Mapping):
        return None
    tick = event.get("tick")
    if tick is None and event.get("detail-type") == "Scheduled Event":
        tick = event.get("time")
    if tick is None or isinstance(tick, str):
        return tick
    raise InvalidArgument(
        f"expected event['tick'] to be a string, got {tick!r}; give the scheduled time as ISO 8601"
        f" with a zone, such as '2026-11-23T06:00:00Z'"
    )


def work_of(tick: datetime | None, event: object) -> Work:
    """Return what an invocation is for: its tick, and the leg or repeat that its event names."""
    if not isinstance(event, Mapping):
        return Work(tick=tick)
    return work_for(tick, leg=event.get("leg", 1), repeat=event.get("repeat", False))


def contender_of(event: object) -> int | None:
    """Return which contender an event is for, as the constructs' schedules number them.

    None for anything but a small number: each value becomes two metrics, which cost money.
    """
    contender = event.get("contender") if isinstance(event, Mapping) else None
    if isinstance(contender, bool) or not isinstance(contender, int):
        return None
    return contender if 0 <= contender < _MOST_CONTENDERS else None


def target_of(event: object) -> datetime | None:
    """Return the tick up to which to catch up: that of the event, or of the one it continues.

    None for an event that catches up with nothing: one without a tick, or an operator's repeat.
    """
    if not isinstance(event, Mapping) or event.get("repeat"):
        return None
    own, named = check_tick(tick_of(event)), event.get("catch_up_to")
    if own is None or named is None or not is_later_leg(event):
        return own
    try:
        return max(own, parse_time(named))
    except (TypeError, ValueError) as error:
        raise InvalidArgument(f"event['catch_up_to'] is {named!r}: {error}") from None


def is_later_leg(event: Mapping[str, object]) -> bool:
    """Whether an event continues a tick."""
    leg = event.get("leg", 1)
    return type(leg) is int and leg > 1
