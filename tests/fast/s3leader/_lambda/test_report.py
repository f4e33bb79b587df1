"""What invocations tell CloudWatch."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any, Literal

import pytest

from s3leader import LeadershipLost, Term
from s3leader._core.requests import Create
from s3leader._io.memory_store import Fault
from tests.fast.s3leader._lambda.invocations import (
    LATER,
    METRICS,
    TICK,
    Blob,
    World,
    completed,
    corrupt_lock,
    failed,
    held,
    leadership_lost,
    refused,
)

ELECTION = ("bucket", "election")


def metrics(way: Callable[[World], None], **world: Any) -> dict[str, float]:
    """Return the values of the one set of metrics that is written without a contender."""
    at = World(**world)
    way(at)
    (only,) = at.blobs()
    return {name: value for name, value in only.values.items() if name != "Duration"}


# ----------------------------------------------------------------------------------- metrics


@pytest.mark.parametrize(
    ("way", "expected"), METRICS.items(), ids=[way.__name__ for way in METRICS]
)
def test_each_result_has_its_metrics(
    way: Callable[[World], None], expected: Mapping[str, float]
) -> None:
    assert metrics(way) == expected


@pytest.mark.parametrize("way", [completed, held, corrupt_lock])
def test_metrics_have_the_dimensions_bucket_and_election(
    way: Callable[[World], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "something-else")
    world = World()
    way(world)
    assert [each.dimensions for each in world.blobs()] == [
        {"bucket": "locks", "election": "nightly"}
    ]


def test_duration_is_in_milliseconds_and_behind_in_seconds() -> None:
    world = World()
    completed(world)
    (only,) = world.blobs()
    assert only.units == {
        "Won": "Count",
        "Completed": "Count",
        "Requests": "Count",
        "Duration": "Milliseconds",
        "Behind": "Seconds",
    }


@pytest.mark.parametrize(("outcome", "metric"), [("failed", "Failed"), ("resigned", "Resigned")])
def test_a_term_that_the_handler_resigned_is_counted_by_its_outcome(
    outcome: Literal["failed", "resigned"], metric: str
) -> None:
    found = metrics(lambda world: world.invoke(world.job(lambda term: term.resign(outcome))))
    assert found == {"Won": 1, metric: 1, "Requests": 5}


def test_error_that_cannot_be_printed_is_counted_and_goes_on() -> None:
    class UnprintableError(ZeroDivisionError):
        def __str__(self) -> str:
            raise ValueError

        __repr__ = __str__

    def work(_: Term) -> None:
        raise UnprintableError

    assert metrics(lambda world: world.invoke(world.job(work)))["Failed"] == 1


def test_unanswered_win_is_reported_with_its_requests() -> None:
    world = World()
    world.store.script(Fault.ANSWER_LOST, on=Create)
    completed(world)
    (only,) = world.blobs()
    assert only.values["Requests"] == len(world.store.requests)


# -------------------------------------------------------------------------------- contenders


@pytest.mark.parametrize(("way", "counted"), [(completed, "Won"), (held, "Lost")])
def test_win_and_loss_are_counted_by_contender_too(
    way: Callable[[World], None], counted: str
) -> None:
    world = World(contender=7)
    way(world)
    assert [each for each in world.blobs() if "contender" in each.dimensions] == [
        Blob(
            {"bucket": "locks", "election": "nightly", "contender": "7"},
            {counted: 1},
            {counted: "Count"},
        )
    ]


@pytest.mark.parametrize("way", METRICS, ids=[way.__name__ for way in METRICS])
def test_contender_changes_nothing_in_the_metrics_of_the_election(
    way: Callable[[World], None],
) -> None:
    world = World(contender=7)
    way(world)
    (whole,) = (each for each in world.blobs() if "contender" not in each.dimensions)
    assert {name: value for name, value in whole.values.items() if name != "Duration"} == METRICS[
        way
    ]


@pytest.mark.parametrize("contender", [None, True, -1, 10**30, "1"])
def test_event_without_a_valid_contender_has_no_metrics_by_contender(contender: object) -> None:
    world = World(contender=contender)
    completed(world)
    assert [tuple(each.dimensions) for each in world.blobs()] == [ELECTION]


@pytest.mark.parametrize("way", [corrupt_lock, refused])
def test_failed_campaign_has_no_metrics_by_contender(
    way: Callable[[World], None],
) -> None:
    world = World(contender=7)
    way(world)
    assert [tuple(each.dimensions) for each in world.blobs()] == [ELECTION]


# ------------------------------------------------------------------------------------ behind


def an_hour_later(world: World, work: Callable[[Term], object]) -> None:
    """Complete one tick, and run `work` for the next."""
    completed(world)
    world.blobs()
    world.invoke(world.job(work), LATER)


def fail(_: Term) -> None:
    raise ZeroDivisionError


def lose_leadership(_: Term) -> None:
    raise LeadershipLost(term=2, why="deposed")


@pytest.mark.parametrize(
    ("work", "behind"),
    [
        (lambda _: None, 0),
        (lambda term: term.resign("completed"), 0),
        (lambda term: term.resign("resigned"), 3600),
        (fail, 3600),
        (lose_leadership, 3600),
    ],
    ids=["completed", "completed early", "resigned", "failed", "lost"],
)
def test_a_term_is_behind_by_the_time_to_the_latest_completed_tick(
    work: Callable[[Term], object], behind: float
) -> None:
    assert metrics(lambda world: an_hour_later(world, work))["Behind"] == behind


def test_a_follower_is_behind_while_another_works_on_its_tick() -> None:
    def work(world: World) -> None:
        world.output = io.StringIO()
        world.invoke(world.job(), LATER)
        found.extend(world.blobs())

    found: list[Blob] = []
    world = World()
    an_hour_later(world, lambda _: work(world))
    assert [each.values["Behind"] for each in found] == [3600]


def test_a_follower_that_is_beaten_is_behind_by_what_it_knows() -> None:
    def beaten_later(world: World) -> None:
        completed(world)
        world.blobs()
        world.store.contended = True
        world.invoke(world.job(), LATER)

    assert metrics(beaten_later)["Behind"] == 3600


def test_an_old_tick_is_not_behind() -> None:
    def late(world: World) -> None:
        world.invoke(world.job(), LATER)
        world.blobs()
        world.invoke(world.job(), TICK)

    assert metrics(late)["Behind"] == 0


def test_without_a_tick_nothing_is_behind() -> None:
    def without(world: World) -> None:
        completed(world)
        world.blobs()
        world.invoke(world.job(lambda term: term.resign("resigned")), tick=None)

    assert "Behind" not in metrics(without)


# -------------------------------------------------------------------------------------- logs


@pytest.mark.parametrize(
    ("way", "messages"),
    [
        (completed, ["elected", "term over"]),
        (failed, ["elected", "term failed"]),
        (held, ["not elected"]),
        (leadership_lost, ["elected", "leadership lost"]),
        (corrupt_lock, ["corrupt lock"]),
        (refused, ["could not campaign"]),
    ],
)
@pytest.mark.parametrize("contender", [None, 7])
def test_every_log_line_names_the_contender(
    way: Callable[[World], None],
    messages: list[str],
    contender: int | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    way(World(contender=contender))
    lines = [record for record in caplog.records if record.name == "nightly"]
    assert [(line.message, vars(line)["contender"]) for line in lines] == [
        (message, contender) for message in messages
    ]
