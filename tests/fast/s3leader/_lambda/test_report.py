"""The metrics and log lines that an invocation writes."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

import pytest

from s3leader import LeadershipLost, Term
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

ELECTION = {"bucket": "locks", "election": "nightly"}
WAYS = [way.__name__ for way in METRICS]


def metrics(way: Callable[[World], None], contender: int | None = None) -> dict[str, float]:
    """Return the values of the metrics of the election, of which there is one set."""
    world = World(contender=contender)
    way(world)
    (only,) = (each for each in world.blobs() if "contender" not in each.dimensions)
    return {name: value for name, value in only.values.items() if name != "Duration"}


@pytest.mark.parametrize("contender", [None, 7])
@pytest.mark.parametrize(("way", "expected"), METRICS.items(), ids=WAYS)
def test_each_result_has_its_metrics_with_or_without_a_contender(
    way: Callable[[World], None], expected: Mapping[str, float], contender: int | None
) -> None:
    assert metrics(way, contender) == expected


@pytest.mark.parametrize("way", [completed, held, corrupt_lock])
def test_metrics_have_the_dimensions_bucket_and_election(
    way: Callable[[World], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "something-else")
    world = World()
    way(world)
    assert [each.dimensions for each in world.blobs()] == [ELECTION]


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


@pytest.mark.parametrize(
    ("way", "counted"),
    [(completed, ["Won"]), (held, ["Lost"]), (corrupt_lock, []), (refused, [])],
)
def test_only_wins_and_losses_are_counted_by_contender_too(
    way: Callable[[World], None], counted: list[str]
) -> None:
    world = World(contender=7)
    way(world)
    assert [each for each in world.blobs() if "contender" in each.dimensions] == [
        Blob({**ELECTION, "contender": "7"}, {name: 1}, {name: "Count"}) for name in counted
    ]


def an_hour_later(
    world: World, work: Callable[[Term], object] = lambda _: None, tick: str | None = LATER
) -> None:
    """Complete one tick, and run `work` for the next."""
    completed(world)
    world.blobs()
    world.invoke(world.job(work), tick)


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
    def work(_: Term) -> None:
        world.output = io.StringIO()
        world.invoke(world.job(), LATER)
        found.extend(world.blobs())

    found: list[Blob] = []
    world = World()
    an_hour_later(world, work)
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
    assert "Behind" not in metrics(lambda world: an_hour_later(world, tick=None))


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
def test_every_log_line_names_its_invocation(
    way: Callable[[World], None],
    messages: list[str],
    contender: int | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    way(World(contender=contender))
    lines = [vars(record) for record in caplog.records if record.name == "nightly"]
    assert [
        [line[name] for name in ("message", "contender", "tick", "request_id")] for line in lines
    ] == [[message, contender, TICK, "request-1"] for message in messages]
