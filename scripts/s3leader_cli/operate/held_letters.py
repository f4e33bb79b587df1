"""The dead letters that an operator works with, which are hidden from all others meanwhile."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from .options import note, warn

if TYPE_CHECKING:
    from s3leader_cli.aws.dead_letter import DeadLetter
    from s3leader_cli.aws.deployed_job import DeployedJob
    from s3leader_cli.aws.queues import DeadLetterQueue

HIDDEN_SECONDS = 900  # how long no other reader sees an event that was read or held
_EXTENDED_BEFORE = 600.0  # seconds before an event becomes visible again


@dataclass
class HeldLetters:
    """What was read of all queues. At the end, other readers see again what is left.

    `complete` is False if something could not be read or deleted. `all_read` is False if events
    may be in the queues that are not in `letters`.
    """

    complete: bool = True
    all_read: bool = True
    letters: dict[str, DeadLetter] = field(default_factory=dict)
    monotonic: Callable[[], float] = time.monotonic
    _queue_of: dict[str, DeadLetterQueue] = field(default_factory=dict)
    _hidden_until: dict[str, float] = field(default_factory=dict)
    _reading: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Release the events, also after Ctrl-C."""
        if self._reading is not None:
            warn(
                f"reading {self._reading} was interrupted: up to ten events may be hidden from"
                " other readers for 15 minutes"
            )
        self._release(self._held(self.letters.values()))

    def read(self, job: DeployedJob) -> None:
        """Read the queues of a job; one that cannot be read is reported."""
        from s3leader_cli.aws.failures import RequestFailed  # noqa: PLC0415 - boto3
        from s3leader_cli.aws.queues import queues_of  # noqa: PLC0415 - boto3

        for queue in queues_of(job):
            note(f"reading {queue.arn}")
            try:
                self._read(queue)
            except RequestFailed as error:
                self._reading = None
                self._not_read(f"queue {queue.arn} was not read to its end: {error.message}")
            if queue.limited:
                self._not_read(f"queue {queue.arn} has more events than were read: run it again")

    def hold(self, letters: Sequence[DeadLetter]) -> list[DeadLetter]:
        """Hide events for 15 more minutes, and return those that were hidden all the time.

        The others, which another reader may have, are reported, and are not released at the end.
        """
        now = self.monotonic()
        held = [each for each in letters if self._hidden_until.get(each.message_id, now) > now]
        problems = {
            each.message_id: "it was hidden for 15 minutes, which are over"
            for each in letters
            if self._hidden_until.get(each.message_id, math.inf) <= now
        }
        for queue, mine in self._by_queue(held):
            problems |= queue.hide(mine, HIDDEN_SECONDS)
        for each in held:
            self._hidden_until[each.message_id] = now + HIDDEN_SECONDS
        for message_id in problems:
            del self._hidden_until[message_id]
        for problem, what in _by_problem(problems):
            warn(f"{what} left alone, as another reader may have it: {problem}")
        return self._held(letters)

    def extend(self) -> None:
        """Hide all events for longer that would become visible within ten minutes."""
        soon = self.monotonic() + _EXTENDED_BEFORE
        due = [self.letters[key] for key, until in self._hidden_until.items() if until < soon]
        if due:
            self.hold(due)

    def release_all_but(self, letters: Iterable[DeadLetter]) -> None:
        """Let other readers see the rest again."""
        kept = {each.message_id for each in letters}
        rest = self._held(each for key, each in self.letters.items() if key not in kept)
        self._release(rest)

    def delete(self, letters: Sequence[DeadLetter], *, because: str) -> list[DeadLetter]:
        """Delete events, and return those that are gone; say what stays though `because`."""
        problems: dict[str, str] = {}
        for queue, mine in self._by_queue(letters):
            problems |= queue.delete(mine)
        for problem, what in _by_problem(problems):
            warn(f"{what} not deleted, or perhaps not, {because}: {problem}")
            self.complete = False
        gone = [each for each in letters if each.message_id not in problems]
        for each in gone:
            self._hidden_until.pop(each.message_id, None)
        return gone

    def _read(self, queue: DeadLetterQueue) -> None:
        self._reading = queue.arn
        batches = queue.read(HIDDEN_SECONDS)
        asked = self.monotonic()
        while batch := next(batches, None):
            for each in batch:
                self.letters[each.message_id] = each
                self._queue_of[each.message_id] = queue
                self._hidden_until[each.message_id] = asked + HIDDEN_SECONDS
            asked = self.monotonic()
        self._reading = None

    def _not_read(self, text: str) -> None:
        warn(text)
        self.complete = self.all_read = False

    def _held(self, letters: Iterable[DeadLetter]) -> list[DeadLetter]:
        now = self.monotonic()
        return [each for each in letters if self._hidden_until.get(each.message_id, 0.0) > now]

    def _release(self, letters: Sequence[DeadLetter]) -> None:
        for queue, mine in self._by_queue(letters):
            problems = queue.hide(mine, 0)
            if problems:
                warn(
                    f"{len(problems)} events of {queue.arn} are hidden from other readers for 15"
                    f" minutes at most: {next(iter(problems.values()))}"
                )
        for each in letters:
            self._hidden_until.pop(each.message_id, None)

    def _by_queue(
        self, letters: Iterable[DeadLetter]
    ) -> Iterator[tuple[DeadLetterQueue, list[DeadLetter]]]:
        found: dict[str, list[DeadLetter]] = {}
        for each in letters:
            found.setdefault(self._queue_of[each.message_id].arn, []).append(each)
        for mine in found.values():
            yield self._queue_of[mine[0].message_id], mine


def _by_problem(problems: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each problem, and which events are concerned: there may be thousands."""
    for problem in dict.fromkeys(problems.values()):
        first, *others = (key for key, each in problems.items() if each == problem)
        yield problem, f"{len(others) + 1} events are" if others else f"event {first} is"
