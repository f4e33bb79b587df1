"""The tick that a command line names."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from s3leader import InvalidArgument

_FLOOR = re.compile(r"floor:([1-9][0-9]{0,5})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_START = datetime(1970, 1, 1, tzinfo=UTC)


def tick_of(text: str | None, now: datetime) -> datetime | str | None:
    """Return the tick that `text` names at `now`: None for an empty one and for `none`.

    `now` and `floor:5m` are times of this machine's clock, in whole seconds, the latter rounded
    down to a multiple of five minutes in UTC. Anything else is a time, which the campaign checks.
    """
    if not text or text == "none":
        return None
    if text == "now":
        return now.replace(microsecond=0)
    if not text.startswith("floor"):
        return text
    found = _FLOOR.fullmatch(text)
    if found is None:
        raise InvalidArgument(
            f"expected --tick floor:N with a unit s, m, h or d, such as floor:5m, got {text!r}"
        )
    grain = timedelta(**{_UNITS[found[2]]: int(found[1])})
    return now - (now - _START) % grain
