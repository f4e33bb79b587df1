"""OpenTelemetry: spans of campaigns and terms, metrics, and the term as baggage.

    observer = OpenTelemetryObserver()
    election = Election("nightly", bucket="locks", observer=observer)
    if term := election.campaign(tick=tick):
        with term, observer.current(term):
            ...  # spans and logs made here belong to the term

    for handler in logging.getLogger().handlers:
        handler.addFilter(TermFilter())  # log records carry election, term and tick

It needs the extra `otel`, which is the API alone: the application chooses the SDK and exporters.

Spans: `s3leader.campaign`, from its beginning to its result, and `s3leader.term`, from the win to
the resignation, or to the moment at which the leader learned that leadership had ended; then its
status is an error. Renewals are events of the term's span. A term that is left to its lease has a
span until this process leads the election again. Metrics: `s3leader.campaigns` (by
`s3leader.result`: `won`, `failed`, or why it was lost), `s3leader.terms` (by `s3leader.outcome`),
`s3leader.leadership.losses` (of leadership, by `s3leader.cause`), `s3leader.takeovers`,
`s3leader.renewals` (by `s3leader.late`), `s3leader.swept`, and the histogram
`s3leader.request.duration` in seconds (by `s3leader.request` and `s3leader.answer`). All have
`s3leader.election` and `s3leader.address`. No metric has a term, a tick or a holder: each value
would be a new series.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final

from ._core.times import format_time
from ._io.term_state import TermState
from .observer import (
    CampaignFailed,
    CampaignLost,
    Event,
    LeadershipEnded,
    Observer,
    Renewed,
    Resigned,
    StoreAnswered,
    Swept,
    Won,
)

try:
    from opentelemetry import baggage, context, metrics, trace
except ImportError as error:  # pragma: no cover - tested with the wheel, without extras
    raise ImportError(
        "s3leader.otel needs the API of OpenTelemetry: pip install 's3leader[otel]'"
    ) from error

__all__ = ["OpenTelemetryObserver", "TermFilter"]

_SCOPE: Final = "s3leader"
_CARRIED: Final = ("election", "term", "tick")  # as baggage


class OpenTelemetryObserver(Observer):
    """Makes spans and metrics of events. One observer may serve many elections of a process.

    Without providers, those that the application has set globally are used.
    """

    def __init__(
        self,
        *,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
    ) -> None:
        self._tracer = trace.get_tracer(_SCOPE, tracer_provider=tracer_provider)
        meter = metrics.get_meter(_SCOPE, meter_provider=meter_provider)
        self._campaigns = meter.create_counter(
            "s3leader.campaigns", "{campaign}", "Campaigns by their result"
        )
        self._terms = meter.create_counter("s3leader.terms", "{term}", "Terms by their outcome")
        self._losses = meter.create_counter(
            "s3leader.leadership.losses",
            "{term}",
            "Terms whose leadership ended without a resignation",
        )
        self._takeovers = meter.create_counter(
            "s3leader.takeovers", "{term}", "Terms after a leader that died"
        )
        self._renewals = meter.create_counter("s3leader.renewals", "{renewal}", "Renewals")
        self._swept = meter.create_counter("s3leader.swept", "{lock}", "Old locks tagged")
        self._requests = meter.create_histogram(
            "s3leader.request.duration", "s", "Requests to the store"
        )
        # No lock guards it: a fork would inherit it as it is. Each use is one step of a dict.
        self._spans: dict[tuple[str, int], trace.Span] = {}
        self._pid = os.getpid()

    @contextmanager
    def current(self, term: TermState) -> Iterator[trace.Span]:
        """Make the term's span the current one, and the term baggage, while the block runs.

        `term` is a `Term` or an `AsyncTerm`.

        The baggage has `s3leader.election`, `s3leader.term` and, if there is one, `s3leader.tick`.
        If this observer has no span of the term (it is not the election's observer, the term has
        ended, or this process is a fork of the one that leads), the span is the invalid one, which
        records nothing.
        """
        span = self._own_spans().get((term.address, term.number), trace.INVALID_SPAN)
        current = trace.set_span_in_context(span)
        for name, value in term.log_fields.items():
            if name in _CARRIED and value is not None:
                current = baggage.set_baggage(f"s3leader.{name}", str(value), current)
        token = context.attach(current)
        try:
            yield span
        finally:
            context.detach(token)

    def campaign_lost(self, event: CampaignLost) -> None:
        """Count the campaign, and make its span."""
        facts = {"s3leader.holder": event.holder, "s3leader.term": event.term}
        self._campaign(event, event.reason, event.duration, facts)

    def campaign_failed(self, event: CampaignFailed) -> None:
        """Count the campaign, and make its span, which is an error."""
        self._campaign(event, "failed", event.duration, {"error.type": event.kind}, event.error)

    def won(self, event: Won) -> None:
        """Count the campaign, make its span, and begin the term's."""
        facts = {"s3leader.term": event.term, "s3leader.took_over": event.took_over}
        self._campaign(event, "won", event.duration, facts)
        if event.took_over:
            self._takeovers.add(1, _of(event))
        about = {
            **_of(event),
            "s3leader.term": event.term,
            "s3leader.holder": event.holder,
            "s3leader.tick": _text(event.tick),
            "s3leader.attempt": event.attempt,
            "s3leader.leg": event.leg,
            "s3leader.repeat": event.repeat,
        }
        spans = self._own_spans()
        for address, term in tuple(spans):
            if address == event.address:  # the end of an earlier term was not reported
                self._end(address, term, error="its end was not reported")
        span = self._tracer.start_span("s3leader.term", attributes=_known(about))
        spans[event.address, event.term] = span

    def renewed(self, event: Renewed) -> None:
        """Count the renewal."""
        self._renewal(event, late=False)

    def renewed_late(self, event: Renewed) -> None:
        """Count the renewal as late."""
        self._renewal(event, late=True)

    def leadership_ended(self, event: LeadershipEnded) -> None:
        """Count the loss, and end the term's span as an error."""
        self._losses.add(1, {**_of(event), "s3leader.cause": event.cause})
        self._end(event.address, event.term, error=event.why)

    def resigned(self, event: Resigned) -> None:
        """Count the term by its outcome, and end its span unless it has ended already."""
        outcome = {"s3leader.outcome": event.outcome}
        self._terms.add(1, {**_of(event), **outcome})
        failed = event.outcome == "failed"
        error = (event.reason or event.outcome) if failed else None
        self._end(event.address, event.term, outcome, error=error)

    def swept(self, event: Swept) -> None:
        """Count the locks that were tagged."""
        self._swept.add(event.locks, _of(event))

    def store_answered(self, event: StoreAnswered) -> None:
        """Record how long a request took."""
        about = {"s3leader.request": event.request, "s3leader.answer": event.answer}
        self._requests.record(event.duration.total_seconds(), {**_of(event), **about})

    def _campaign(
        self,
        event: CampaignFailed | CampaignLost | Won,
        result: str,
        duration: timedelta,
        facts: Mapping[str, Any],
        error: str | None = None,
    ) -> None:
        about = {**_of(event), "s3leader.result": result}
        self._campaigns.add(1, about)
        now_ns = time.time_ns()
        span = self._tracer.start_span(
            "s3leader.campaign",
            attributes=_known({
                **about, **facts,
                "s3leader.tick": _text(event.tick),
                "s3leader.requests": event.requests,
            }),
            start_time=now_ns - duration // timedelta(microseconds=1) * 1000,
        )  # fmt: skip
        if error is not None:
            span.set_status(trace.Status(trace.StatusCode.ERROR, error))
        span.end(now_ns)

    def _own_spans(self) -> dict[tuple[str, int], trace.Span]:
        """Return the spans of this process: those of a fork's parent are not its own."""
        if os.getpid() != self._pid:
            self._pid, self._spans = os.getpid(), {}
        return self._spans

    def _end(
        self,
        address: str,
        term: int,
        facts: Mapping[str, str] | None = None,
        *,
        error: str | None,
    ) -> None:
        span = self._own_spans().pop((address, term), None)
        if span is None:
            return
        span.set_attributes(facts or {})
        if error is not None:
            span.set_status(trace.Status(trace.StatusCode.ERROR, error))
        span.end()

    def _renewal(self, event: Renewed, *, late: bool) -> None:
        self._renewals.add(1, {**_of(event), "s3leader.late": late})
        span = self._own_spans().get((event.address, event.term))
        if span is not None:
            left = {"s3leader.left": event.left.total_seconds()}
            span.add_event("renewed late" if late else "renewed", left)


class TermFilter(logging.Filter):
    """Gives log records the attributes `election`, `term` and `tick` of the current baggage.

    Add it to a logging handler, such as OpenTelemetry's `LoggingHandler`. Records that are made
    outside `OpenTelemetryObserver.current`, or in a thread that has not been given its context,
    have none of them. A record that has such an attribute keeps it.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the attributes, and let the record pass."""
        for name in _CARRIED:
            value = baggage.get_baggage(f"s3leader.{name}")
            if value is not None and not hasattr(record, name):
                setattr(record, name, value)
        return True


def _of(event: Event) -> dict[str, str]:
    return {"s3leader.election": event.election, "s3leader.address": event.address}


def _text(tick: datetime | None) -> str | None:
    return None if tick is None else format_time(tick)


def _known(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is None, which OpenTelemetry does not take."""
    return {name: value for name, value in attributes.items() if value is not None}
