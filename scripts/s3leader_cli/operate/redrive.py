"""`s3leader redrive`: dead letters back to the function, oldest tick first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from s3leader import Election
from s3leader_cli.exit_codes import DONE, NEEDS_YOU, Unchanged
from s3leader_cli.options import Ask, Context, json_option
from s3leader_cli.report import utc
from s3leader_cli.streams import print_error, print_json, print_out

from .follow import Follower, named, say
from .letters import Found, by_tick, classify, line
from .letters import as_json as letter_as_json
from .mail import Mail
from .options import Wanted, job_options, warn
from .trigger import time_of

if TYPE_CHECKING:
    from s3leader_cli.aws.queues import Letter

_BEGINS = timedelta(minutes=2)  # until a term of a redriven tick has begun


@click.command(
    short_help="Show dead letters with their causes, and give them to the function again.",
    help="Show the events in the job's dead-letter queues, each with its cause, its tick, and what"
    " the ledger says of that. Then, if you confirm it, give those whose tick is not done to the"
    " function again: oldest tick first, each to its end before the next, and the rest stays if"
    " one fails. An event is deleted once Lambda has accepted it and its tick is led. If the"
    " command ends before, the event stays, and the ledger refuses its tick once that is done."
    " Fix the cause first.",
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
    discard_done: bool, as_json: bool,
) -> int:  # fmt: skip
    """Show the events, and redrive those that an operator confirms."""
    only = {time_of(each) for each in ticks}
    election = context.elect(wanted.place)
    jobs = wanted.find()
    with Mail(complete=jobs.complete) as mail:
        for job in jobs.found:
            mail.read(job)
        found = classify(election, mail.letters)
        if not as_json:
            print_out("".join(f"{line(each)}\n" for each in found))
        work = Work(election, mail)
        if not dry_run:
            chosen = [each for each in found if not only or each.letter.tick in only]
            if only and not chosen:
                raise click.ClickException("no event has such a tick: see the ticks above")
            work.choose(chosen, discard_done=discard_done)
            work.confirm(context.ask, yes=yes)
            work.perform()
    if as_json:
        events = [letter_as_json(each, work.actions) for each in found]
        print_json({"election": election.name, "complete": mail.complete, "events": events})
    else:
        print_out(_summary(found, work))
    return DONE if mail.complete and not work.stopped else NEEDS_YOU


@dataclass
class Work:
    """What is to be done with which events, and what was done with each, by its id."""

    election: Election
    mail: Mail
    actions: dict[str, str] = field(default_factory=dict)
    stopped: bool = False
    _again: list[Found] = field(default_factory=list)
    _discard: list[Letter] = field(default_factory=list)

    def choose(self, found: Sequence[Found], *, discard_done: bool) -> None:
        """Choose the events whose tick is not done, and those to delete."""
        self._again = [each for each in found if each.usable]
        if discard_done:
            self._discard = [each.letter for each in found if each.standing == "done"]

    def confirm(self, ask: Ask, *, yes: bool) -> None:
        """Raise `Unchanged` unless an operator agrees."""
        if yes or not (self._again or self._discard):
            return
        ticks = {each.letter.tick for each in self._again}
        print_error(
            f"{len(self._again)} events of {len(ticks)} ticks would be given to the function"
            f" again, and {len(self._discard)} events deleted, whose ticks are done."
        )
        if ask is None:
            print_error(
                "s3leader: standard input is not a terminal, so nobody can confirm: add --yes"
            )
            raise Unchanged
        if ask("Do it? Type yes: ").strip() != "yes":
            raise Unchanged

    def perform(self) -> None:
        """Delete what is done, and redrive the rest, tick by tick, until one fails."""
        for letter in self._discard:
            if self.mail.delete(letter):
                self.actions[letter.message_id] = "discarded"
        for letters in by_tick(self._again):
            if not self._redrive(letters):
                self.stopped = True
                return

    def _redrive(self, letters: Sequence[Letter]) -> bool:
        """Redrive the events of one tick; return whether it, or a later one, is completed."""
        from s3leader_cli.aws.failures import RequestFailed  # noqa: PLC0415 - boto3
        from s3leader_cli.aws.invoke import queue_event  # noqa: PLC0415 - boto3

        tick = letters[0].tick
        head = self.election.observe()
        if head is not None and head.is_done(tick):
            say(f"tick {utc(tick)} is done by now, so its events stay")
            return True
        follower = Follower(self.election, tick, 0 if head is None else head.term)
        for letter in letters:
            try:
                made = queue_event(letter.job, letter.payload or "")
            except RequestFailed as error:
                warn(error.message)
                return False
            say(f"Lambda has taken an event of {_named(letter)}, as request {made}")
        if not follower.begin(within=_BEGINS):
            warn(
                f"no term for {_named(letters[0])} has begun within 2 minutes, so its events stay:"
                " another candidate may lead; see `s3leader status` and `s3leader logs`"
            )
            return False
        for letter in letters:
            if self.mail.delete(letter):
                self.actions[letter.message_id] = "redriven"
        last = follower.follow(first_within=_BEGINS)
        if follower.is_done() or (last is not None and last.outcome == "completed"):
            return True
        if last is not None:
            why = (last.reason or "no reason").rstrip(".")
            warn(
                f"{named(last)} is {last.outcome or 'not over'}: {why}. Lambda may try it again;"
                " the other events stay"
            )
        return False


def _named(letter: Letter) -> str:
    return f"tick {utc(letter.tick)}" if letter.tick else "no tick"


def _summary(found: Sequence[Found], work: Work) -> str:
    done = [*work.actions.values()]
    counts = {word: done.count(word) for word in ("redriven", "discarded")}
    left = len(found) - len(done)
    text = f"{counts['redriven']} redriven, {counts['discarded']} deleted, {left} left."
    needless = [each for each in found if each.standing == "done"]
    if needless and not counts["discarded"]:
        text += f" --discard-done deletes the {len(needless)} whose tick is done."
    unusable = [each for each in found if each.standing == "unusable" and not each.letter.foreign]
    if unusable:
        ids = ", ".join(each.letter.message_id for each in unusable)
        text += f" Delete by hand what cannot be redriven, in the console of SQS: {ids}."
    return f"{text}\n"
