"""The report of one invocation to CloudWatch: one log line for each event, and metrics.

A `Report` is an observer of the invocation's election. What it says of the election comes from
events alone (`s3leader.observer`); only what is no event of an election, such as an invalid tick or
an error of the handler, is taken from the exception that leaves its block.

Metrics are in the namespace `s3leader` with the dimensions `bucket` and `election`: `Won`, `Lost`
(and why: `LostHeld`, `LostDone`, `LostBeaten`, `LostExhausted`), `TakenOver`, `Completed`,
`Failed`, `Resigned`, `Continued`, `ContinuationNotStarted`, `TooManyContinuations`, `Leg` (of the
term that was won, where continuations are allowed), `Repeated`, `Missed` (ticks of the schedule,
where it is known, between the latest completed one and this one), `RenewedLate` (renewals that were
not confirmed, or left less than a third of the lease), `LeadershipLost`, `TaggingFailed` (terms
that could not tag old locks), `CorruptLock`, `CampaignFailed` (S3 does not answer or refuses; a bad
tick), `Requests` (of the election to S3), `Duration` (of the handler).

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
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from s3leader._core.lock import COMPLETED
from s3leader._core.times import format_time
from s3leader._io.driver import monotonic_ms
from s3leader.errors import (
    ContinuationNotStarted,
    CorruptLock,
    InvalidArgument,
    LeadershipLost,
    TooManyContinuations,
    describe_error,
)
from s3leader.observer import (
    CampaignFailed,
    CampaignLost,
    LeadershipEnded,
    Observer,
    Renewed,
    Resigned,
    StoreAnswered,
    Swept,
    Won,
)
from s3leader.schedule import Schedule, missed_ticks

from .metrics import Logger, Metrics

_MOST_MISSED = 100  # ticks that are counted


class Report(Observer):
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
        self._metrics = Metrics(election, bucket, function_name, contender)
        self._contender = contender
        self._request_id = request_id
        self._counts_legs = counts_legs
        self._schedules = schedules
        self.tick: datetime | None = None  # set once the event has been checked
        self._requests = 0
        self._won: Won | None = None
        self._won_ms = 0
        self._ended: LeadershipEnded | None = None
        self._resigned: Resigned | None = None
        self._campaign_failed = False
        self._pid = os.getpid()

    def __enter__(self) -> Self:
        return self

    # --------------------------------------------------------------------------------- events

    def store_answered(self, event: StoreAnswered) -> None:  # noqa: ARG002 - each one counts
        """Count a request of the election."""
        self._requests += 1

    def campaign_lost(self, event: CampaignLost) -> None:
        """Report a lost campaign."""
        extra = self._extra(
            reason=event.reason,
            term=event.term,
            holder=event.holder,
            term_tick=_format(event.term_tick),
            requests=event.requests,
        )
        self._log.info("not elected", extra=extra)
        self._metrics.count("Lost", by_contender=True)
        self._metrics.count(f"Lost{event.reason.capitalize()}")
        self._metrics.count("Requests", self._requests)
        self._behind(self.tick, event.done)

    def campaign_failed(self, event: CampaignFailed) -> None:
        """Report a campaign that raised."""
        self._no_campaign(event.error, event.key, event.problem)

    def won(self, event: Won) -> None:
        """Report a new leader."""
        self._won, self._won_ms = event, monotonic_ms()
        facts: dict[str, object] = {"attempt": event.attempt, "leg": event.leg}
        if event.repeat:
            facts |= {"repeat": True, "repeat_reason": event.repeat_reason}
        facts |= {"taken_over": event.took_over, "requests": event.requests}
        self._log.info("elected", extra=self._extra(**self._of_term(), **facts))
        self._metrics.count("Won", by_contender=True)
        if self._counts_legs:
            self._metrics.count("Leg", event.leg)
        if event.repeat and event.leg == 1:
            self._metrics.count("Repeated")
        if event.took_over:
            self._metrics.count("TakenOver")

    def renewed_late(self, event: Renewed) -> None:
        """Report a renewal that was nearly too late, or was not confirmed."""
        left = {"left": event.left.total_seconds(), "confirmed": event.confirmed}
        self._log.warning("renewed late", extra=self._extra(**self._of_term(), **left))
        self._metrics.count("RenewedLate")

    def leadership_ended(self, event: LeadershipEnded) -> None:
        """Keep why leadership has ended."""
        self._ended = event

    def swept(self, event: Swept) -> None:
        """Report old locks that could not be tagged."""
        if event.error is not None:
            extra = self._extra(**self._of_term(), locks=event.locks, error=event.error)
            self._log.warning("old locks not tagged", extra=extra)
            self._metrics.count("TaggingFailed")

    def resigned(self, event: Resigned) -> None:
        """Keep how the term ended."""
        self._resigned = event

    # ---------------------------------------------------------------------- the invocation's end

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if os.getpid() != self._pid:
            return
        try:
            if self._won is not None:
                self._report_term(self._won, error)
            elif error is not None and not self._campaign_failed:
                corrupt = error if isinstance(error, CorruptLock) else None
                key, problem = (corrupt.key, corrupt.problem) if corrupt else (None, None)
                self._no_campaign(describe_error(error), key, problem)
        finally:
            self._metrics.flush()

    def _no_campaign(self, error: str, key: str | None, problem: str | None) -> None:
        """Report a campaign that has failed, or what was wrong before it could begin."""
        self._campaign_failed = True
        if key is not None:
            self._log.error("corrupt lock", extra=self._extra(key=key, problem=problem))
            self._metrics.count("CorruptLock")
        else:
            self._log.error("could not campaign", extra=self._extra(error=error))
            self._metrics.count("CampaignFailed")

    def _report_term(self, won: Won, error: BaseException | None) -> None:
        outcome = None if self._resigned is None else self._resigned.outcome
        why = self._why_lost(error)
        if why is not None:
            self._log.error("leadership lost", extra=self._extra(**self._of_term(), why=why))
            self._metrics.count("LeadershipLost")
        elif error is None and outcome is not None:
            extra = self._extra(**self._of_term(), outcome=outcome)
            self._log.info("term over", extra=extra)
            self._metrics.count(outcome.capitalize())
            if outcome == COMPLETED and not won.repeat:
                self._count_missed(won.done)
        if error is not None and not isinstance(error, LeadershipLost):
            self._report_error(error)
        self._metrics.count("Requests", self._requests)
        self._metrics.milliseconds("Duration", monotonic_ms() - self._won_ms)
        self._behind(won.tick, won.tick if outcome == COMPLETED else won.done)

    def _why_lost(self, error: BaseException | None) -> str | None:
        """Return why leadership was lost, None if it was not.

        A lease that has run out is no loss if the term was resigned all the same.
        """
        ended = self._ended
        if ended is not None and ended.cause == "changed":
            return ended.why
        if isinstance(error, LeadershipLost):
            return error.why
        over = error is None and self._resigned is None
        return ended.why if ended is not None and over else None

    def _report_error(self, error: BaseException) -> None:
        if isinstance(error, ContinuationNotStarted):
            extra = self._extra(**self._of_term(), error=str(error))
            self._log.error("continuation not started", extra=extra)
            self._metrics.count("ContinuationNotStarted")
            return
        if isinstance(error, TooManyContinuations):
            self._metrics.count("TooManyContinuations")
        self._metrics.count("Failed")
        extra = self._extra(**self._of_term(), error=describe_error(error))
        self._log.error("term failed", extra=extra)

    def own_facts(self) -> dict[str, object]:
        """Return the facts of this invocation, whichever candidate leads."""
        return {
            "tick": _format(self.tick),
            "contender": self._contender,
            "request_id": self._request_id,
        }

    def _extra(self, **facts: object) -> dict[str, object]:
        return {**facts, **self.own_facts()}

    def _of_term(self) -> dict[str, object]:
        won = self._won
        return {} if won is None else {"term": won.term, "holder": won.holder}

    def _behind(self, tick: datetime | None, done: datetime | None) -> None:
        if tick is not None and done is not None:
            self._metrics.seconds("Behind", max(timedelta(0), tick - done).total_seconds())

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
            self._metrics.count("Missed", len(missed))


def _format(tick: datetime | None) -> str | None:
    return None if tick is None else format_time(tick)
