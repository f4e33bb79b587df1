"""`s3leader timeline`: the terms as a page, or as SVG."""

from __future__ import annotations

import json
import webbrowser
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from s3leader import Election, InvalidArgument, Lock
from s3leader_cli.exit_codes import DONE, NO_ELECTION
from s3leader_cli.options import Context, ElectionPlace, election_options, json_option
from s3leader_cli.reading import progress, read_terms
from s3leader_cli.report import lock_as_json, never_locked, older_terms, standing_of
from s3leader_cli.streams import print_error, print_json, print_out

from .data import timeline_data
from .page import render_page
from .svg import render_svg

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@election_options
@click.option("--html", type=_FILE, metavar="FILE", help="Write a page, which needs no network.")
@click.option("--svg", type=_FILE, metavar="FILE", help="Write a drawing of the whole time.")
@click.option("--open", "opens", is_flag=True, help="Open the page in a browser.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=1000,
    metavar="N",
    help="The newest N terms (default 1000).",
)
@click.option("--since", metavar="TIME", help="Only terms that ended later, such as 2026-11-23.")
@click.option(
    "--missed",
    "missed_file",
    type=_FILE,
    metavar="FILE",
    help="Mark missed ticks: a JSON list of times, or what `s3leader missed --json` prints.",
)
@json_option
@click.pass_obj
def timeline(
    context: Context,
    /,
    *,
    place: ElectionPlace,
    html: Path | None,
    svg: Path | None,
    opens: bool,
    limit: int,
    since: str | None,
    missed_file: Path | None,
    as_json: bool,
) -> int:
    """Draw the terms on a time axis: who led, when, with what outcome.

    The page shows details, zooms and filters; give --html, --svg or both.
    """
    if html is None and (svg is None or opens):
        raise click.UsageError("name a file to write: --html FILE, --svg FILE or both")
    after = None if since is None else _time(since, "--since")
    missed = [] if missed_file is None else _missed(missed_file)
    election = context.elect(place)
    locks = _read(election, limit)
    if not locks:
        print_error(f"s3leader: {election.name} has no term: {never_locked(election)}")
        return NO_ELECTION
    data = _data(election, locks, after=after, missed=missed, limit=limit)
    files = {"html": html, "svg": svg}
    for kind, path in files.items():
        if path is not None:
            _write(path, render_page(data) if kind == "html" else render_svg(data))
    _say(data, files, as_json=as_json)
    if opens and html is not None:
        webbrowser.open(html.resolve().as_uri())
    return DONE


def _read(election: Election, limit: int) -> list[Lock]:
    locks: list[Lock] = []
    with progress(f"terms of {election.name} read") as seen:
        for lock in read_terms(election, election.terms()[-limit:]):
            locks.append(lock)
            seen(len(locks))
    return locks


def _data(
    election: Election,
    locks: Sequence[Lock],
    *,
    after: datetime | None,
    missed: Sequence[datetime],
    limit: int,
) -> dict[str, Any]:
    newest = standing_of(election, locks[0])
    shown = [lock for lock in locks if after is None or _ended(lock) >= after]
    return timeline_data(
        [lock_as_json(lock) for lock in shown],
        election=election.name,
        generated_at=_ended(locks[0]) if locks[0].seen_at is None else locks[0].seen_at,
        standing="lapsed" if newest == "lapsed" else "held",
        missed=[tick for tick in missed if after is None or tick >= after],
        older=older_terms(locks, limit) + len(locks) - len(shown),
    )


def _ended(lock: Lock) -> datetime:
    """Return when a lock was last known to change; a corrupt one is always shown."""
    known = lock.ended_at or lock.modified_at or lock.seen_at
    return datetime.max.replace(tzinfo=UTC) if known is None else known


def _missed(path: Path) -> list[datetime]:
    """Return the ticks of a file; `InvalidArgument` names what is wrong with it."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidArgument(f"--missed {path}: expected a file of JSON: {error}") from None
    ticks = found.get("missed") if isinstance(found, dict) else found
    if not isinstance(ticks, list):
        raise InvalidArgument(f"--missed {path}: expected a list of times, got {str(ticks)[:60]}")
    values = [each.get("tick") if isinstance(each, dict) else each for each in ticks]
    return [_time(value, f"--missed {path}") for value in values]


def _time(text: object, what: str) -> datetime:
    try:
        time = datetime.fromisoformat(str(text))
    except ValueError:
        message = f"{what}: expected a time such as 2026-11-23T06:00:00Z, got {str(text)[:60]!r}"
        raise InvalidArgument(message) from None
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)


def _write(path: Path, text: str) -> None:
    if str(path) == "-":
        print_out(text)
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.FileError(str(path), error.strerror) from error


def _say(data: dict[str, Any], files: dict[str, Path | None], *, as_json: bool) -> None:
    written = {kind: str(path) for kind, path in files.items() if path not in {None, Path("-")}}
    count, missed = len(data["terms"]["term"]), len(data["missed"])
    if as_json and len(written) == sum(path is not None for path in files.values()):
        print_json({"election": data["election"], "terms": count, "missed": missed, **written})
    elif written:
        names = " and ".join(written.values())
        shown = _counted(count, "term") + (f", {_counted(missed, 'missed tick')}" if missed else "")
        print_error(f"wrote {names}: {shown} of {data['election']}")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
