"""`s3leader history`: the terms."""

from __future__ import annotations

import click

from s3leader_cli.exit_codes import DONE, NO_ELECTION
from s3leader_cli.options import Context, ElectionPlace, election_options, json_option
from s3leader_cli.report import lock_as_json, never_locked, older_terms
from s3leader_cli.streams import print_json, print_out


@click.command()
@election_options
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    metavar="N",
    help="At most N terms (default 20).",
)
@json_option
@click.pass_obj
def history(context: Context, /, *, place: ElectionPlace, limit: int, as_json: bool) -> int:
    """Show the terms, newest first."""
    election = context.elect(place)
    locks = election.history(limit=limit)
    if as_json:
        terms = [lock_as_json(lock) for lock in locks]
        note = {} if locks else {"note": never_locked(election)}
        more = older_terms(locks, limit) > 0
        print_json({"election": election.name, "terms": terms, "more": more, **note})
    else:
        from .view import render_history  # noqa: PLC0415 - rich takes time to import

        print_out(render_history(election, locks) + _rest(older_terms(locks, limit)))
    return DONE if locks else NO_ELECTION


def _rest(older: int) -> str:
    """Return the line below a table that does not show all terms."""
    if not older:
        return ""
    terms = "1 older term is" if older == 1 else f"{older} older terms are"
    return f"{terms} not shown; --limit N shows more, unless their locks are deleted\n"
