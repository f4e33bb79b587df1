"""Act one: the deployed stack at work, three contenders a tick, one of them the leader."""

from datetime import UTC, datetime

from s3leader_demo.deployment import CONTENDERS, Deployment
from s3leader_demo.rows import Row

_MINUTE = 60
_SPARE_SECONDS = 90


def show(deployment: Deployment, ticks: int) -> None:
    """Watch until that many ticks are done, and all their contenders have ended."""
    deployment.screen.title(f"Act one: {CONTENDERS} contenders at every full minute, one leader")
    deployment.screen.say(
        "  Producers drop small objects into the data bucket: bird strikes (FAA) and Seattle's"
        " weather (NOAA).\n  Each minute three schedules start the function at once; one invocation"
        " leads and merges what is\n  there, the others go home."
    )
    deployment.screen.say()

    def look() -> list[Row] | None:
        rows = deployment.rows()
        deployment.screen.update(rows, _status(deployment, ticks))
        done = [row for row in rows if row.finished and row.outcome == "completed"]
        return rows if len(done) >= ticks and all(row.finished for row in rows) else None

    with deployment.screen.table():
        seen = deployment.watch(
            look,
            what=f"{ticks} ticks done",
            seconds=ticks * _MINUTE + _SPARE_SECONDS,
            every=0.5,
        )
        deployment.screen.update(seen, _sent(deployment))


def _sent(deployment: Deployment) -> str:
    return f"{deployment.producer.objects:,} objects with {deployment.producer.lines:,} lines sent so far"


def _status(deployment: Deployment, ticks: int) -> str:
    wait = _MINUTE - datetime.now(UTC).second
    end = f"ends after {ticks} tick{'' if ticks == 1 else 's'}"
    return f"{_sent(deployment)}; next tick in {wait} s; {end}"
