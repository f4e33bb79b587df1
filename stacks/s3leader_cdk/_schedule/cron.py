"""A parser of EventBridge Scheduler's cron expressions.

The grammar is that of the EventBridge Scheduler User Guide, *Schedule types*. Synth applies it,
because CloudFormation reports an invalid expression only during the deployment.

What the guide does not mention is accepted: users report that `LW` and `6L` work, and `L-3` comes
from Quartz, whose grammar is similar. Descending ranges, and steps longer than their field, are
rejected although EventBridge may accept them, because they are not due when they seem to be.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

DEPLOY_TIME = "${Token["  # CDK's mark of a value that is known only at deployment
_ITEM = re.compile(r"(?P<first>\*|\w+)(?:-(?P<last>\w+))?(?:/(?P<step>\d{1,4}))?", re.ASCII)
_MONTH_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)  # in a leap year

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
SIX_FIELDS = (
    "EventBridge takes six fields (minutes, hours, day of month, month, day of week, year), with"
    " a ? in the day field that is not used, such as 'cron(0 3 * * ? *)'"
)


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of a cron expression.

    Attributes:
        name: its name in the guide.
        low: its lowest number.
        high: its highest number.
        names: names for its numbers, from `low` on.
        steps: whether `/` is allowed.
        special: patterns of items that depend on the calendar, in upper case. The group `day`
            matches a day of the week, the group `near` a day of the month; both must be in range.
        also: examples of those items, for error messages.
    """

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    steps: bool = True
    special: tuple[re.Pattern[str], ...] = ()
    also: str = ""

    def values(self, text: str) -> frozenset[int]:
        """Return all numbers that `text` can stand for, or raise `ValueError` with the reason."""
        if DEPLOY_TIME in text or (text == "?" and self.special):
            return self._all()
        return frozenset().union(*(self._item(item) for item in text.split(",")))

    def _all(self) -> frozenset[int]:
        return frozenset(range(self.low, self.high + 1))

    def _item(self, item: str) -> Iterable[int]:
        for pattern in self.special:
            if match := pattern.fullmatch(item.upper()):
                found = match.groupdict()
                if found.get("near"):
                    self._number(found["near"], item)
                return [self._number(found["day"], item)] if found.get("day") else self._all()
        match = _ITEM.fullmatch(item)
        if match is None or (match["first"] == "*" and match["last"]):
            raise self._error(item)
        return self._range(item, match["first"], match["last"], match["step"])

    def _range(self, item: str, first: str, last: str | None, step: str | None) -> Iterable[int]:
        start = self.low if first == "*" else self._number(first, item)
        if last is None:
            end = start if step is None and first != "*" else self.high
        else:
            end = self._number(last, item)
        stride = 1 if step is None else self._step(step, item)
        if start > end:
            wrapped = [*range(start, self.high + 1), *range(self.low, end + 1)][::stride]
            raise self._error(item, f"a range runs upwards: write {compressed(wrapped)!r}")
        values = range(start, end + 1, stride)
        if step is not None and not self.steps:
            raise self._error(item, f"steps are not allowed: write {compressed(values)!r}")
        return values

    def _step(self, step: str, item: str) -> int:
        most = self.high - self.low + 1
        if not 1 <= int(step) <= most:
            raise self._error(item, f"a step is from 1 to {most}, and counts within its field")
        return int(step)

    def _number(self, text: str, item: str) -> int:
        if text.upper() in self.names:
            return self.low + self.names.index(text.upper())
        if text.isdecimal() and text.isascii() and self.low <= int(text) <= self.high:
            return int(text)
        raise self._error(item)

    def _error(self, item: str, hint: str = "") -> ValueError:
        expected = f"{self.low} to {self.high}"
        if self.names:
            expected += f" or {self.names[0]} to {self.names[-1]}"
        if self.names == DAYS:
            expected += ", where Sunday is 1"
        also = f", or {self.also}" if self.also else ""
        message = f"{self.name} {item!r}: EventBridge takes {expected}{also}"
        return ValueError(f"{message}; {hint}" if hint else message)


MINUTES = Field(name="minutes", low=0, high=59)
HOURS = Field(name="hours", low=0, high=23)
DAY_OF_MONTH = Field(
    name="day of month",
    low=1,
    high=31,
    special=(re.compile(r"L(-([1-9]|[12]\d|30))?W?"), re.compile(r"(?P<near>\w+)W")),
    also="L, LW or 15W",
)
MONTH = Field(name="month", low=1, high=12, names=MONTHS)
DAY_OF_WEEK = Field(
    name="day of week",
    low=1,
    high=7,
    names=DAYS,
    steps=False,
    special=(re.compile(r"L(-[1-7])?"), re.compile(r"(?P<day>\w+)(L|#[1-5])")),
    also="L, 6L or 6#1 to 6#5",
)
YEAR = Field(name="year", low=1970, high=2199)
FIELDS = (MINUTES, HOURS, DAY_OF_MONTH, MONTH, DAY_OF_WEEK, YEAR)


@dataclass(frozen=True, kw_only=True)
class Cron:
    """The numbers that each field matches; for `L`, `W` and `#`, every day they can match."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    years: frozenset[int]


def parse(fields: Collection[str]) -> Cron:
    """Parse six fields, or raise `ValueError` with the field, its value and what is expected.

    Exactly one of the two day fields must be `?`, and some month must have the day of month.
    """
    if len(fields) != len(FIELDS):
        raise ValueError(SIX_FIELDS)
    minutes, hours, days, months, weekdays, years = (
        field.values(text) for field, text in zip(FIELDS, fields, strict=True)
    )
    _, _, day, month, weekday, _ = fields
    if (day == "?") is (weekday == "?"):
        raise ValueError(
            f"day of month {day!r} and day of week {weekday!r}: EventBridge takes six fields, and"
            " exactly one of these two is '?'"
        )
    if min(days) > max(_MONTH_DAYS[each - 1] for each in months):
        raise ValueError(f"day of month {day!r}: month {month!r} never has it")
    return Cron(
        minutes=minutes, hours=hours, days=days, months=months, weekdays=weekdays, years=years
    )


def compressed(numbers: Iterable[int]) -> str:
    """Return numbers in the notation of a cron field: `1,3-5`."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
