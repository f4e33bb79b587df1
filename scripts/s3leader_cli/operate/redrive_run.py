"""Gives dead letters to the function again, one run after the other, and deletes what is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias

from s3leader import Election, Lock
from s3leader_cli.exit_codes import Unchanged
from s3leader_cli.options import Ask
from s3leader_cli.report import utc
from s3leader_cli.streams import print_error

from .dead_letters import AssessedLetter, assess, runs_of, tick_text
from .follow import Follower, say, term_text
from .held_letters import HeldLetters
from .options import warn

if TYPE_CHECKING:
    from s3leader_cli.aws.dead_letter import DeadLetter

# What was done with an event. `sent`: Lambda has it, and its run is not seen; `perhaps sent`:
# Lambda's answer was lost; `started`: its run is not completed; `redriven`: it is.
Action: TypeAlias = Literal["discarded", "perhaps sent", "sent", "started", "redriven"]
_TERM_BEGINS_WITHIN = timedelta(minutes=2)


@dataclass
class RedriveRun:
    """Which events are to be redriven or deleted, and what was done with each, by its id.

    `deleted` are the ids of those that are gone, `stopped` says that others were left for the
    operator. `pause` and `monotonic` are the clock.
    """

    election: Election
    held: HeldLetters
    actions: dict[str, Action] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    stopped: bool = False
    pause: Callable[[float], object] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    _chosen: list[AssessedLetter] = field(default_factory=list)
    _discarded: list[DeadLetter] = field(default_factory=list)
    _left: bool = False

    def choose(
        self, assessed: Sequence[AssessedLetter], *, discard_done: bool, in_order: bool = True
    ) -> None:
        """Choose the events whose work is not done, and those to delete.

        A tick counts as done once a later one is, so if older events may not have been read, and
        order matters, those with a tick are left.
        """
        self._chosen = [each for each in assessed if each.usable]
        if in_order and not self.held.all_read and any(e.letter.tick for e in self._chosen):
            self._chosen = [each for each in self._chosen if each.letter.tick is None]
            self._left = self.stopped = True
            warn(
                "no event with a tick is redriven: older ones may be in what was not read, and"
                " would count as done once a later tick is. Choose ticks with --tick, or leave"
                " Regions out with --regions"
            )
        if discard_done:
            self._discarded = [each.letter for each in assessed if each.standing == "done"]

    def confirm(self, ask: Ask, *, yes: bool) -> None:
        """Raise `Unchanged` unless an operator agrees."""
        if yes or not (self._chosen or self._discarded):
            return
        print_error(
            f"{len(self._chosen)} events would be redriven in {len(runs_of(self._chosen))} runs of"
            f" the job, and {len(self._discarded)} events deleted, whose ticks are done."
        )
        if ask is None:
            print_error(
                "s3leader: standard input is not a terminal, so nobody can confirm: add --yes"
            )
            raise Unchanged
        if ask("Do it? Type yes: ").strip() != "yes":
            raise Unchanged

    def perform(self) -> None:
        """Delete what is done, and redrive the rest, run by run, until one is not completed."""
        self.stopped = True  # whatever ends the work early
        self.held.release_all_but([*self._discarded, *(each.letter for each in self._chosen)])
        self._delete(self._discarded, "discarded", because="though its tick is done")
        for letters in runs_of(self._chosen):
            if not self._redrive(letters):
                return
        self.stopped = self._left

    def _redrive(self, letters: Sequence[DeadLetter]) -> bool:
        """Redrive one run; return whether those of later ticks may follow."""
        self.held.extend()
        held = self.held.hold(letters)
        head = self.election.observe()
        if self._is_done_by_now(letters[0], head):
            return True
        if not held:
            return self._skipped(letters[0], head)
        letter = held[0]
        try:
            request = self._send(letter)
            if request is None:
                return False
            return self._followed(letter, request, held, 0 if head is None else head.term)
        except KeyboardInterrupt:
            say(
                f"interrupted: Lambda may have the event of {tick_text(letter)}, and goes on with"
                f" it. {self._advice(letter)}"
            )
            raise

    def _is_done_by_now(self, letter: DeadLetter, head: Lock | None) -> bool:
        if letter.repeats:  # only the terms themselves say that
            again = assess(self.election, [letter])[0]
            done, why = not again.usable, again.ledger
        else:
            done, why = head is not None and head.is_done(letter.tick), "The tick is done by now"
        if done:
            say(f"the events of {tick_text(letter)} stay. {why}")
        return done

    def _skipped(self, letter: DeadLetter, head: Lock | None) -> bool:
        """Return whether to go on after an event that another reader may have."""
        self._left = True
        if letter.tick is None or (head is not None and head.is_done(letter.tick)):
            return True
        warn(f"later ticks stay too: {tick_text(letter)} would count as done once one of them is")
        return False

    def _send(self, letter: DeadLetter) -> str | None:
        """Give an event to Lambda, and return the request's id; None if that is not certain."""
        from s3leader_cli.aws.failures import OutcomeUnknown, RequestFailed  # noqa: PLC0415 - boto3
        from s3leader_cli.aws.invoke import queue_event  # noqa: PLC0415 - boto3

        self.actions[letter.message_id] = "perhaps sent"
        try:
            request = queue_event(letter.job, letter.payload or "")
        except OutcomeUnknown as error:
            warn(
                f"Lambda may have taken the event of {tick_text(letter)}, which stays in the queue:"
                f" {error.message}. {self._advice(letter)}"
            )
            return None
        except RequestFailed as error:
            del self.actions[letter.message_id]
            warn(error.message)
            return None
        self.actions[letter.message_id] = "sent"
        say(f"Lambda has taken an event of {tick_text(letter)}, as request {request}")
        return request

    def _followed(
        self, letter: DeadLetter, request: str, letters: Sequence[DeadLetter], after: int
    ) -> bool:
        """Follow a run, delete its events once that is safe, and return whether it is completed."""
        follower = self._follower(letter, request, after)
        if not follower.begin(within=_TERM_BEGINS_WITHIN):
            warn(
                f"no term for {tick_text(letter)} has begun within 2 minutes, so its events stay."
                " Lambda may still start it, another candidate may lead, or the tick has had all"
                f" its attempts. {self._advice(letter)}"
            )
            return False
        if letter.tick is None and self._has_own_term(letter, request, follower):
            self._delete_if_it_returns(letter)  # a second run could not be recognised as one
        last = follower.follow(first_within=_TERM_BEGINS_WITHIN)
        if any(each.outcome == "completed" for each in follower.terms.values()):
            left = [each for each in letters if each.message_id not in self.deleted]
            self._delete(left, "discarded", because="though its run is completed")
            self.actions[letter.message_id] = "redriven"
            return True
        mine = self._has_own_term(letter, request, follower)
        if follower.is_done():
            return self._overtaken(letter)
        if mine and (last is None or last.outcome != "resigned"):  # which is no error to Lambda
            self._delete_if_it_returns(letter)
        if last is not None:
            why = (last.reason or "no reason").rstrip(".")
            stays = "" if letter.message_id in self.deleted else " Its event stays."
            warn(
                f"{term_text(last)} is {last.outcome or 'not over'}: {why}. Lambda may try it"
                f" again; the other events stay.{stays} {self._advice(letter)}"
            )
        return False

    def _overtaken(self, letter: DeadLetter) -> bool:
        """Keep an event whose tick only counts as done; those of later ticks may follow.

        Lambda's run of it is not elected, which is no error, so the event would not return.
        """
        self._left = True
        warn(
            f"a later tick was completed first, so {tick_text(letter)} counts as done, and no term"
            " of this run has completed it. Its events stay. If its own work is missing, run it"
            f" with `s3leader trigger {self.election.name} --tick {utc(letter.tick)} --repeat"
            " --reason …`; pause the job before you redrive others"
        )
        return True

    def _has_own_term(self, letter: DeadLetter, request: str, follower: Follower) -> bool:
        """Whether a run of this request has begun, and not only one of the same tick.

        The candidate of an invocation has the id of its request in its name, and Lambda's retries
        keep the id. A term that somebody else leads for the tick may fail without an event.
        """
        mine = any(_is_of_request(each, request) for each in follower.terms.values())
        if mine:
            self.actions[letter.message_id] = "started"
        return mine

    def _delete_if_it_returns(self, letter: DeadLetter) -> None:
        """Delete an event that Lambda has, if Lambda sends it to a queue again if its run fails."""
        if "unprocessed" in letter.job.queues and letter.message_id not in self.deleted:
            self._delete([letter], "started", because="though Lambda has its event")

    def _follower(self, letter: DeadLetter, request: str, after: int) -> Follower:
        def accepts(lock: Lock) -> bool:
            if letter.repeats:
                return lock.repeat_reason == letter.repeat_reason
            # Any run may be without a tick, and this request's alone is the event's.
            return letter.tick is not None or _is_of_request(lock, request)

        def pause(seconds: float) -> None:
            self.pause(seconds)
            self.held.extend()

        return Follower(
            self.election, letter.tick, after,
            repeat=letter.repeats, accepts=accepts, pause=pause, monotonic=self.monotonic,
        )  # fmt: skip

    def _delete(self, letters: Sequence[DeadLetter], action: Action, *, because: str) -> None:
        for each in self.held.delete(letters, because=because) if letters else []:
            self.deleted.add(each.message_id)
            self.actions[each.message_id] = action

    def _advice(self, letter: DeadLetter) -> str:
        name = self.election.name
        tick = f" --tick {utc(letter.tick)}" if letter.tick else ""
        return (
            f"Before you redrive it again, look at `s3leader status {name}` and `s3leader logs"
            f" {name}{tick}`"
        )


def _is_of_request(lock: Lock, request: str) -> bool:
    return f"/{request}/" in (lock.holder or "")
