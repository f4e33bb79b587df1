"""`s3leader logs`: what all contenders logged, merged by time."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from s3leader_cli.exit_codes import DONE, NEEDS_YOU
from s3leader_cli.options import json_option
from s3leader_cli.streams import print_out, printable
from s3leader_cli.times import DURATION, now

from .events import time_of
from .options import Wanted, job_options, note, warn

if TYPE_CHECKING:
    from s3leader_cli.aws.logs import Line, Log

_POLL_SECONDS = 2.0
_LATE = timedelta(minutes=1)  # how late CloudWatch may show a line
_FACTS = (
    "term", "tick", "contender", "holder", "reason", "term_tick", "attempt", "leg", "taken_over",
    "outcome", "why", "problem", "key", "error", "repeat_reason",
)  # fmt: skip


@click.command(
    short_help="Show what all contenders logged, merged by time.",
    help="Show what the contenders of a job logged about the election, in all its Regions, merged"
    " by time. CloudWatch shows a line some seconds after it was written.",
)
@job_options
@click.option("--tick", metavar="TICK", help="Of the contenders of one tick.")
@click.option("--term", type=click.IntRange(min=1), metavar="N", help="About one term.")
@click.option(
    "--since", type=DURATION, default="1h", metavar="DURATION",
    help="How far back, such as 90, 30m, 1h or 2d (default 1h).",
)  # fmt: skip
@click.option("--all", "every", is_flag=True, help="Also the job's own lines and Lambda's.")
@click.option("--follow", is_flag=True, help="Go on with new lines until Ctrl-C.")
@json_option
def logs(
    *, wanted: Wanted, tick: str | None, term: int | None, since: timedelta, every: bool,
    follow: bool, as_json: bool,
) -> int:  # fmt: skip
    """Print the lines."""
    from s3leader_cli.aws.logs import Filter, Log  # noqa: PLC0415 - boto3

    if every and (tick is not None or term is not None):
        raise click.UsageError("--all goes without --tick and --term, which other lines lack")
    asked = Filter(election=wanted.place.election, tick=time_of(tick), term=term, every=every)
    jobs = wanted.find()
    start_ms = max(0, _ms(now() - since))  # CloudWatch knows no time before 1970
    found = [Log(job, asked) for job in jobs.found]
    starts = dict.fromkeys(found, start_ms)
    lines, complete = _read(starts)
    read = _print(lines, as_json=as_json)
    if follow and read:
        _follow(starts, lines, as_json=as_json)
    if not lines:
        note(f"no line in the last {since}: --since 1d looks further back, --all shows all lines")
    return DONE if complete and jobs.complete else NEEDS_YOU


def _read(starts: dict[Log, int]) -> tuple[list[Line], bool]:
    """Return the lines of all Regions by time, and whether all could be read.

    `starts` has from which millisecond on each is read. A log that could be read to its end is read
    from a little before this moment next time; the others from the same time again.
    """
    from s3leader_cli.aws.failures import RequestFailed  # noqa: PLC0415 - boto3

    lines: list[Line] = []
    complete = True
    for each, start_ms in starts.items():
        next_ms = max(start_ms, _ms(now() - _LATE))
        try:
            lines += each.lines(start_ms)
        except RequestFailed as error:
            warn(error.message)
            complete = False
        else:
            starts[each] = next_ms
    # Stable: lines of one millisecond stay in CloudWatch's order.
    return sorted(lines, key=lambda each: each.at_ms), complete


def _follow(starts: dict[Log, int], lines: list[Line], *, as_json: bool) -> None:
    shown = set(lines)
    while True:
        time.sleep(_POLL_SECONDS)
        earliest_ms = min(starts.values(), default=0)  # no line before it is read again
        found, _ = _read(starts)
        new = [each for each in found if each not in shown]
        shown = {each for each in shown if each.at_ms >= earliest_ms} | set(new)
        if not _print(new, as_json=as_json):
            return


def _print(lines: Iterable[Line], *, as_json: bool) -> bool:
    """Print the lines; return False once nobody reads them any more."""
    return all(print_out((_as_json(each) if as_json else render(each)) + "\n") for each in lines)


def render(line: Line) -> str:
    """Return a line for people: time, Region, message and the facts of the election."""
    fields = line.fields()
    at = f"{_at(line)} {line.region}"
    if not isinstance(fields, dict) or "message" not in fields:
        return f"{at} {printable(line.text)}"
    facts = " ".join(
        f"{name}={json.dumps(fields[name], ensure_ascii=False)}"
        for name in _FACTS
        if fields.get(name) is not None
    )
    return printable(f"{at} {fields['message']} {facts}".rstrip())


def _as_json(line: Line) -> str:
    fields: Any = line.fields()
    shown = fields if isinstance(fields, dict) else {"message": line.text}
    return json.dumps({"at": _at(line), "region": line.region, **shown})


def _at(line: Line) -> str:
    when = datetime.fromtimestamp(line.at_ms // 1000, UTC)
    return f"{when:%Y-%m-%dT%H:%M:%S}.{line.at_ms % 1000:03d}Z"


def _ms(when: datetime) -> int:
    return int(when.timestamp() * 1000)
