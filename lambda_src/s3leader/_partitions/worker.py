"""A worker's schedule: which request is due when.

It starts no thread and never waits; `submit` runs actions elsewhere. `step` submits what is due,
and says when the next step is due. At most one action runs at a time for each partition, for the
slot, and for reading the slots. While an action runs, only that action changes its partition's
fields, apart from `ending`, which a step may set.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, TypeAlias

from s3leader._core.lock import FAILED, RESIGNED
from s3leader._io.term_state import ResignOutcome
from s3leader.election import Election
from s3leader.errors import BucketUnusable, LeadershipLost, StoreUnavailable, describe_error
from s3leader.term import Term

from .members import Members
from .share import Share
from .tasks import Led, Partition, Task, Wish
from .work import Work

THREADS: Final = 10  # of `Partitions`, for actions: as many as a boto3 client has connections
_SLOW_AT_ONCE: Final = 6  # campaigns and resignations, so that of these threads 4 can renew
CHECK_MS: Final = 200  # `Partitions` waits no longer for the next step: it checks `stop`, too
_MARGIN: Final = timedelta(milliseconds=250)  # before a deadline: a little more than `CHECK_MS`
_LONGEST_BACKOFF_MS: Final = 60_000
_LONGEST_READ_MS: Final = 5_000  # between two reads of the slots, however long the lease is

StartWork: TypeAlias = Callable[[str, Term], Work]
Action: TypeAlias = Callable[[], float]
"""Does something that may take a while; returns the milliseconds until the next is due."""


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
    first_join_error: BucketUnusable | None = field(default=None, init=False)
    """Why no slot can be taken at all."""

    def __post_init__(self) -> None:
        first = self.members.slots[0]
        self._clock_ms, self._uniform = first._seams.clock_ms, first._seams.uniform  # noqa: SLF001
        self._renew_every_ms = first._rules.lease_ms // 3  # noqa: SLF001
        self._idle_step_ms = self._renew_every_ms  # until the next step at most, if nothing is due
        self._poll_ms = first._rules.poll_ms  # noqa: SLF001
        self._partitions = [Partition(name=each.name, election=each) for each in self.elections]
        self._membership, self._reading = Task(name=self.group), Task(name=self.group)
        self._last_read: dict[int, int | None] | None = None
        self.share = Share(self.group, [each.name for each in self.elections])
        self._stopping = self._has_joined = False

    @property
    def leading(self) -> frozenset[str]:
        """The names of the partitions that this worker leads."""
        all_led = {partition.name: partition.led for partition in self._partitions}
        return frozenset(name for name, led in all_led.items() if led is not None and led.term.held)

    @property
    def ended(self) -> bool:
        """Whether all is given up after `stop`."""
        tasks = (self._membership, self._reading, *self._partitions)
        leads = any(partition.led is not None for partition in self._partitions)
        is_busy = any(task.busy for task in tasks)
        return self._stopping and not (leads or self.members.joined or is_busy)

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
        due += [self._step_partition(each, now_ms) for each in self._partitions]
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
                self.first_join_error = error
            raise
        if not joined:
            self.share.update_without_slot()
            return self._poll_pause_ms()
        self._has_joined = True
        self._reading.due_ms = 0
        return self._renewal_pause_ms()

    def _renew_slot(self) -> float:
        try:
            self.members.renew()
        except LeadershipLost as lost:
            self.report(self.group, lost)
            return 0
        return self._renewal_pause_ms()

    def _read(self) -> float:
        """Read who is there. A change is read again soon, and counts when it is confirmed.

        Without a slot, a worker cannot know its share: it keeps what it has.
        """
        limits, slot = self.members.read(), self.members.slot
        if slot is None or slot not in limits:
            return self._poll_pause_ms()
        changed, self._last_read = limits != self._last_read, limits
        self.share.update(limits, slot)
        lapse_ms = self.members.next_lapse_ms
        pause_ms = min(self._renewal_pause_ms(), self._uniform(0.9, 1) * _LONGEST_READ_MS)
        if lapse_ms is not None:
            # S3's times are whole seconds: read 250 to 500 ms after the lapse, or it still looks
            # held.
            pause_ms = min(pause_ms, lapse_ms + self._uniform(250, 500))
        return self._poll_pause_ms() if changed else pause_ms

    # -------------------------------------------------------------------------- the partitions

    def _step_partition(self, partition: Partition, now_ms: float) -> float:
        wish = self._wish(partition.name)
        if partition.busy and partition.slow:  # it changes `led`, in another thread
            return now_ms + self._idle_step_ms
        led = partition.led  # read only now: an action is `busy` until it has changed all
        if led is None:
            if wish is not Wish.LEAD or self._too_many_slow():
                return now_ms + self._idle_step_ms
            return self._start(partition, lambda: self._campaign(partition), now_ms, slow=True)
        left = led.term.remaining() - _MARGIN
        if wish is Wish.GIVE_UP or left <= timedelta(0) or led.work.error is not None:
            partition.ending = True  # for good: a request to stop cannot be taken back
            led.work.ask_to_stop()
        if not partition.ending:
            due_ms = self._start(partition, lambda: self._renew(partition, led), now_ms)
            return min(due_ms, now_ms + left / timedelta(milliseconds=1))
        if led.work.is_alive():
            if led.term.held:  # nothing is left to renew for work that goes on although it is lost
                self._start(partition, lambda: self._renew(partition, led), now_ms)
        elif not partition.busy and not self._too_many_slow():
            partition.due_ms = now_ms
            self._start(partition, lambda: self._resign(partition, led), now_ms, slow=True)
        return now_ms + CHECK_MS

    def _wish(self, name: str) -> Wish:
        if self._stopping:
            return Wish.GIVE_UP
        in_share = self.share.contains(name)
        if in_share is None or (in_share and self.members.slot is None):
            return Wish.KEEP
        return Wish.LEAD if in_share else Wish.GIVE_UP

    def _campaign(self, partition: Partition) -> float:
        result = partition.election.campaign()
        if not isinstance(result, Term):
            return self._poll_pause_ms()
        try:
            work = self.start_work(partition.name, result)
        except BaseException as error:
            result.resign(FAILED, describe_error(error))
            raise
        partition.ending, partition.led = False, Led(result, work)
        return self._renewal_pause_ms()

    def _renew(self, partition: Partition, led: Led) -> float:
        try:
            led.term.renew()
        except LeadershipLost as lost:  # the next step asks the work to stop
            self.report(partition.name, lost)
        return self._renewal_pause_ms()

    def _resign(self, partition: Partition, led: Led) -> float:
        """End a term whose work has ended. If S3 does not answer, its lease runs out by itself."""
        error = led.work.error
        partition.led = None
        if error is not None:
            self.report(partition.name, error)
        outcome: ResignOutcome = RESIGNED
        reason, pause_ms = "given up", self._poll_pause_ms()
        if error is not None and not isinstance(error, LeadershipLost):
            outcome, reason = FAILED, describe_error(error)
            pause_ms = self._count_failure_and_pause_ms(partition)
        led.term.resign(outcome, reason)
        return pause_ms

    def _too_many_slow(self) -> bool:
        return sum(each.busy and each.slow for each in self._partitions) >= _SLOW_AT_ONCE

    # ---------------------------------------------------------------------------------- tasks

    def _start(
        self, task: Task, action: Action | None, now_ms: float, *, slow: bool = False
    ) -> float:
        """Start an action if it is due and none runs; return when to look at the task again."""
        if action is not None and not task.busy:
            if now_ms < task.due_ms:
                return task.due_ms
            self._submit_once(task, action, slow=slow)
        return now_ms + self._idle_step_ms

    def _submit_once(self, task: Task, action: Action, *, slow: bool) -> None:
        """Submit an action, or perform it here if no thread can; it runs once at most."""
        begun = threading.Lock()  # `submit` may fail after it has queued the action, or before

        def run_once() -> None:
            if begun.acquire(blocking=False):
                self._perform(task, action)

        try:
            task.busy = True
            if isinstance(task, Partition):
                task.slow = slow
            self.submit(run_once)
        except RuntimeError:  # no thread can be started, or the interpreter is shutting down
            run_once()
        except BaseException:  # Ctrl-C
            if begun.acquire(blocking=False):
                task.busy = False
            raise

    def _perform(self, task: Task, action: Action) -> None:
        pause_ms = self._poll_pause_ms()
        try:
            pause_ms = action()
            # A win does not reset the count, since the work may fail each time; a renewal does.
            if not (isinstance(task, Partition) and task.slow):
                task.failures = 0
        except BaseException as error:
            self.report(task.name, error)
            is_led = isinstance(task, Partition) and task.led is not None
            soon = is_led or task is self._reading or isinstance(error, StoreUnavailable)
            pause_ms = self._poll_pause_ms() if soon else self._count_failure_and_pause_ms(task)
            if not isinstance(error, Exception):  # other partitions go on after others
                raise
        finally:
            task.due_ms = self._clock_ms() + pause_ms
            task.busy = False

    def _count_failure_and_pause_ms(self, task: Task) -> float:
        task.failures += 1
        longest = min(_LONGEST_BACKOFF_MS, self._poll_ms << min(task.failures, 10))
        return self._uniform(longest / 2, longest)

    def _poll_pause_ms(self) -> float:
        return self._uniform(self._poll_ms / 2, self._poll_ms)

    def _renewal_pause_ms(self) -> float:
        """Renew every 0.30 to 0.33 of a lease; random, so that partitions do not renew together."""
        return self._uniform(self._renew_every_ms * 0.9, self._renew_every_ms)
