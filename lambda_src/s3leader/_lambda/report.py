"""The report of one invocation to CloudWatch: one log line for each event, and metrics.

Metrics are in the namespace `s3leader` with the dimensions `bucket` and `election`: `Won`, `Lost`
(and why: `LostHeld`, `LostDone`, `LostBeaten`, `LostExhausted`), `TakenOver`, `Completed`,
`Failed`, `Resigned`, `Continued`, `ContinuationNotStarted`, `TooManyContinuations`, `Leg` (of the
term that was won, where continuations are allowed), `Repeated`, `Missed` (ticks of the schedule,
where it is known, between the latest completed one and this one), `LeadershipLost`, `CorruptLock`,
`CampaignFailed` (S3 does not answer or refuses; a bad tick), `Requests` (of the election to S3),
`Duration` (of the handler).

`Behind` is the number of seconds from the latest completed tick that the invocation knows of to its
own tick, at least 0. It is missing without a tick, and before a tick is completed. It does not
depend on a host's clock. Alarms use it where contenders of several Regions may win, because only
the winner's Region sees `Completed`.

Every log line has the invocation's own `tick`, `contender` and `request_id`. `term` and `holder`
are those of the term that it led, or of the term that kept it from leading, whose tick is
`term_tick`.

If the event names a contender, `Won` and `Lost` are written a second time, with the additional
dimension `contender`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

from s3leader._core.lock import COMPLETED, Lock
from s3leader._core.times import format_time
from s3leader._io.driver import monotonic_ms
from s3leader.election import NotElected
from s3leader.errors import (
    ContinuationNotStarted,
    CorruptLock,
    InvalidArgument,
    LeadershipLost,
    TooManyContinuations,
    describe_error,
)
from s3leader.schedule import Schedule, missed_ticks
from s3leader.term import Term

try:
    from aws_lambda_powertools import Logger
    from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
except ImportError as error:  # pragma: no cover - tested with the wheel, without extras
    raise ImportError(
        "s3leader.aws_lambda needs Powertools for AWS Lambda: pip install 's3leader[lambda]'"
    ) from error

NAMESPACE = "s3leader"
_MOST_MISSED = 100  # ticks that are counted


class Report:
    """A context manager around one invocation, which writes the metrics on exit.

    A fork that leaves the block reports nothing; its parent does.
    """

    def __init__(
        self,
        election: str,
        bucket: str,
        function_name: str,
        *,
        contender: int | None,
        request_id: str,
        counts_legs: bool,
        schedules: tuple[Schedule, ...] = (),
    ) -> None:
        self._log = Logger(service=election)
        dimensions = {"bucket": bucket, "election": election}
        self._metrics = _metrics(function_name, dimensions)
        # A second object: several sets of dimensions in one would repeat, and charge for, all
        # metrics.
        self._of_contender = None
        if contender is not None:
            dimensions["contender"] = str(contender)
            self._of_contender = _metrics(function_name, dimensions)
        self._contender = contender
        self._request_id = request_id
        self._counts_legs = counts_legs
        self._schedules = schedules
        self.tick: datetime | None = None  # set once the event has been checked
        self._term: Term | None = None
        self._began_ms = monotonic_ms()
        self._pid = os.getpid()

    def __enter__(self) -> Self:
        return self

    def lost(self, result: NotElected) -> dict[str, Any]:
        """Report a lost campaign, and return the result of the invocation."""
        lock = result.lock
        facts = {"reason": result.reason, **_facts(lock)}
        facts["term_tick"] = None if lock is None else _format(lock.tick)
        self._log.info("not elected", extra=self._extra(**facts, requests=result.requests))
        self._count_contender("Lost")
        self._count(f"Lost{result.reason.capitalize()}")
        self._add("Requests", MetricUnit.Count, result.requests)
        self._behind(self.tick, None if lock is None else lock.done)
        return {"elected": False, **facts, **self._own()}

    def won(self, term: Term) -> None:
        """Report a new leader."""
        self._term = term
        self._began_ms = monotonic_ms()
        extra = self._extra(
            **_facts(term.lock),
            **_work(term),
            taken_over=term.took_over,
            requests=term.requests,
        )
        self._log.info("elected", extra=extra)
        self._count_contender("Won")
        if self._counts_legs:
            self._add("Leg", MetricUnit.Count, term.leg)
        if term.lock.repeat and term.leg == 1:
            self._count("Repeated")
        if term.took_over:
            self._count("TakenOver")

    def completed(self, term: Term, value: object) -> dict[str, Any]:
        """Report a term whose handler returned, and return the result of the invocation.

        Raises `LeadershipLost` in a fork, which has not sealed the lock and knows no outcome.
        """
        outcome = None if self._in_fork() else term.outcome
        if outcome is None:
            why = f"process {self._pid} won it, and process {os.getpid()} is a fork of that one"
            raise LeadershipLost(term=term.number, why=why)
        self._log.info("term over", extra=self._extra(**_facts(term.lock), outcome=outcome))
        self._count(outcome.capitalize())
        if outcome == COMPLETED and not term.lock.repeat:
            self._count_missed(term.last_completed)
        return {
            "elected": True,
            **_facts(term.lock),
            **self._own(),
            **_work(term),
            "outcome": outcome,
            "result": value,
        }

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._in_fork():
            return
        try:
            if error is not None:
                self._failed(error)
            if self._term is not None:
                self._add("Requests", MetricUnit.Count, self._term.requests)
                self._add("Duration", MetricUnit.Milliseconds, monotonic_ms() - self._began_ms)
                completed = self._term.outcome == COMPLETED
                done = self._term.tick if completed else self._term.lock.done
                self._behind(self._term.tick, done)
        finally:
            for metrics in (self._metrics, self._of_contender):
                if metrics is not None and metrics.metric_set:
                    metrics.flush_metrics()

    def _in_fork(self) -> bool:
        return os.getpid() != self._pid

    def _failed(self, error: BaseException) -> None:
        facts = _facts(self._term.lock if self._term is not None else None)
        if isinstance(error, LeadershipLost):
            self._log.error("leadership lost", extra=self._extra(**facts, why=error.why))
            self._count("LeadershipLost")
        elif isinstance(error, CorruptLock):
            extra = self._extra(key=error.key, problem=error.problem)
            self._log.error("corrupt lock", extra=extra)
            self._count("CorruptLock")
        elif isinstance(error, ContinuationNotStarted):
            self._log.error(
                "continuation not started", extra=self._extra(**facts, error=str(error))
            )
            self._count("ContinuationNotStarted")
        elif self._term is not None:
            if isinstance(error, TooManyContinuations):
                self._count("TooManyContinuations")
            self._count("Failed")
            self._log.error("term failed", extra=self._extra(**facts, error=describe_error(error)))
        else:
            self._count("CampaignFailed")
            self._log.error("could not campaign", extra=self._extra(error=describe_error(error)))

    def _extra(self, **facts: object) -> dict[str, object]:
        return {**facts, **self._own()}

    def _own(self) -> dict[str, object]:
        """Return the facts of this invocation, whichever candidate leads."""
        return {
            "tick": _format(self.tick),
            "contender": self._contender,
            "request_id": self._request_id,
        }

    def _behind(self, tick: datetime | None, done: datetime | None) -> None:
        if tick is not None and done is not None:
            behind = max(timedelta(0), tick - done)
            self._add("Behind", MetricUnit.Seconds, behind.total_seconds())

    def _count_missed(self, done: datetime | None) -> None:
        """Count the ticks of the schedule that the completed one has passed over.

        A schedule that cannot be evaluated costs the metric, not the term.
        """
        if not self._schedules or self.tick is None or done is None:
            return
        try:
            missed = missed_ticks(self._schedules, after=done, before=self.tick, limit=_MOST_MISSED)
        except InvalidArgument as error:
            self._log.warning("missed ticks are not counted", extra=self._extra(error=str(error)))
        else:
            self._add("Missed", MetricUnit.Count, len(missed))

    def _count_contender(self, name: str) -> None:
        self._count(name)
        if self._of_contender is not None:
            self._of_contender.add_metric(name=name, unit=MetricUnit.Count, value=1)

    def _count(self, name: str) -> None:
        self._add(name, MetricUnit.Count, 1)

    def _add(self, name: str, unit: MetricUnit, value: float) -> None:
        self._metrics.add_metric(name=name, unit=unit, value=value)


def _metrics(function_name: str, dimensions: Mapping[str, str]) -> EphemeralMetrics:
    metrics = EphemeralMetrics(namespace=NAMESPACE)
    metrics.service = ""  # the environment must not add a dimension: alarms name these only
    for name, value in dimensions.items():
        metrics.add_dimension(name=name, value=value)
    metrics.add_metadata(key="function_name", value=function_name)
    return metrics


def _facts(lock: Lock | None) -> dict[str, Any]:
    """Return the number and the holder of a lock's term."""
    if lock is None:
        return {"term": None, "holder": None}
    return {"term": lock.term, "holder": lock.holder}


def _work(term: Term) -> dict[str, Any]:
    """Return how often the tick was attempted, and where a longer attempt stands."""
    facts: dict[str, Any] = {"attempt": term.attempt, "leg": term.leg}
    if term.lock.repeat:
        facts |= {"repeat": True, "repeat_reason": term.lock.repeat_reason}
    return facts


def _format(tick: datetime | None) -> str | None:
    return None if tick is None else format_time(tick)
