"""`s3leader repair restart-numbers`: let a ledger go on above all numbers that were used."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import click

from s3leader import CorruptLock, Lock, repair
from s3leader_cli.confirmation import check_reason, confirm, yes_option
from s3leader_cli.exit_codes import DONE, NEEDS_YOU
from s3leader_cli.options import Context, ElectionPlace, election_options, json_option
from s3leader_cli.report import lock_as_json, utc
from s3leader_cli.streams import print_error, print_json, print_out
from s3leader_cli.times import DONE_TICK

from .half_done import says_if_half_done


@click.command(
    "restart-numbers",
    short_help="Let the ledger go on above all numbers that were used.",
    help="After locks were deleted, or restored from an old backup: create a sealed lock above N,"
    " so that the next term has a number that no term ever had. Pause the job first, and make warm"
    " functions forget the old numbers afterwards (`s3leader repair forget`).",
)
@election_options
@click.option(
    "--above",
    type=click.IntRange(min=1),
    required=True,
    metavar="N",
    help="The highest number that was ever used (`s3leader repair highest`), or a higher one.",
)
@click.option(
    "--done",
    type=DONE_TICK,
    required=True,
    metavar="TICK",
    help="The latest tick that must not be led again, or none.",
)
@click.option(
    "--keep-state",
    is_flag=True,
    help="Go on with the checkpoint of the highest lock that is left (default: an empty one).",
)
@click.option(
    "--reason", default="locks were deleted", help="Why; the history shows it.", show_default=True
)
@yes_option
@json_option
@click.pass_obj
def restart_numbers(
    context: Context,
    /,
    *,
    place: ElectionPlace,
    above: int,
    done: datetime | Literal["none"],
    yes: bool,
    as_json: bool,
    reason: str,
    keep_state: bool,
) -> int:
    """Restart the numbers."""
    check_reason(reason)
    election = context.elect(place)
    found = repair.state_before_restart(election, above=above, done=done)
    if isinstance(found, Lock) and found.term > above:
        return _unchanged(found, done, as_json=as_json)
    plan = f"{_described(found)}\nThe next term will be {above + 2}."
    if done != "none":
        plan += f" No tick up to {utc(done)} will be led again."
    confirm(context.ask, plan, "Restart the numbers?", yes=yes)
    with says_if_half_done():
        lock = repair.restart_numbers(
            election,
            above=above,
            done=done,
            reason=f"restored by an operator: {reason}",
            keep_state=keep_state,
        )
    if as_json:
        print_json({"restarted": True, "lock": lock_as_json(lock)})
    else:
        print_out(
            f"Restarted: the next term is {lock.term + 1}.\n"
            f"Next: s3leader repair forget {place.election}, then resume the job.\n"
        )
    return DONE


def _unchanged(lock: Lock, done: datetime | Literal["none"], *, as_json: bool) -> int:
    """Report a ledger whose numbers are above already; a tick that it leaves open is a finding."""
    behind = done != "none" and not lock.is_done(done)
    if as_json:
        print_json({"restarted": False, "lock": lock_as_json(lock)})
    else:
        print_out(f"Nothing to do: the highest term is {lock.term} already.\n")
    if behind:
        print_error(
            f"s3leader: its latest completed tick is {utc(lock.done) or 'none'}: if no tick up to"
            f" {utc(done) if done != 'none' else done} may be led again, use s3leader skip"
        )
    return NEEDS_YOU if behind else DONE


def _described(found: Lock | CorruptLock | None) -> str:
    if found is None:
        return "No lock is left."
    if isinstance(found, CorruptLock):
        return f"{found.key} is corrupt; what it records is lost."
    done = utc(found.done) or "none"
    return f"The highest lock that is left is of term {found.term}; latest completed tick {done}."
