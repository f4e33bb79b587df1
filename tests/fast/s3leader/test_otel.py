"""The spans, metrics and baggage that OpenTelemetry's SDK gets."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from opentelemetry import baggage, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from s3leader import LeadershipLost, S3LeaderError, Term
from s3leader._core.requests import Create
from s3leader.aio import AsyncTerm
from s3leader.observer import LeadershipEnded
from s3leader.otel import OpenTelemetryObserver
from s3leader.testing import FakeClock, Fault, MemoryStore, async_election, election
from tests.fast.s3leader.forks import FORKS, in_child

TICK = "2025-11-23T06:00:00Z"
LEASE = timedelta(seconds=30)


class Scene:
    """An election whose events go to an SDK that keeps everything in memory."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = MemoryStore(clock_ms=self.clock.read_ms)
        self._exporter, self._reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.tracers, self.meters = TracerProvider(), MeterProvider([self._reader])
        self.tracers.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.observer = OpenTelemetryObserver(
            tracer_provider=self.tracers, meter_provider=self.meters
        )
        self.election = election(
            "e", store=self.store, clock=self.clock, observer=self.observer, lease=LEASE
        )

    def rival(self) -> Any:
        return election("e", store=self.store, clock=self.clock, lease=LEASE)

    def won(self, **how: Any) -> Term:
        term = self.election.campaign(**how)
        assert isinstance(term, Term)
        return term

    @property
    def here(self) -> dict[str, str]:
        return {"s3leader.election": "e", "s3leader.address": self.election.address}

    def spans(self, name: str) -> list[ReadableSpan]:
        return [span for span in self._exporter.get_finished_spans() if span.name == name]

    def span(self, name: str) -> ReadableSpan:
        [span] = self.spans(name)
        return span

    def points(self, name: str) -> list[tuple[dict[str, Any], Any]]:
        """The attributes and values of a metric."""
        data = self._reader.get_metrics_data()
        assert data is not None
        found = [
            metric
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
        ]
        return [
            (dict(point.attributes or {}), getattr(point, "value", getattr(point, "count", None)))
            for metric in found
            for point in metric.data.data_points
        ]


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene()
    yield made
    made.tracers.shutdown()
    made.meters.shutdown()


def test_a_term_is_a_span_from_win_to_resignation(scene: Scene) -> None:
    term = scene.won(tick=TICK)
    term.renew()
    term.resign()
    span = scene.span("s3leader.term")
    assert span.attributes == {
        **scene.here,
        "s3leader.term": 1,
        "s3leader.holder": term.lock.holder,
        "s3leader.tick": TICK,
        "s3leader.attempt": 1,
        "s3leader.leg": 1,
        "s3leader.repeat": False,
        "s3leader.outcome": "completed",
    }
    assert [event.name for event in span.events] == ["renewed"]
    assert span.status.status_code is trace.StatusCode.UNSET


def test_a_campaign_is_a_span_as_long_as_it_took(scene: Scene) -> None:
    scene.rival().campaign()
    scene.election.campaign(wait=timedelta(seconds=4))
    span = scene.span("s3leader.campaign")
    assert span.attributes is not None
    assert (span.attributes["s3leader.result"], span.attributes["s3leader.term"]) == ("held", 1)
    assert span.start_time is not None
    assert span.end_time is not None
    assert span.end_time - span.start_time == 4_000_000_000


def test_a_failed_term_is_an_error_with_its_reason(scene: Scene) -> None:
    scene.won().resign("failed", "a full disk")
    status = scene.span("s3leader.term").status
    assert (status.status_code, status.description) == (trace.StatusCode.ERROR, "a full disk")


def test_a_lost_term_ends_its_span_once_and_as_an_error(scene: Scene) -> None:
    term = scene.won()
    scene.clock.advance(LEASE)
    with pytest.raises(LeadershipLost):
        term.ensure_held()
    term.resign()
    span = scene.span("s3leader.term")
    assert span.status.description == "its lease has run out"
    assert "s3leader.outcome" not in (span.attributes or {})


def test_work_within_the_term_is_its_child_and_carries_it_as_baggage(scene: Scene) -> None:
    tracer = scene.tracers.get_tracer("job")
    term = scene.won(tick=TICK)
    with term, scene.observer.current(term), tracer.start_as_current_span("work"):
        carried = baggage.get_all()
    assert carried == {"s3leader.election": "e", "s3leader.term": "1", "s3leader.tick": TICK}
    parent = scene.span("work").parent
    assert parent is not None
    assert parent.span_id == scene.span("s3leader.term").context.span_id
    assert baggage.get_all() == {}


def test_work_of_an_asyncio_term_is_its_child_too(scene: Scene) -> None:
    made = async_election("e", store=scene.store, clock=scene.clock, observer=scene.observer)
    tracer = scene.tracers.get_tracer("job")

    async def main() -> None:
        if term := await made.campaign(TICK):
            async with term:
                with scene.observer.current(term), tracer.start_as_current_span("work"):
                    await term.renew()

    asyncio.run(main())
    parent = scene.span("work").parent
    assert parent is not None
    assert parent.span_id == scene.span("s3leader.term").context.span_id


def test_metrics_count_campaigns_terms_and_renewals(scene: Scene) -> None:
    scene.won(tick=TICK).resign()
    scene.election.campaign(tick=TICK)
    term = scene.won()
    term.renew()
    term.resign("failed")
    of = scene.here
    assert scene.points("s3leader.campaigns") == [
        ({**of, "s3leader.result": "won"}, 2),
        ({**of, "s3leader.result": "done"}, 1),
    ]
    assert scene.points("s3leader.terms") == [
        ({**of, "s3leader.outcome": "completed"}, 1),
        ({**of, "s3leader.outcome": "failed"}, 1),
    ]
    assert scene.points("s3leader.renewals") == [({**of, "s3leader.late": False}, 1)]
    assert scene.points("s3leader.swept") == [(of, 1)]


def test_takeovers_are_counted(scene: Scene) -> None:
    scene.rival().campaign()
    scene.clock.advance(2 * LEASE)
    scene.won()
    assert scene.points("s3leader.takeovers") == [(scene.here, 1)]


def test_every_request_is_measured(scene: Scene) -> None:
    scene.won()
    counted = sum(count for _, count in scene.points("s3leader.request.duration"))
    assert counted == len(scene.store.requests)


def ended(scene: Scene) -> list[tuple[Any, str, list[str]]]:
    """Of each term that has ended: where, how, and what happened meanwhile."""
    return [
        (span.attributes["s3leader.address"], str(span.attributes["s3leader.outcome"]), names)
        for span in scene.spans("s3leader.term")
        if span.attributes is not None
        for names in [[event.name for event in span.events]]
    ]


def test_elections_of_one_name_in_two_stores_have_spans_of_their_own(scene: Scene) -> None:
    other = election("e", clock=scene.clock, observer=scene.observer, lease=LEASE)
    term, second = scene.won(), other.campaign()
    assert isinstance(second, Term)
    tracer = scene.tracers.get_tracer("job")
    with scene.observer.current(term), tracer.start_as_current_span("work"):
        term.renew()
    term.resign()
    second.resign("failed")
    assert ended(scene) == [
        (scene.election.address, "completed", ["renewed"]),
        (other.address, "failed", []),
    ]
    parent = scene.span("work").parent
    assert parent is not None
    assert parent.span_id == scene.spans("s3leader.term")[0].context.span_id
    assert scene.points("s3leader.takeovers") == []
    assert len(scene.points("s3leader.terms")) == 2


def test_asyncio_elections_of_one_name_in_two_stores_have_spans_of_their_own(scene: Scene) -> None:
    made = [async_election("e", clock=scene.clock, observer=scene.observer) for _ in range(2)]

    async def main() -> None:
        terms = [await each.campaign() for each in made]
        for term in terms:
            assert isinstance(term, AsyncTerm)
            await term.resign()

    asyncio.run(main())
    assert ended(scene) == [(each.address, "completed", []) for each in made]


def test_elections_of_one_name_under_two_prefixes_have_spans_of_their_own(scene: Scene) -> None:
    other = election(
        "e", store=scene.store, clock=scene.clock, observer=scene.observer, prefix="other/"
    )
    scene.won()
    term = other.campaign()
    assert isinstance(term, Term)
    term.resign()
    assert ended(scene) == [(other.address, "completed", [])]


def test_a_campaign_that_raises_is_a_span_with_its_error(scene: Scene) -> None:
    scene.store.script(Fault.REFUSED, on=Create)
    with pytest.raises(S3LeaderError):
        scene.won()
    span = scene.span("s3leader.campaign")
    assert span.attributes is not None
    assert span.status.status_code is trace.StatusCode.ERROR
    assert span.attributes["error.type"] == "BucketUnusable"
    assert scene.points("s3leader.campaigns") == [({**scene.here, "s3leader.result": "failed"}, 1)]


def test_a_term_that_is_left_to_its_lease_ends_its_span_at_the_next_win(scene: Scene) -> None:
    scene.won()
    scene.clock.advance(2 * LEASE)
    scene.won()
    assert scene.span("s3leader.term").status.description == "its end was not reported"


def test_a_loss_of_leadership_is_counted_by_its_cause(scene: Scene) -> None:
    term = scene.won()
    scene.clock.advance(LEASE)
    assert not term.held
    with pytest.raises(LeadershipLost):
        term.renew()
    counted = ({**scene.here, "s3leader.cause": "ran_out"}, 1)
    assert scene.points("s3leader.leadership.losses") == [counted]


@FORKS
def test_a_fork_neither_ends_its_parents_span_nor_continues_it(scene: Scene) -> None:
    term = scene.won()

    def child() -> bool:
        with scene.observer.current(term) as parents:
            scene.observer.leadership_ended(lost)
        return not parents.is_recording() and scene.spans("s3leader.term") == []

    lost = LeadershipEnded(
        election="e", address=term.address, term=term.number, cause="ran_out", why="time is over"
    )
    assert in_child(child) == "True"
    term.resign()
    assert ended(scene) == [(scene.election.address, "completed", [])]
