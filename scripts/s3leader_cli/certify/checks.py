"""All checks, in the order in which they run."""

from __future__ import annotations

from typing import Final

from . import clocks, conditions, elections, lists, lost_answers, races, tags
from .check import Check

CHECKS: Final[tuple[Check, ...]] = (
    *conditions.CHECKS,
    *lists.CHECKS,
    *clocks.CHECKS,
    *tags.CHECKS,
    *races.CHECKS,
    *lost_answers.CHECKS,
    *elections.CHECKS,
)
GROUPS: Final = tuple(dict.fromkeys(check.group for check in CHECKS))
