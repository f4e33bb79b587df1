"""`s3leader history`: the terms."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import datetime
from itertools import islice

import click

from s3leader import Election, Lock
from s3leader_cli.exit_codes import DONE, NO_ELECTION
from s3leader_cli.options import Context, ElectionPlace, election_options, json_option
from s3leader_cli.reading import progress, read_terms
from s3leader_cli.report import lock_as_json, never_locked
from s3leader_cli.streams import print_error, print_json, print_out
from s3leader_cli.times import TICK_TO_SHOW, TIME

from .filters import OUTCOMES, Filters
from .flat import KEYS, flat

_BATCH = 500  # lines written at once
_DEFAULT = 20
_EPILOG = (
    "Times are ISO 8601 (UTC if they name no zone) or how long ago: 90m, 2h, 3d. --ndjson prints"
    f" for each term the keys {', '.join(KEYS)}, for example for DuckDB's"
    " read_json('terms.ndjson'). Requests: one LIST (up to three and one GET if there are more than"
    " 1,000 locks), one GET for each term that is read, and one LIST for each 50 of them. Terms are"
    " read from the newest on, 16 at once: up to --limit of them, or back to --since. A filter"
    " alone reads until --limit terms match, perhaps the whole ledger."
)


@click.command(epilog=_EPILOG)
@election_options
@click.option("--since", type=TIME, metavar="TIME", help="Terms that ended later, or not yet.")
@click.option("--until", type=TIME, metavar="TIME", help="Terms that began earlier.")
@click.option("--tick", type=TICK_TO_SHOW, metavar="TIME", help="Terms for one tick.")
@click.option(
    "--outcome",
    "outcomes",
    type=click.Choice(OUTCOMES),
    multiple=True,
    help="Terms that ended so, or stand so. May be repeated.",
)
@click.option("--holder", metavar="TEXT", help="Part of the holder, or a pattern with * and ?.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help=f"At most N terms (default {_DEFAULT}; with --since, no limit).",
)
@click.option("--all", "every", is_flag=True, help="All terms, without a limit.")
@click.option("--ndjson", is_flag=True, help="Print one flat JSON object a line.")
@json_option
@click.pass_obj
def history(
    context: Context, /, *, place: ElectionPlace, since: datetime | None, until: datetime | None,
    tick: datetime | None, outcomes: tuple[str, ...], holder: str | None, limit: int | None,
    every: bool, ndjson: bool, as_json: bool,
) -> int:  # fmt: skip
    """Show the terms, newest first."""
    if every and limit is not None:
        raise click.UsageError("expected --limit or --all, got both")
    if ndjson and as_json:
        raise click.UsageError("expected --json or --ndjson, got both")
    filters = Filters(since=since, until=until, tick=tick, outcomes=outcomes, holder=holder)
    if limit is None and not every and since is None:
        limit = _DEFAULT
    election = context.elect(place)
    terms = election.terms()
    wanted = None if filters.any else limit
    with (
        progress(f"terms of {place.election} read") as seen,
        closing(read_terms(election, terms, wanted=wanted)) as read,
    ):
        chosen = islice(filters.choose(election, _counted(read, seen)), limit)
        if ndjson:
            _print_lines(election, chosen)
        else:
            _print_all(election, list(chosen), terms, limit, as_json=as_json)
    if terms:
        return DONE
    if ndjson:
        print_error(f"s3leader: {never_locked(election)}")
    return NO_ELECTION


def _counted(locks: Iterable[Lock], seen: Callable[[int], None]) -> Iterator[Lock]:
    for number, lock in enumerate(locks, start=1):
        seen(number)
        yield lock


def _print_lines(election: Election, locks: Iterator[Lock]) -> None:
    """Print the terms as they are read, until the reader closes the pipe."""
    while batch := list(islice(locks, _BATCH)):
        if not print_out("".join(json.dumps(flat(election, lock)) + "\n" for lock in batch)):
            return


def _print_all(
    election: Election, locks: list[Lock], terms: range, limit: int | None, *, as_json: bool
) -> None:
    oldest = locks[-1].term if locks else terms.start
    older = oldest - terms.start if limit is not None and len(locks) == limit else 0
    if as_json:
        shown = [lock_as_json(lock) for lock in locks]
        note = {} if terms else {"note": never_locked(election)}
        print_json({"election": election.name, "terms": shown, "more": older > 0, **note})
        return
    if terms and not locks:
        print_out(f"No term of {election.name} matches; it has terms {terms[0]} to {terms[-1]}.\n")
        return
    from .view import render_history  # noqa: PLC0415 - rich takes time to import

    print_out(render_history(election, locks) + _rest(older))


def _rest(older: int) -> str:
    """Return the line below a table that does not show all terms."""
    if not older:
        return ""
    terms = "1 older term is" if older == 1 else f"{older} older terms are"
    return f"{terms} not shown; --limit N or --all shows more\n"
