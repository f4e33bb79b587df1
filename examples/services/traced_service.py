"""A service whose spans and log records carry election, term and tick, with OpenTelemetry."""

import logging
from datetime import timedelta

from opentelemetry import trace

from s3leader import Election
from s3leader.otel import OpenTelemetryObserver, TermFilter

log = logging.getLogger("poller")


def log_terms() -> None:
    """Let each log record have the term of its context. Call it once, when logging is set up."""
    for handler in logging.getLogger().handlers:
        handler.addFilter(TermFilter())


def poll(election: Election, observer: OpenTelemetryObserver, tick: str) -> None:
    """Lead one tick; `observer` is that of the election."""
    if term := election.campaign(tick, wait=timedelta(seconds=30)):
        span = trace.get_tracer("poller").start_as_current_span("poll")
        with term, term.keep_renewing(), observer.current(term), span:
            log.info("polling")
