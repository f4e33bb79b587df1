"""How often a schedule is due in a month."""

from __future__ import annotations

import re

from s3leader import InvalidArgument

from .model import SECONDS_A_MONTH

_RATE = re.compile(r"rate\(([1-9][0-9]{0,5}) (minute|hour|day)s?\)")
_SECONDS = {"minute": 60, "hour": 3600, "day": 86_400}


def ticks_a_month(expression: str, zone: str) -> float:
    """Return the ticks of a schedule in an average month. Raises `InvalidArgument`."""
    if match := _RATE.fullmatch(expression):
        return SECONDS_A_MONTH / (int(match[1]) * _SECONDS[match[2]])
    raise InvalidArgument(
        f"--schedule {expression!r} ({zone}) cannot be used: give one such as 'rate(5 minutes)'"
    )
