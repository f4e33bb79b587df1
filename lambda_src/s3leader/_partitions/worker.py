"""A worker's schedule: which request is due when. It knows no thread and does not wait.

`step` starts what is due, through `submit`, and says when the next step is due. At most one action
runs at a time for each partition, for the slot, and for reading the slots. While one runs, only it
changes what it is about.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, TypeAlias

from s3leader._core.lock import FAILED, RESIGNED
from s3leader._io.term_state import Outcome
from s3leader.election import Election
from s3leader.errors import BucketUnusable, LeadershipLost, StoreUnavailable, describe_error
from s3leader.term import Term

from .members import Members
from .share import Share
from .work import Work

_CHECK_MS: Final = 200  # how often a step follows while work is asked to end
_MARGIN: Final = timedelta(milliseconds=250)  # before a deadline: a little more than one step
_LONGEST_BACKOFF_MS: Final = 60_000
_LONGEST_READ_MS: Final = 5_000  # between two reads of the slots, however long the lease is
_SLOW_AT_ONCE: Final = 6  # campaigns and resignations, so that threads are left for renewals

StartWork: TypeAlias = Callable[[str, Term], Work]
Action: TypeAlias = Callable[[], float]
"""Does something that may take a while; returns the milliseconds until the next is due."""


@dataclass(slots=True, kw_only=True)
class _Task:
    """Something that is due at a time. `failures` in a row make the pauses longer."""

    name: str
    due_ms: float = 0
    busy: bool = False
    failures: int = 0


@dataclass(slots=True, kw_only=True)
class _Partition(_Task):
    """`slow` while a campaign or a resignation runs. `term` and `work` are set while it is led, and
    `ending` once the work was asked to stop.
    """

    election: Election
    slow: bool = False
    ending: bool = False
    term: Term | None = None
    work: Work | None = None


@dataclass(kw_only=True)
class Worker:
    """One worker of a group. `step` is called by one thread; `submit` may run actions in others.

    `report` receives the partition's name, or the group's, and what went wrong.
    """

    group: str
    elections: Sequence[Election]
    members: Members
    start_work: StartWork
    submit: Callable[[Callable[[], None]], object]
    report: Callable[[str, BaseException], None]
    refused: BucketUnusable | None = field(default=None, init=False)
    """Why no slot can be taken at all."""

    def __post_init__(self) -> None:
        first = self.members.slots[0]
        self._clock_ms, self._uniform = first._seams.clock_ms, first._seams.uniform  # noqa: SLF001
        self._third_ms = first._rules.lease_ms // 3  # noqa: SLF001 - as durations of the public API
        self._poll_ms = first._rules.poll_ms  # noqa: SLF001
        self._partitions = [_Partition(name=one.name, election=one) for one in self.elections]
        self._membership, self._reading = _Task(name=self.group), _Task(name=self.group)
        self._seen: dict[int, int | None] | None = None
        self.share = Share(self.group, [one.name for one in self.elections])
        self._stopping = self._has_joined = False

    @property
    def leading(self) -> frozenset[str]:
        """The names of the partitions that this worker leads."""
        terms = {one.name: one.term for one in self._partitions}
        return frozenset(name for name, term in terms.items() if term is not None and term.held)

    @property
    def ended(self) -> bool:
        """Whether all is given up after `stop`."""
        tasks = (self._membership, self._reading, *self._partitions)
        led = any(one.term is not None for one in self._partitions)
        return self._stopping and not (led or self.members.joined or any(one.busy for one in tasks))

    def stop(self) -> None:
        """Give everything up in the next steps. The slot is vacated at once."""
        self._stopping = True

    def step(self) -> float:
        """Start what is due; return the milliseconds until the next step, which may come sooner.

        The next step is also due when an action has ended.
        """
        now_ms = self._clock_ms()
        if self._stopping and not self._membership.busy:
            self._membership.due_ms = now_ms
        due = [self._start(self._membership, self._choose_membership(), now_ms)]
        if self.members.slot is not None and not self._stopping:
            due.append(self._start(self._reading, self._read, now_ms))
        due += [self._step_partition(one, now_ms) for one in self._partitions]
        return max(0, min(due) - now_ms)

    # ------------------------------------------------------------------------------- the slot

    def _choose_membership(self) -> Action | None:
        if self._stopping:
            return self._leave if self.members.joined else None
        return self._join if self.members.slot is None else self._renew_slot

    def _leave(self) -> float:
        self.members.leave("stopped")
        return 0

    def _join(self) -> float:
        try:
            joined = self.members.join()
        except BucketUnusable as error:
            if not self._has_joined:
                self.refused = error
            raise
        if not joined:
            self.share.learn_no_slot()
            return self._soon_ms()
        self._has_joined = True
        self._reading.due_ms = 0
        return self._interval_ms()

    def _renew_slot(self) -> float:
        try:
            self.members.renew()
        except LeadershipLost as lost:
            self.report(self.group, lost)
            return 0
        return self._interval_ms()

    def _read(self) -> float:
        """Read who is there. A change is read again soon, and counts when it is confirmed.

        Without a slot, a worker cannot know its share: it keeps what it has.
        """
        seen, slot = self.members.read(), self.members.slot
        if slot is None or slot not in seen:
            return self._soon_ms()
        changed, self._seen = seen != self._seen, seen
        self.share.learn(seen, slot)
        lapse_ms = self.members.next_lapse_ms
        pause_ms = min(self._interval_ms(), self._uniform(0.9, 1) * _LONGEST_READ_MS)
        if lapse_ms is not None:  # S3 shows whole seconds, so a lapse half a second late
            pause_ms = min(pause_ms, lapse_ms + self._uniform(250, 500))
        return self._soon_ms() if changed else pause_ms

    # -------------------------------------------------------------------------- the partitions

    def _step_partition(self, one: _Partition, now_ms: float) -> float:
        wanted = self._wants(one.name)
        if one.busy and one.slow:  # it changes `term` and `work`, in another thread
            return now_ms + self._third_ms
        if one.term is None or one.work is None:
            if wanted is not True or self._crowded():
                return now_ms + self._third_ms
            return self._start(one, lambda: self._campaign(one), now_ms, slow=True)
        left = one.term.remaining() - _MARGIN
        if wanted is False or left <= timedelta(0) or one.work.error is not None:
            one.ending = True  # for good: the work has stopped, so the term must end, too
            one.work.ask_to_stop()
        if not one.ending:
            due_ms = self._start(one, lambda: self._renew(one), now_ms)
            return min(due_ms, now_ms + left / timedelta(milliseconds=1))
        if one.work.is_alive():
            if one.term.held:  # nothing is left to renew for work that goes on although it is lost
                self._start(one, lambda: self._renew(one), now_ms)
        elif not one.busy and not self._crowded():
            one.due_ms = now_ms
            self._start(one, lambda: self._resign(one), now_ms, slow=True)
        return now_ms + _CHECK_MS

    def _wants(self, name: str) -> bool | None:
        """Whether to lead a partition; None: neither campaign for it nor give it up."""
        if self._stopping:
            return False
        wanted = self.share.contains(name)
        return None if wanted and self.members.slot is None else wanted

    def _campaign(self, one: _Partition) -> float:
        result = one.election.campaign()
        if not isinstance(result, Term):
            return self._soon_ms()
        try:
            one.work = self.start_work(one.name, result)
        except BaseException as error:
            result.resign(FAILED, describe_error(error))
            raise
        one.ending, one.term = False, result
        return self._interval_ms()

    def _renew(self, one: _Partition) -> float:
        if one.term is not None:
            try:
                one.term.renew()
            except LeadershipLost as lost:  # the next step asks the work to stop
                self.report(one.name, lost)
        return self._interval_ms()

    def _resign(self, one: _Partition) -> float:
        """End a term whose work has ended. If S3 does not answer, its lease runs out by itself."""
        term, error = one.term, None if one.work is None else one.work.error
        one.term = one.work = None
        if error is not None:
            self.report(one.name, error)
        outcome: Outcome = RESIGNED
        reason, pause_ms = "given up", self._soon_ms()
        if error is not None and not isinstance(error, LeadershipLost):
            outcome, reason, pause_ms = FAILED, describe_error(error), self._backoff_ms(one)
        if term is not None:
            term.resign(outcome, reason)
        return pause_ms

    def _crowded(self) -> bool:
        return sum(one.busy and one.slow for one in self._partitions) >= _SLOW_AT_ONCE

    # ---------------------------------------------------------------------------------- tasks

    def _start(
        self, task: _Task, action: Action | None, now_ms: float, *, slow: bool = False
    ) -> float:
        """Start an action if it is due and none runs; return when the task is due."""
        if action is None or task.busy:
            return now_ms + self._third_ms
        if now_ms < task.due_ms:
            return task.due_ms
        claim = threading.Lock()  # `submit` may fail after it has queued the action, or before

        def perform() -> None:
            if claim.acquire(blocking=False):
                self._perform(task, action)

        try:
            task.busy = True
            if isinstance(task, _Partition):
                task.slow = slow
            self.submit(perform)
        except RuntimeError:  # no thread can be started, or the interpreter is shutting down
            perform()
        except BaseException:  # Ctrl-C
            if claim.acquire(blocking=False):
                task.busy = False
            raise
        return now_ms + self._third_ms

    def _perform(self, task: _Task, action: Action) -> None:
        pause_ms = self._soon_ms()
        try:
            pause_ms = action()
            if not (isinstance(task, _Partition) and task.slow):  # work may fail after each win
                task.failures = 0
        except BaseException as error:
            self.report(task.name, error)
            is_led = isinstance(task, _Partition) and task.term is not None
            soon = is_led or task is self._reading or isinstance(error, StoreUnavailable)
            pause_ms = self._soon_ms() if soon else self._backoff_ms(task)
            if not isinstance(error, Exception):  # other partitions go on after others
                raise
        finally:
            task.due_ms = self._clock_ms() + pause_ms
            task.busy = False

    def _backoff_ms(self, task: _Task) -> float:
        task.failures += 1
        longest = min(_LONGEST_BACKOFF_MS, self._poll_ms << min(task.failures, 10))
        return self._uniform(longest / 2, longest)

    def _soon_ms(self) -> float:
        return self._uniform(self._poll_ms / 2, self._poll_ms)

    def _interval_ms(self) -> float:
        """Three times per lease, as `Term.keep_renewing`, spread so that they do not coincide."""
        return self._uniform(self._third_ms * 0.9, self._third_ms)
