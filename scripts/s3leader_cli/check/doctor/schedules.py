"""Whether the schedules of a job are enabled and in step, so that contenders share ticks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from .findings import RUN_AGAIN, Finding, ok

CHECK = "schedules"
Time: TypeAlias = tuple[str, str]
"""An expression and its time zone."""
_READ_AGAIN = f"{RUN_AGAIN}: nothing is known of the contenders that could not be read"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleState:
    """One schedule, as EventBridge Scheduler has it."""

    region: str
    name: str
    expression: str
    zone: str
    enabled: bool

    @property
    def time(self) -> Time:
        """When it fires."""
        return self.expression, self.zone


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulesFound:
    """The schedules of an election's jobs in all Regions, and what could not be read of them.

    `declared` has the times in the record of each Region's stack. `unread` names the Regions that
    could not be read, wholly or in part, and why. `absent` are Regions that a record names and
    where there is no job. `not_enabled` are Regions that AWS does not open to these credentials.
    """

    schedules: Sequence[ScheduleState] = ()
    declared: Mapping[str, frozenset[Time]] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)
    absent: Sequence[str] = ()
    not_enabled: Sequence[str] = ()


def check_schedules(found: SchedulesFound) -> Iterator[Finding]:
    """Judge the schedules of all contenders in all Regions.

    Where a Region was not read, nothing is called in order: a contender there may be off, or out
    of step. What is wrong with the schedules that were read is wrong all the same.
    """
    yield from _unread(found.unread)
    if found.absent:
        yield Finding(
            check=CHECK,
            level="warning",
            what=f"no job was found in {', '.join(found.absent)}, where records say that one"
            " contends",
            do="deploy the job's stack there, or take the Region out of regions=[…] in every stack",
        )
    if found.schedules:
        yield _enabled(found)
        yield _in_step(found)
    elif not found.unread:
        yield Finding(
            check=CHECK,
            level="warning",
            what=f"no deployed job of this election was found{_not_enabled(found)}",
            do="nothing, if something else starts the candidates, such as `s3leader run`; otherwise"
            " check the name of the election, and deploy the job's stack",
        )


def _unread(unread: Mapping[str, str]) -> Iterator[Finding]:
    """Say what was not read, Regions with one reason together."""
    regions: dict[str, list[str]] = defaultdict(list)
    for region, why in unread.items():
        regions[why.replace(region, "*")].append(region)
    for why, names in regions.items():
        yield Finding(
            check=CHECK,
            level="cannot tell",
            what=f"the schedules in {', '.join(names)} could not all be read: {why}",
            do=_READ_AGAIN,
        )


def _enabled(found: SchedulesFound) -> Finding:
    every = found.schedules
    off = [each for each in every if not each.enabled]
    those = f"{len(every)} schedules{' that could be read' if found.unread else ''}"
    if len(off) == len(every):
        return Finding(
            check=CHECK,
            level="warning" if found.unread else "problem",
            what=f"all {those} are disabled{'' if found.unread else ': no tick is fired'}",
            do="s3leader resume",
        )
    if off:
        return Finding(
            check=CHECK,
            level="warning",
            what=f"{len(off)} of {those} are disabled: {_names(off)}",
            do="s3leader resume, or s3leader pause for all of them",
        )
    if found.unread:
        return Finding(
            check=CHECK, level="cannot tell", what=f"the {those} are enabled", do=_READ_AGAIN
        )
    return ok(CHECK, f"all {those} are enabled{_not_enabled(found)}")


def _in_step(found: SchedulesFound) -> Finding:
    """Contenders share a tick only if each has a schedule for it, in every Region.

    A schedule that fires once, beside those of the stack, is a person's: its tick is shared by
    nobody.
    """
    schedules = [
        each
        for each in found.schedules
        if not each.expression.startswith("at(")
        or each.time in found.declared.get(each.region, frozenset())
    ]
    schedules = schedules or list(found.schedules)
    shown = "; ".join(dict.fromkeys(f"{text} ({zone})" for text, zone in _times(schedules)))
    rates = [each for each in schedules if each.expression.startswith("rate(")]
    if any(count > 1 for count in _times(rates).values()):
        return _out_of_step(
            f"{shown}; a rate counts from the creation of each schedule",
            "use a cron, or one contender in one Region",
        )
    changed = [
        each for each in schedules if each.time not in found.declared.get(each.region, {each.time})
    ]
    if changed:
        return _out_of_step(
            f"{_names(changed)} is not as its stack has made it: {shown}",
            "deploy the stack again, which sets it back",
        )
    uneven = _uneven(schedules)
    if found.unread:
        what = f"{uneven} differs from the others" if uneven else "they are in step"
        return Finding(
            check=CHECK,
            level="cannot tell",
            what=f"as far as the schedules could be read, {what}: {shown}",
            do=_READ_AGAIN,
        )
    if uneven:
        return _out_of_step(f"{shown}; {uneven} differs", "deploy the stack again in every Region")
    return ok(CHECK, f"in step: {shown}")


def _out_of_step(how: str, do: str) -> Finding:
    return Finding(
        check=CHECK,
        level="problem",
        what=f"the schedules are not in step, so contenders do not share their ticks: {how}",
        do=do,
    )


def _uneven(schedules: Sequence[ScheduleState]) -> str:
    """Name what differs from the rest, or return an empty text.

    Within a Region each time must have as many schedules as any other, one for each contender: what
    differs are the schedules of the rarest time. Between Regions the sets of times must be equal.
    """
    regions: dict[str, list[ScheduleState]] = defaultdict(list)
    for each in schedules:
        regions[each.region].append(each)
    counts = {region: _times(those) for region, those in regions.items()}
    for region, times in counts.items():
        rarest = min(times, key=times.__getitem__)
        if times[rarest] != max(times.values()):
            return _names([each for each in regions[region] if each.time == rarest])
    sets = Counter(frozenset(times) for times in counts.values())
    usual = sets.most_common(1)[0][0]
    return ", ".join(region for region, times in counts.items() if frozenset(times) != usual)


def _times(schedules: Sequence[ScheduleState]) -> Counter[Time]:
    return Counter(each.time for each in schedules)


def _names(schedules: Sequence[ScheduleState]) -> str:
    return ", ".join(f"{each.region}/{each.name}" for each in schedules[:5])


def _not_enabled(found: SchedulesFound) -> str:
    if not found.not_enabled:
        return ""
    return (
        "; not searched, because AWS does not know these credentials there (the Regions are"
        f" probably not enabled for the account): {', '.join(found.not_enabled)}"
    )
