"""Act one: the deployed stack at work, three contenders a tick, one of them the leader."""

from datetime import UTC, datetime

from s3leader_demo.rows import Row
from s3leader_demo.setting import CONTENDERS, Stage

_MINUTE = 60
_SPARE_SECONDS = 90


def play(stage: Stage, ticks: int) -> None:
    """Watch until that many ticks are done, and all their contenders have ended."""
    stage.screen.title(f"Act one: {CONTENDERS} contenders at every full minute, one leader")
    stage.screen.say(
        "  Producers drop small objects into the data bucket: bird strikes (FAA) and Seattle's"
        " weather (NOAA).\n  Each minute three schedules start the function at once; one invocation"
        " leads and merges what is\n  there, the others go home."
    )
    stage.screen.say()

    def look() -> list[Row] | None:
        rows = stage.rows()
        stage.screen.update(rows, _status(stage, ticks))
        done = [row for row in rows if row.finished and row.outcome == "completed"]
        return rows if len(done) >= ticks and all(row.finished for row in rows) else None

    with stage.screen.table():
        seen = stage.watch(
            look,
            what=f"{ticks} ticks done",
            seconds=ticks * _MINUTE + _SPARE_SECONDS,
            every=0.5,
        )
        stage.screen.update(seen, _sent(stage))


def _sent(stage: Stage) -> str:
    return f"{stage.producer.objects:,} objects with {stage.producer.lines:,} lines sent so far"


def _status(stage: Stage, ticks: int) -> str:
    wait = _MINUTE - datetime.now(UTC).second
    end = f"ends after {ticks} tick{'' if ticks == 1 else 's'}"
    return f"{_sent(stage)}; next tick in {wait} s; {end}"
