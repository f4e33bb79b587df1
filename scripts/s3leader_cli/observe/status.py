"""`s3leader status`: who leads."""

from __future__ import annotations

import click

from s3leader_cli.exit_codes import DONE, NEEDS_YOU, NO_ELECTION
from s3leader_cli.options import Context, ElectionPlace, election_options, json_option
from s3leader_cli.report import look_at
from s3leader_cli.streams import print_json, print_out


@click.command()
@election_options
@json_option
@click.pass_obj
def status(context: Context, /, *, place: ElectionPlace, as_json: bool) -> int:
    """Show who leads, since when, and what a contender would do now."""
    report = look_at(context.elect(place))
    if as_json:
        print_json(report.as_json())
    else:
        from .view import render_report  # noqa: PLC0415 - rich takes time to import

        print_out(render_report(report))
    return {"corrupt": NEEDS_YOU, "vacant": NO_ELECTION}.get(report.standing, DONE)
