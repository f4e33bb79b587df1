"""`s3leader verify`: whether a ledger shows what an election promises."""

from __future__ import annotations

import click

from s3leader_cli.exit_codes import DONE, NEEDS_YOU, NO_ELECTION
from s3leader_cli.options import Context, ElectionPlace, election_options, json_option
from s3leader_cli.report import never_locked
from s3leader_cli.streams import print_error, print_json, print_out

from .ledger import Ledger
from .reading import read_ledger
from .report import report_on
from .rules import verify as apply_rules


@click.command(epilog="Requests: one LIST for each 1,000 terms, and one GET for each term.")
@election_options
@json_option
@click.pass_obj
def verify(context: Context, /, *, place: ElectionPlace, as_json: bool) -> int:
    """Read all terms and check that none overlapped and no tick was completed twice.

    It also checks that numbers have no gaps but those of the lifecycle rule, that the latest
    completed tick never went back, and that attempts, legs and outcomes are complete. Exit code 1:
    a rule is broken.
    """
    election = context.elect(place)
    locks = read_ledger(election)
    if not locks:
        note = never_locked(election)
        if as_json:
            print_json({"election": election.name, "result": None, "note": note})
        else:
            print_error(f"s3leader: {election.name} has no term: {note}")
        return NO_ELECTION
    ledger = Ledger.of(locks, election.config.clock_skew)
    report = report_on(election.name, ledger, apply_rules(ledger))
    if as_json:
        print_json(report.as_json())
    else:
        from .view import render  # noqa: PLC0415 - rich takes time to import

        print_out(render(report))
    return NEEDS_YOU if report.broken else DONE
