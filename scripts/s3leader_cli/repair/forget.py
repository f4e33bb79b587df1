"""`s3leader repair forget`: let warm functions forget the numbers that they remember."""

from __future__ import annotations

from collections.abc import Sequence

import click

from s3leader_cli.confirmation import confirm, yes_option
from s3leader_cli.exit_codes import DONE
from s3leader_cli.options import Context, ElectionPlace, election_options, json_option
from s3leader_cli.streams import print_error, print_json, print_out

from .deployed import function_names, functions_option


@click.command(
    short_help="Let warm functions forget the numbers that they remember.",
    help="A warm function remembers the last lock that it saw for up to an hour, and would go on"
    " below restarted numbers. This changes a variable of each function, so that Lambda starts new"
    " environments. Restart processes outside Lambda yourself.",
)
@election_options
@functions_option
@yes_option
@json_option
@click.pass_obj
def forget(
    context: Context,
    /,
    *,
    place: ElectionPlace,
    functions: Sequence[str],
    yes: bool,
    as_json: bool,
) -> int:
    """Replace the functions' environments."""
    from s3leader_cli.aws.environments import Function  # noqa: PLC0415 - boto3 takes time

    names = function_names(place, functions)
    if not names:
        return _nothing(as_json=as_json)
    shown = ", ".join(f"{region}/{name}" for region, name in names)
    confirm(context.ask, f"new environments for: {shown}", "Start them?", yes=yes)
    for number, (region, name) in enumerate(names, 1):
        print_error(f"{region}/{name}: waiting for Lambda ({number} of {len(names)})")
        Function(region=region, name=name).forget()
    if as_json:
        print_json({"forgotten": [{"region": region, "function": name} for region, name in names]})
    else:
        print_out(f"They remember no lock: {shown}.\n")
    return DONE


def _nothing(*, as_json: bool) -> int:
    if as_json:
        print_json({"forgotten": []})
    else:
        print_out(
            "Nothing to do in Lambda: the job has no function. Restart processes elsewhere that"
            " campaign, yourself.\n"
        )
    return DONE
