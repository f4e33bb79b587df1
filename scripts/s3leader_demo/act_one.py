"""Act one: the deployed stack at work, three contenders a tick, one of them the leader."""

from datetime import UTC, datetime

from s3leader_demo.stage import CONTENDERS, Stage

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

    def look() -> bool | None:
        rows = stage.rows()
        stage.screen.update(rows, _status(stage, ticks))
        done = [row for row in rows if row.finished and row.outcome == "completed"]
        return True if len(done) >= ticks and all(row.finished for row in rows) else None

    with stage.screen.table():
        stage.watch(
            look,
            what=f"{ticks} ticks done",
            seconds=ticks * _MINUTE + _SPARE_SECONDS,
            every=0.5,
        )


def _status(stage: Stage, ticks: int) -> str:
    wait = _MINUTE - datetime.now(UTC).second
    sent = f"{stage.producer.objects:,} objects with {stage.producer.lines:,} lines sent"
    return f"{sent}; next tick in {wait} s; ends after {ticks} tick{'' if ticks == 1 else 's'}"
