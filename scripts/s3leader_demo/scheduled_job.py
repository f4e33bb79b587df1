"""The first part of the demo: the deployed job, with three contenders for each tick."""

from datetime import UTC, datetime

from s3leader_demo.deployment import CONTENDERS, Deployment
from s3leader_demo.rows import Row

_MINUTE = 60
_SPARE_SECONDS = 90


def run(demo: Deployment, ticks: int) -> None:
    """Show the terms until that many ticks are completed and all their contenders have ended."""
    demo.screen.title(f"Part one: each minute {CONTENDERS} contenders start, and one leads")
    demo.screen.say(
        "  A producer puts small objects into the data bucket: bird strikes (FAA) and Seattle's"
        " weather (NOAA).\n  Each minute three schedules start the function at the same time. One"
        " invocation is elected and merges\n"
        "  the objects into large parts; the others end at once.\n"
    )

    def poll() -> list[Row] | None:
        rows = demo.rows()
        demo.screen.update(rows, _status(demo, ticks))
        completed = [row for row in rows if row.finished and row.outcome == "completed"]
        return rows if len(completed) >= ticks and all(row.finished for row in rows) else None

    with demo.screen.table():
        seconds = ticks * _MINUTE + _SPARE_SECONDS
        rows = demo.wait(poll, what=f"{ticks} completed ticks", seconds=seconds, every=0.5)
        demo.screen.update(rows, _sent(demo))


def _sent(demo: Deployment) -> str:
    return f"{demo.producer.objects:,} objects with {demo.producer.lines:,} lines sent so far"


def _status(demo: Deployment, ticks: int) -> str:
    wait = _MINUTE - datetime.now(UTC).second
    end = f"ends after {ticks} tick{'' if ticks == 1 else 's'}"
    return f"{_sent(demo)}; next tick in {wait} s; {end}"
