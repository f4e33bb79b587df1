"""What an invocation tells CloudWatch: one log line an event, and one set of metrics.

Metrics are in the namespace `s3leader` with the dimensions `bucket` and `election`: `Won`, `Lost`
(and why: `LostHeld`, `LostDone`, `LostBeaten`, `LostExhausted`), `TakenOver`, `Completed`,
`Failed`, `Resigned`, `LeadershipLost`, `CorruptLock`, `CampaignFailed` (S3 silent or refusing, a
bad tick), `Requests` (of the election to S3), `Duration` (of the work).
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from .driver import stopwatch_ms
from .election import NotElected
from .errors import CorruptLock, LeadershipLost
from .lock import COMPLETED, Lock
from .term import Term, told
from .times import format_time

try:
    from aws_lambda_powertools import Logger
    from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
except ImportError as error:  # pragma: no cover - seen from the wheel, without extras
    raise ImportError(
        "s3leader.aws_lambda needs Powertools for AWS Lambda: pip install 's3leader[lambda]'"
    ) from error

NAMESPACE = "s3leader"


class Report:
    """One invocation's report. Metrics are written when its block is left, however it is left."""

    def __init__(self, election: str, bucket: str, function_name: str) -> None:
        self._election = election
        self._log = Logger(service=election)
        self._metrics = EphemeralMetrics(namespace=NAMESPACE)
        self._metrics.service = ""  # alarms go by these dimensions, whatever the environment says
        self._metrics.add_dimension(name="bucket", value=bucket or "none")
        self._metrics.add_dimension(name="election", value=election)
        self._metrics.add_metadata(key="function_name", value=function_name)
        self._term: Term | None = None
        self._began_ms = stopwatch_ms()

    def __enter__(self) -> Self:
        return self

    def lost(self, result: NotElected) -> dict[str, Any]:
        """Report a follower, and return what its invocation answers."""
        facts = {"reason": result.reason, **_facts(result.lock)}
        self._log.info("not elected", extra={**facts, "requests": result.requests})
        self._count("Lost", f"Lost{result.reason.capitalize()}")
        self._add("Requests", MetricUnit.Count, result.requests)
        return {"elected": False, **facts}

    def won(self, term: Term) -> None:
        """Report a new leader."""
        self._term = term
        self._began_ms = stopwatch_ms()
        extra = {**_facts(term.lock), "attempt": term.attempt, "taken_over": term.took_over}
        self._log.info("elected", extra={**extra, "requests": term.requests})
        self._count("Won", *(["TakenOver"] if term.took_over else []))

    def completed(self, term: Term, value: object) -> dict[str, Any]:
        """Report a term whose handler returned, and return what its invocation answers."""
        outcome = term.outcome or COMPLETED
        self._log.info("term over", extra={**_facts(term.lock), "outcome": outcome})
        self._count(outcome.capitalize())
        return {
            "elected": True,
            **_facts(term.lock),
            "attempt": term.attempt,
            "outcome": outcome,
            "result": value,
        }

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if error is not None:
                self._failed(error)
            if self._term is not None:
                self._add("Requests", MetricUnit.Count, self._term.requests)
                self._add("Duration", MetricUnit.Milliseconds, stopwatch_ms() - self._began_ms)
        finally:
            self._metrics.flush_metrics()

    def _failed(self, error: BaseException) -> None:
        extra = _facts(self._term.lock if self._term is not None else None)
        if isinstance(error, LeadershipLost):
            self._log.error("leadership lost", extra={**extra, "why": error.why})
            self._count("LeadershipLost")
        elif isinstance(error, CorruptLock):
            self._log.error("corrupt lock", extra={"key": error.key, "problem": error.problem})
            self._count("CorruptLock")
        elif self._term is not None:
            self._count("Failed")
            self._log.error("term failed", extra={**extra, "error": told(error)})
        else:
            self._count("CampaignFailed")
            self._log.error("could not campaign", extra={"error": told(error)})

    def _count(self, *names: str) -> None:
        for name in names:
            self._add(name, MetricUnit.Count, 1)

    def _add(self, name: str, unit: MetricUnit, value: float) -> None:
        self._metrics.add_metric(name=name, unit=unit, value=value)


def _facts(lock: Lock | None) -> dict[str, Any]:
    """Return who leads for what, for people to read."""
    if lock is None:
        return {"term": None, "holder": None, "tick": None}
    tick = None if lock.tick is None else format_time(lock.tick)
    return {"term": lock.term, "holder": lock.holder, "tick": tick}
