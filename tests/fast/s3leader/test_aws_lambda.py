"""The decorator, with a fake Lambda context over the memory store."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from s3leader import InvalidArgument, Term
from s3leader._core.lock import decode_lock
from s3leader._core.requests import Create, Replace, Tag
from s3leader._io.memory_store import MemoryStore
from s3leader._lambda.event import contender_of, tick_of
from s3leader.aws_lambda import LambdaHandler
from tests.fast.s3leader._lambda.invocations import FIRST, LATER, TICK, Context, singleton_on


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BUCKET", "PREFIX", "LEASE_SECONDS"):
        monkeypatch.delenv(f"S3LEADER_{name}", raising=False)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def job(store: MemoryStore) -> LambdaHandler:
    return singleton_on(store)(lambda event, context, term: f"worked in term {term.number}")


def test_leader_returns_the_result_of_the_handler(store: MemoryStore) -> None:
    answer = job(store)({"tick": TICK}, Context())
    assert answer.pop("holder").startswith("nightly-function/request-1/")
    assert answer == {
        "elected": True,
        "term": 1,
        "tick": TICK,
        "contender": None,
        "request_id": "request-1",
        "attempt": 1,
        "leg": 1,
        "outcome": "completed",
        "result": "worked in term 1",
    }


def test_follower_does_not_call_the_handler(store: MemoryStore) -> None:
    answers: list[dict[str, Any]] = []

    @singleton_on(store)
    def outer(event: object, context: object, term: Term) -> None:
        answers.append(job(store)({"tick": TICK}, Context(aws_request_id="request-2")))

    outer({"tick": TICK}, Context())
    assert answers[0].pop("holder").startswith("nightly-function/request-1/")
    assert answers == [
        {
            "elected": False,
            "reason": "held",
            "term": 1,
            "term_tick": TICK,
            "tick": TICK,
            "contender": None,
            "request_id": "request-2",
        }
    ]


def test_follower_returns_and_logs_its_own_facts_and_those_of_the_leader(
    store: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    job(store)({"tick": LATER, "contender": 1}, Context())
    answer = job(store)({"tick": TICK, "contender": 2}, Context(aws_request_id="request-2"))
    line = vars(next(each for each in caplog.records if each.message == "not elected"))
    for facts in (answer, line):
        own = [facts[name] for name in ("tick", "contender", "request_id")]
        leaders = (facts["term"], facts["term_tick"], facts["holder"].rpartition("/")[0])
        assert own == [TICK, 2, "request-2"]
        assert leaders == (1, LATER, "nightly-function/request-1")


def test_repeated_delivery_of_a_completed_tick_costs_no_request(store: MemoryStore) -> None:
    handler = job(store)
    handler({"tick": TICK}, Context())
    store.requests.clear()
    answer = handler({"tick": TICK}, Context())
    assert (answer["elected"], answer["reason"], store.requests) == (False, "done", [])


def test_warm_win_takes_one_request_before_and_two_after(store: MemoryStore) -> None:
    handler = job(store)
    handler({"tick": TICK}, Context())
    store.requests.clear()
    handler({"tick": LATER}, Context())
    assert [type(request) for request in store.requests] == [Create, Tag, Replace]


def test_identity_is_not_reused_by_a_retry_with_the_same_request_id(store: MemoryStore) -> None:
    handler = job(store)
    first = handler({"tick": TICK}, Context())["holder"]
    assert handler({"tick": LATER}, Context())["holder"] != first


def test_an_exception_of_the_handler_is_raised_and_the_term_sealed_as_failed(
    store: MemoryStore,
) -> None:
    @singleton_on(store)
    def handler(event: object, context: object, term: Term) -> None:
        raise ZeroDivisionError("by nought")

    with pytest.raises(ZeroDivisionError, match="by nought"):
        handler({"tick": TICK}, Context())
    lock = decode_lock(store.body(FIRST), key=FIRST, term=1)
    assert (lock.outcome, lock.reason) == ("failed", "ZeroDivisionError: by nought")


@pytest.mark.parametrize(("remaining_ms", "lease_ms"), [(900_000, 902_000), (0, 2_000)])
def test_lease_is_the_remaining_time_and_two_seconds(
    store: MemoryStore, remaining_ms: int, lease_ms: int
) -> None:
    job(store)({"tick": TICK}, Context(remaining_ms=remaining_ms))
    assert json.loads(store.body(FIRST))["lease_ms"] == lease_ms


@pytest.mark.parametrize(
    ("lease", "during"),
    [("1", ["s3leader-renew"]), ("3600", [])],
    ids=["shorter than the invocation", "beyond the invocation"],
)
def test_lease_is_renewed_only_while_the_handler_runs_and_if_it_is_short(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch, lease: str, during: list[str]
) -> None:
    def renewers() -> list[str]:
        return [thread.name for thread in threading.enumerate() if "renew" in thread.name]

    monkeypatch.setenv("S3LEADER_LEASE_SECONDS", lease)
    handler = singleton_on(store)(lambda event, context, term: renewers())
    assert (handler({"tick": TICK}, Context())["result"], renewers()) == (during, [])


@pytest.mark.parametrize(
    ("event", "tick"),
    [
        ({"tick": TICK, "contender": 2}, TICK),
        ({"detail-type": "Scheduled Event", "source": "aws.events", "time": TICK}, TICK),
        ({"detail-type": "Object Created", "source": "aws.s3", "time": TICK}, None),
        ({"time": TICK}, None),
        ({}, None),
        (None, None),
        ([1], None),
    ],
)
def test_tick_comes_from_the_schedule(event: object, tick: str | None) -> None:
    assert tick_of(event) == tick


@pytest.mark.parametrize(
    ("event", "contender"),
    [
        *(({"contender": number}, number) for number in (0, 1, 99)),
        *(({"contender": bad}, None) for bad in (-1, 100, 10**30, True, 1.0, "1", None, [1])),
        *((event, None) for event in ({"tick": TICK}, None, [1], "contender")),
    ],
    ids=repr,
)
def test_contender_is_a_small_number_in_the_event(event: object, contender: int | None) -> None:
    assert contender_of(event) == contender


@pytest.mark.parametrize("tick", [17, "<aws.scheduler.scheduled-time>", "2026-11-23T06:00:00"])
def test_invalid_tick_is_named(store: MemoryStore, tick: object) -> None:
    with pytest.raises(InvalidArgument) as error:
        job(store)({"tick": tick}, Context())
    assert (str(tick) in str(error.value), store.requests) == (True, [])


def test_undecorated_function_is_called_without_an_election(store: MemoryStore) -> None:
    @singleton_on(store)
    def handler(event: dict[str, int], context: object, term: Term | None) -> int:
        return event["x"]

    assert (handler.undecorated({"x": 1}, None, None), store.requests) == (1, [])  # type: ignore[arg-type]


@pytest.mark.parametrize("context", [None, {}], ids=repr)
def test_what_is_no_context_of_lambda_is_refused(store: MemoryStore, context: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"expected Lambda's context, got .*testing\.invoke"):
        job(store)({"tick": TICK}, context)
    assert store.keys() == ()
