"""`Partitions`: a worker that leads its fair share of many elections.

What is *not* guaranteed: that a partition is led at every moment. After a worker has died, its
partitions are led by nobody until the lease and `clock_skew` have passed; while one is handed over,
nobody leads it for about a poll interval. Fairness is eventual: shares differ by one at most once
the workers have not changed for a few seconds, if `max_share` and their work permit. What holds for
one election holds for each: at most one worker leads it, and its `work` must check
`term.ensure_held()` before each effect, or send the fencing token.

There is no coordinator. Each worker also leads the election of a slot, `<group>/member-000` and so
on, while it lives. Each reads the others' slots, and computes from the slots that are taken which
partitions are its own. It campaigns for those, and gives up the others once their work has ended.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final, TypeAlias

from ._io.arguments import check_callback, check_stop
from ._io.driver import Stop
from ._partitions.members import Members
from ._partitions.work import ThreadedWork
from ._partitions.worker import CHECK_MS, THREADS, Worker
from .election import Election
from .errors import InvalidArgument, describe_error
from .term import Term

__all__ = ["OnError", "PartitionWork", "Partitions"]

_log = logging.getLogger("s3leader")

PartitionWork: TypeAlias = Callable[[str, Term, threading.Event], None]
OnError: TypeAlias = Callable[[str, BaseException], None]

_MOST_WORKERS: Final = 1000


def _log_error(name: str, error: BaseException) -> None:
    _log.warning("%s: %s", name, describe_error(error))


class Partitions:
    """Leads a fair share of `elections` among the workers of a `group`, until it is stopped.

    `work(name, term, stop)` runs in a thread of its own for each partition that this worker leads,
    while its lease is renewed. Its `stop` is set when the partition is to be given up: to another
    worker, because the process is asked to stop, or before the lease has run out. Until `work` has
    returned, the lease is renewed, and the partition is not passed on. If `work` returns earlier,
    the worker still leads. If it raises, the term has failed, and the partition is campaigned for
    again after a pause that grows to a minute.

    `group` is the name under which workers know each other; its slots are elections with the
    prefix, bucket and candidate of the first of `elections`, which have one lease. All workers of a
    group must be given the same elections and `max_workers`, the number of slots. A worker beyond
    them waits. `max_share` is the most partitions that this worker leads. If the limits of all do
    not suffice, nobody leads the rest: it is logged, and `unassigned` names them.

    `on_error(name, error)` is called for what goes wrong with one partition, while the others go
    on: work that raised, a corrupt lock, a request that S3 refused. By default it is logged.

        Partitions(elections, group="orders", work=work).run(stop)

    Raises `InvalidArgument` for values that cannot be used.
    """

    def __init__(
        self,
        elections: Iterable[Election],
        *,
        group: str,
        work: PartitionWork,
        max_share: int | None = None,
        max_workers: int = 16,
        on_error: OnError = _log_error,
    ) -> None:
        self._elections = _checked(elections)
        check_callback("work", work)
        check_callback("on_error", on_error)
        _check_number("max_share", max_share, least=1, most=None)
        _check_number("max_workers", max_workers, least=1, most=_MOST_WORKERS)
        self._slots = _slots(self._elections, group, max_workers)
        self._group, self._work, self._max_share = group, work, max_share
        self._on_error = on_error
        self._worker: Worker | None = None

    @property
    def leading(self) -> frozenset[str]:
        """The names of the elections that this worker leads now."""
        return frozenset() if self._worker is None else self._worker.leading

    @property
    def unassigned(self) -> frozenset[str]:
        """The names of the elections that nobody may lead, as the limits of all do not suffice."""
        return frozenset() if self._worker is None else self._worker.share.unassigned

    def run(self, stop: Stop) -> None:
        """Lead until `stop`, a `threading.Event` or the like, is set; then give everything up.

        Returns when all work has ended and all terms are resigned, so that other workers take over
        within seconds. While S3 does not answer, it goes on trying. Raises `BucketUnusable` if S3
        refuses the first campaign for a slot.
        """
        check_stop(stop)
        wake = threading.Event()
        with ThreadPoolExecutor(THREADS, thread_name_prefix="s3leader-partitions") as pool:

            def submit(action: Callable[[], None]) -> None:
                pool.submit(action).add_done_callback(lambda _: wake.set())

            worker = self._worker = self._make_worker(submit, wake.set)
            try:
                while not stop.is_set() and worker.first_join_error is None:
                    _step(worker, wake)
            finally:  # also after Ctrl-C
                worker.stop()
                while not worker.ended:
                    _step(worker, wake)
        if worker.first_join_error is not None:
            raise worker.first_join_error

    def _make_worker(
        self, submit: Callable[[Callable[[], None]], object], wake: Callable[[], None]
    ) -> Worker:
        return Worker(
            group=self._group,
            elections=self._elections,
            members=Members(self._slots, self._max_share),
            start_work=lambda name, term: ThreadedWork(self._work, name, term, wake),
            submit=submit,
            report=self._report,
        )

    def _report(self, name: str, error: BaseException) -> None:
        try:
            self._on_error(name, error)
        except BaseException:  # noqa: BLE001 - the worker goes on, even after sys.exit()
            _log.exception("on_error raised for %s", name)


def _step(worker: Worker, wake: threading.Event) -> None:
    wake.clear()
    wake.wait(min(CHECK_MS, worker.step()) / 1000)


def _checked(elections: Iterable[Election]) -> tuple[Election, ...]:
    given = tuple(elections)
    for one in given:
        if not isinstance(one, Election):
            raise InvalidArgument(f"expected each of elections to be an Election, got {one!r}")
    return given


def _slots(elections: tuple[Election, ...], group: str, number: int) -> list[Election]:
    """Return the elections of the slots, after checking those of the partitions."""
    if not elections:
        raise InvalidArgument("expected one election or more, got none; each is a partition")
    counts = Counter(one.name for one in elections)
    name, times = counts.most_common(1)[0]
    if times > 1:
        raise InvalidArgument(
            f"expected elections with different names, got {times} with the name {name!r}"
        )
    first = elections[0]
    for one in elections:
        if one.config.lease != first.config.lease:
            raise InvalidArgument(
                f"expected elections with one lease, got {first.config.lease} for {first.name!r}"
                f" and {one.config.lease} for {one.name!r}"
            )
    config, seams = first.config, replace(first._seams, notifier=None)  # noqa: SLF001 - same bucket
    slots = [
        Election._with_seams(  # noqa: SLF001
            f"{group}/member-{slot:03}",
            seams,
            prefix=config.prefix,
            lease=config.lease,
            clock_skew=config.clock_skew,
            poll=config.poll,
            candidate=config.candidate,
        )
        for slot in range(number)
    ]
    for slot in slots:
        if slot.name in counts:
            raise InvalidArgument(
                f"expected partitions with other names than the group's slots, got {slot.name!r};"
                f" choose another group than {group!r}"
            )
    return slots


def _check_number(name: str, value: object, *, least: int, most: int | None) -> None:
    if value is None and most is None:
        return
    if type(value) is int and value >= least and (most is None or value <= most):
        return
    allowed = f"from {least}, or None" if most is None else f"from {least} to {most}"
    raise InvalidArgument(f"expected {name} to be a whole number {allowed}, got {value!r}")
