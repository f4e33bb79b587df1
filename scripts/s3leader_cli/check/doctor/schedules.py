"""Whether the schedules of a job are enabled and in step, so that contenders share ticks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .findings import Finding, ok

CHECK = "schedules"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleState:
    """One schedule, as EventBridge Scheduler has it."""

    region: str
    name: str
    expression: str
    zone: str
    enabled: bool


def check_schedules(schedules: Sequence[ScheduleState]) -> Iterator[Finding]:
    """Judge the schedules of all contenders in all Regions."""
    if not schedules:
        yield Finding(
            check=CHECK,
            level="warning",
            what="no deployed job of this election was found",
            do="none is needed for candidates that something else starts",
        )
        return
    off = [each for each in schedules if not each.enabled]
    if len(off) == len(schedules):
        yield Finding(
            check=CHECK,
            level="problem",
            what=f"all {len(schedules)} schedules are disabled: no tick is fired",
            do="s3leader resume",
        )
    elif off:
        yield Finding(
            check=CHECK,
            level="warning",
            what=f"{len(off)} of {len(schedules)} schedules are disabled: {_names(off)}",
            do="s3leader resume, or s3leader pause for all of them",
        )
    else:
        yield ok(CHECK, f"all {len(schedules)} schedules are enabled")
    yield from _in_step(schedules)


def _in_step(schedules: Sequence[ScheduleState]) -> Iterator[Finding]:
    """Contenders share a tick only if each of its times has as many schedules as any other."""
    times: dict[tuple[str, str], list[ScheduleState]] = {}
    for each in schedules:
        times.setdefault((each.expression, each.zone), []).append(each)
    counts = {len(each) for each in times.values()}
    shown = "; ".join(f"{expression} ({zone})" for expression, zone in times)
    if len(counts) == 1 and not any(text.startswith("rate(") for text, _ in times):
        yield ok(CHECK, f"in step: {shown}")
        return
    few = min(times.values(), key=len)
    yield Finding(
        check=CHECK,
        level="problem",
        what=f"the schedules are not in step, so contenders do not share their ticks: {shown};"
        f" {_names(few)} differs",
        do="deploy the stack again in every Region (a rate counts from the creation of each"
        " schedule: use a cron)",
    )


def _names(schedules: Sequence[ScheduleState]) -> str:
    return ", ".join(f"{each.region}/{each.name}" for each in schedules[:5])
