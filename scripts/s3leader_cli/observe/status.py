"""`s3leader status`: who leads, and whether somebody has to act."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import click

from s3leader import Election, Lock
from s3leader_cli.exit_codes import DONE, NEEDS_YOU, NO_ELECTION
from s3leader_cli.options import Context, ElectionPlace, election_options, json_option
from s3leader_cli.reading import read_terms
from s3leader_cli.report import Report, look_at, utc
from s3leader_cli.streams import print_json, print_out
from s3leader_cli.times import DURATION

from .checks import Step, last_completion, next_steps, outcomes_in_words
from .elections import names_like
from .flat import flat
from .words import typed

_RECENT = 10
_EPILOG = (
    "Exit codes: 3 if the election has no lock, 1 if it is corrupt, otherwise 0. With --exit-code"
    " also 1 if it needs an operator: its leader died and no candidate has taken over, its last"
    " term failed or died and nobody leads now, the next leg of a tick is lost, or nothing was"
    " completed within --max-age. Requests: LIST, up to 12 GET (one LIST and one GET more for a"
    " ledger of over 1,000 locks); with --max-age, one GET more for each later term."
)


@click.command(epilog=_EPILOG)
@election_options
@click.option("--exit-code", is_flag=True, help="Exit with 1 if an operator is needed.")
@click.option(
    "--max-age",
    type=DURATION,
    metavar="DURATION",
    help="An operator is needed if the last completed term ended longer ago, by S3's clock: 26h.",
)
@json_option
@click.pass_obj
def status(
    context: Context, /, *, place: ElectionPlace, exit_code: bool, max_age: timedelta | None,
    as_json: bool,
) -> int:  # fmt: skip
    """Show who leads, since when, how the last terms ended, and what to do if something is off."""
    election = context.elect(place)
    report = look_at(election)
    similar: list[str] = []
    if report.standing == "vacant" and (similar := names_like(place)):
        report = replace(report, doubt=f"{report.doubt} Similar names: {', '.join(similar)}")
    recent = [] if report.term is None else _recent(election, report, max_age)
    steps = list(next_steps(election, report, recent, max_age))
    if as_json:
        print_json(_as_json(place, election, report, recent, steps) | {"similar": similar})
    else:
        from .view import render_report  # noqa: PLC0415 - rich takes time to import

        shown = [(each.what, [typed(place, word) for word in each.commands]) for each in steps]
        outcomes = outcomes_in_words(_ended(report, recent)[:_RECENT])
        print_out(render_report(report, outcomes, shown))
    needed = exit_code and any(each.needs_you for each in steps)
    usual = {"corrupt": NEEDS_YOU, "vacant": NO_ELECTION}.get(report.standing, DONE)
    return NEEDS_YOU if needed else usual


def _recent(election: Election, report: Report, max_age: timedelta | None) -> list[Lock]:
    """Return the terms before the one in the report: some, or as many as `max_age` has to see."""
    assert report.term is not None  # noqa: S101 - the caller's
    terms = range(max(1, report.term - _RECENT), report.term)
    recent = list(read_terms(election, terms))
    now = None if report.lock is None else report.lock.seen_at
    if max_age is None or report.lock is None or now is None:
        return recent
    if last_completion((report.lock, *recent)) is not None or terms.start == 1:
        return recent
    ledger = election.terms()
    with closing(read_terms(election, range(ledger.start, max(ledger.start, terms.start)))) as more:
        while last_completion(recent) is None:
            older = next(more, None)
            if older is None or (older.ended_at is not None and now - older.ended_at > max_age):
                break
            recent.append(older)
    return recent


def _ended(report: Report, recent: Sequence[Lock]) -> list[Lock]:
    newest = [report.lock] if report.lock is not None and report.lock.sealed else []
    return [*newest, *recent]


def _as_json(
    place: ElectionPlace, election: Election, report: Report, recent: Sequence[Lock],
    steps: Sequence[Step],
) -> dict[str, Any]:  # fmt: skip
    ended = _ended(report, recent)
    return report.as_json() | {
        "fine": not any(each.needs_you for each in steps) and report.standing != "vacant",
        "last_completed_at": utc(last_completion(ended)),
        "recent": [flat(election, each) for each in ended[:_RECENT]],
        "next_steps": [
            {
                "what": each.what,
                "needs_you": each.needs_you,
                "commands": [typed(place, command) for command in each.commands],
            }
            for each in steps
        ],
    }
