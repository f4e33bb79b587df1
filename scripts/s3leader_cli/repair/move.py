"""`s3leader repair move`: let a ledger go on in another bucket."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import click

from s3leader.repair import Move, MoveProgress
from s3leader_cli.confirmation import confirm, yes_option
from s3leader_cli.exit_codes import DONE, NO_ELECTION
from s3leader_cli.options import Context, ElectionPlace, election_options, json_option
from s3leader_cli.report import never_locked, utc
from s3leader_cli.streams import print_json, print_out

from .half_done import says_if_half_done


@click.command(
    short_help="Let the ledger go on in another bucket.",
    help="Close the ledger and copy its highest lock to NEW_BUCKET, where its numbers, completed"
    " ticks and checkpoint go on. No candidate can lead in the old place afterwards. Pause the job"
    " first.",
)
@election_options
@click.argument("new_bucket")
@click.option("--new-prefix", help="Prefix of the keys there (default: as --prefix).")
@click.option("--new-region", help="Region of the new bucket (default: as boto3 finds it).")
@click.option(
    "--new-encryption", help="Header that the new bucket demands (default: as for the old one)."
)
@click.option("--new-kms-key", help="ARN of the key for that header (default: as for the old one).")
@yes_option
@json_option
@click.pass_obj
def move(
    context: Context,
    /,
    *,
    place: ElectionPlace,
    yes: bool,
    as_json: bool,
    **options: Any,  # noqa: ANN401 - as declared above
) -> int:
    """Move a ledger."""
    there = replace(place, **{name.removeprefix("new_"): v for name, v in options.items() if v})
    if (there.bucket, there.prefix) == (place.bucket, place.prefix):
        raise click.UsageError(f"expected another bucket or prefix than {_folder(place)}")
    work = Move(context.elect(place), context.elect(there), place=_folder(there))
    found = work.look()
    if found is None:
        note = never_locked(work.old)
        if as_json:
            print_json({"moved": False, "note": note})
        else:
            print_out(f"Nothing to move: {note}\n")
        return NO_ELECTION
    result = _Result(place, there, found, found)
    if not (found.closed and found.copied):
        confirm(context.ask, result.plan(), "Move it?", yes=yes)
        with says_if_half_done():
            result = replace(result, now=work.run() or found)
    if as_json:
        print_json(result.as_json())
    else:
        print_out(f"{result}\n")
    return DONE


@dataclass(frozen=True)
class _Result:
    """The two places, and how far the move had come before and has come now."""

    old: ElectionPlace
    new: ElectionPlace
    before: MoveProgress
    now: MoveProgress

    def plan(self) -> str:
        lock = self.before.highest
        facts = f"{lock.outcome or 'not sealed'}, latest completed tick {utc(lock.done) or 'none'}"
        closed = "it is closed already" if self.before.closed else "close it with a note"
        copied = "there already" if self.before.copied else "copy it"
        return (
            f"{_folder(self.old)}: the highest term is {lock.term} ({facts})\n"
            f"1. lock_{lock.term + 1:010d}.json: {closed}; no candidate can lead here again\n"
            f"2. lock_{lock.term:010d}.json: {copied} in {_folder(self.new)}"
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "moved": self.before != self.now,
            "from": _folder(self.old),
            "to": _folder(self.new),
            "term": self.now.highest.term,
            "term_there": self.now.term_there,
        }

    def __str__(self) -> str:
        after = f"{_folder(self.new)} goes on after term {self.now.term_there}"
        if self.before == self.now:
            return f"Nothing to do: {after}."
        return f"Moved: {after}.\nNext: let every candidate use that bucket, then resume the job."


def _folder(place: ElectionPlace) -> str:
    return f"s3://{place.bucket}/{place.prefix}{place.election}/"
