"""`s3leader redrive`: dead letters back to the function, oldest tick first."""

from __future__ import annotations

from collections.abc import Sequence

import click

from s3leader_cli.exit_codes import DONE, NEEDS_YOU
from s3leader_cli.options import Context, json_option
from s3leader_cli.streams import print_json, print_out

from .dead_letters import AssessedLetter, assess, line, tick_text
from .dead_letters import as_json as letter_as_json
from .events import time_of
from .held_letters import HeldLetters
from .options import Wanted, job_options, warn
from .redrive_run import RedriveRun


@click.command(
    short_help="Show dead letters with their causes, and give them to the function again.",
    help="Show the events in the job's dead-letter queues, each with its cause, its tick, and what"
    " the ledger says of that. Then, if you confirm it, give those whose tick is not done to the"
    " function again: oldest tick first, one event of each tick, each to its end before the next,"
    " and the rest stays if one fails. An event is deleted once its tick is done, or if its own"
    " run fails and Lambda sends it to a queue again. While the command runs, other readers do not"
    " see the events. Fix the cause first.",
)
@job_options
@click.option("--tick", "ticks", multiple=True, metavar="TICK", help="Only this tick; repeatable.")
@click.option("--dry-run", is_flag=True, help="Only show the events.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--discard-done", is_flag=True, help="Also delete events whose tick is done.")
@json_option
@click.pass_obj
def redrive(
    context: Context, /, *, wanted: Wanted, ticks: tuple[str, ...], dry_run: bool, yes: bool,
    discard_done: bool, **options: bool,
) -> int:  # fmt: skip
    """Show the events, and redrive those that an operator confirms."""
    only = {time_of(each) for each in ticks}
    election = context.elect(wanted.place)
    jobs = wanted.find()
    with HeldLetters(complete=jobs.complete, all_read=jobs.has_all) as held:
        for job in jobs.found:
            held.read(job)
        assessed = assess(election, [*held.letters.values()])
        if not options["as_json"]:
            print_out("".join(f"{line(each)}\n" for each in assessed))
        run = RedriveRun(election, held)
        if not dry_run:
            chosen = [each for each in assessed if not only or each.letter.tick in only]
            if only and not chosen:
                raise click.ClickException("no event has such a tick: see the ticks above")
            _warn_of_earlier(assessed, chosen)
            run.choose(chosen, discard_done=discard_done, in_order=not only)
            run.confirm(context.ask, yes=yes)
        try:
            if not dry_run:
                run.perform()
        finally:  # whatever happens, what was done so far is known here alone
            _report(run, assessed, as_json=options["as_json"])
    return DONE if held.complete and not run.stopped else NEEDS_YOU


def _warn_of_earlier(assessed: Sequence[AssessedLetter], chosen: Sequence[AssessedLetter]) -> None:
    """Warn of open ticks that are left out and will count as done (R8)."""
    ticks = {each.letter.tick for each in chosen if each.usable and each.letter.tick is not None}
    latest = max(ticks, default=None)
    left = {
        tick_text(each.letter)
        for each in assessed
        if each.standing == "open"
        and each.letter.tick is not None
        and latest is not None
        and each.letter.tick < latest
        and each.letter.tick not in ticks
    }
    if left:
        warn(f"left out, and counted as done once a later tick is: {', '.join(sorted(left))}")


def _report(run: RedriveRun, assessed: Sequence[AssessedLetter], *, as_json: bool) -> None:
    if not as_json:
        print_out(_summary(run, assessed))
        return
    print_json(
        {
            "election": run.election.name,
            "complete": run.held.complete,
            "stopped": run.stopped,
            "events": [letter_as_json(each, run.actions) for each in assessed],
        }
    )


def _summary(run: RedriveRun, assessed: Sequence[AssessedLetter]) -> str:
    actions = [*run.actions.values()]
    left = len(assessed) - len(run.deleted)
    text = (
        f"{actions.count('redriven')} redriven, {actions.count('discarded')} deleted, {left} left."
    )
    if started := actions.count("started"):
        text += f" {started} started, and not completed."
    if sent := actions.count("sent") + actions.count("perhaps sent"):
        text += f" {sent} given to Lambda, and not seen to run: look before you redrive it again."
    kept = [each for each in assessed if each.letter.message_id not in run.deleted]
    if needless := [each for each in kept if each.standing == "done"]:
        text += f" --discard-done deletes the {len(needless)} whose tick is done."
    unusable = [
        each for each in assessed if each.standing == "unusable" and not each.letter.foreign
    ]
    if unusable:
        ids = ", ".join(each.letter.message_id for each in unusable)
        text += f" Delete by hand what cannot be redriven, in the console of SQS: {ids}."
    if not assessed:
        text += " Events that another reader has taken are not shown for 15 minutes."
    return f"{text}\n"
