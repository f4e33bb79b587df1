"""The recipes for logs: each line of a job carries its election, its term and its tick."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider

from s3leader.otel import OpenTelemetryObserver
from s3leader.testing import MemoryStore, election, invoke
from tests.examples.test_services import module

TICK = "2025-11-23T06:00:00Z"
NEXT = "2025-11-23T07:00:00Z"


def test_powertools_logger_has_the_term_of_each_invocation() -> None:
    recipe, store, output = module("lambda_logs"), MemoryStore(), io.StringIO()
    recipe.logger.registered_handler.setStream(output)
    for tick in (TICK, NEXT):
        assert invoke(recipe.handler, tick=tick, store=store)["result"] == "sent"
    lines = [json.loads(line) for line in output.getvalue().splitlines()]
    assert [(line["election"], line["term"], line["tick"]) for line in lines] == [
        ("local", 1, TICK),
        ("local", 2, NEXT),
    ]


@pytest.fixture
def exported() -> Iterator[InMemoryLogRecordExporter]:
    """What OpenTelemetry's handler exports of the program's log."""
    exporter, provider, root = InMemoryLogRecordExporter(), LoggerProvider(), logging.getLogger()  # type: ignore[no-untyped-call]
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    handler = LoggingHandler(logger_provider=provider)
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield exporter
    root.removeHandler(handler)
    root.setLevel(level)
    provider.shutdown()


# The handler has moved to opentelemetry-instrumentation-logging, which is no dependency.
@pytest.mark.filterwarnings("ignore:.*LoggingHandler.*:DeprecationWarning")
def test_opentelemetrys_log_records_have_the_term_and_the_trace(
    exported: InMemoryLogRecordExporter,
) -> None:
    recipe, tracers = module("traced_service"), TracerProvider()
    observer = OpenTelemetryObserver(tracer_provider=tracers)
    recipe.log_terms()
    recipe.poll(election("poller", observer=observer), observer, TICK)
    recipe.log.info("idle")
    records = [each.log_record for each in exported.get_finished_logs()]
    [polling] = [one for one in records if one.body == "polling"]
    [idle] = [one for one in records if one.body == "idle"]
    carried = {
        name: dict(polling.attributes or {}).get(name) for name in ("election", "term", "tick")
    }
    assert carried == {"election": "poller", "term": "1", "tick": TICK}
    assert polling.trace_id != 0
    assert "term" not in (idle.attributes or {})
    tracers.shutdown()
