"""The decorator, with a fake Lambda context over the memory store."""

from __future__ import annotations

import json
from typing import Any

import pytest

from s3leader import CorruptLock, InvalidArgument, Term
from s3leader._core.lock import decode_lock
from s3leader._core.requests import Create, Replace, Tag
from s3leader._io.memory_store import MemoryStore
from s3leader.aws_lambda import LambdaHandler, contender_of, singleton, tick_of
from tests.fast.s3leader._lambda.invocations import FIRST, LATER, TICK, Context, singleton_on


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BUCKET", "PREFIX", "LEASE_SECONDS"):
        monkeypatch.delenv(f"S3LEADER_{name}", raising=False)
    monkeypatch.setenv("S3LEADER_ELECTION", "nightly")


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def job(store: MemoryStore) -> LambdaHandler:
    @singleton_on(store)
    def handler(event: object, context: object, term: Term) -> str:
        return f"worked in term {term.number}"

    return handler


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


def lost_to_a_later_tick(store: MemoryStore) -> dict[str, Any]:
    """Return the result of contender 2 of a tick, after a later tick was led."""
    job(store)({"tick": LATER, "contender": 1}, Context())
    return job(store)({"tick": TICK, "contender": 2}, Context(aws_request_id="request-2"))


def test_follower_returns_the_facts_of_its_own_invocation(store: MemoryStore) -> None:
    answer = lost_to_a_later_tick(store)
    assert [answer[name] for name in ("tick", "contender", "request_id")] == [TICK, 2, "request-2"]


def test_follower_returns_the_term_that_kept_it_from_leading(store: MemoryStore) -> None:
    answer = lost_to_a_later_tick(store)
    holder = answer["holder"].rpartition("/")[0]
    assert (answer["term"], answer["term_tick"], holder) == (1, LATER, "nightly-function/request-1")


def test_follower_logs_its_own_facts_and_those_of_the_leader(
    store: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    lost_to_a_later_tick(store)
    line = vars(next(each for each in caplog.records if each.message == "not elected"))
    assert [line[name] for name in ("tick", "contender", "request_id", "term", "term_tick")] == [
        *(TICK, 2, "request-2"),
        *(1, LATER),
    ]


def test_a_failed_campaign_logs_its_invocation(
    store: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    store.perform(Create(FIRST, b"[]"))
    with pytest.raises(CorruptLock):
        job(store)({"tick": TICK, "contender": 2}, Context())
    line = vars(next(each for each in caplog.records if each.message == "corrupt lock"))
    assert [line[name] for name in ("tick", "contender", "request_id")] == [TICK, 2, "request-1"]


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


def test_retry_of_a_failed_tick_leads_again(store: MemoryStore) -> None:
    @singleton_on(store)
    def failing(event: object, context: object, term: Term) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing({"tick": TICK}, Context())
    answer = job(store)({"tick": TICK}, Context())
    assert (answer["term"], answer["attempt"], answer["outcome"]) == (2, 2, "completed")


def test_max_attempts_ends_the_retries_of_a_tick(store: MemoryStore) -> None:
    @singleton_on(store, max_attempts=1)
    def failing(event: object, context: object, term: Term) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing({"tick": TICK}, Context())
    assert failing({"tick": TICK}, Context())["reason"] == "exhausted"


def test_lease_is_the_remaining_time_and_two_seconds(store: MemoryStore) -> None:
    job(store)({"tick": TICK}, Context(remaining_ms=900_000))
    assert json.loads(store.body(FIRST))["lease_ms"] == 902_000


def test_remaining_time_of_zero_is_a_lease_of_two_seconds(store: MemoryStore) -> None:
    job(store)({"tick": TICK}, Context(remaining_ms=0))
    assert json.loads(store.body(FIRST))["lease_ms"] == 2_000


def test_shorter_lease_is_renewed_only_while_the_handler_runs(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S3LEADER_LEASE_SECONDS", "1")
    names: list[list[str]] = []

    @singleton_on(store)
    def handler(event: object, context: object, term: Term) -> None:
        names.append(_renewers())

    handler({"tick": TICK}, Context())
    assert (names, _renewers()) == ([["s3leader-renew"]], [])


def test_lease_beyond_the_invocation_is_not_renewed(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S3LEADER_LEASE_SECONDS", "3600")
    names: list[list[str]] = []

    @singleton_on(store)
    def handler(event: object, context: object, term: Term) -> None:
        names.append(_renewers())

    handler({"tick": TICK}, Context())
    assert names == [[]]


def test_handler_may_resign_by_itself(store: MemoryStore) -> None:
    @singleton_on(store)
    def handler(event: object, context: object, term: Term) -> None:
        term.resign("resigned", reason="not enough to do")

    assert handler({"tick": TICK}, Context())["outcome"] == "resigned"


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


@pytest.mark.parametrize("contender", [0, 1, 99])
def test_contender_is_the_number_in_the_event(contender: int) -> None:
    assert contender_of({"tick": TICK, "contender": contender}) == contender


@pytest.mark.parametrize(
    "event",
    [
        *({"contender": none} for none in (-1, 100, 10**30, True, False, 1.0, "1", None, [1])),
        {"tick": TICK},
        None,
        [1],
        "contender",
    ],
    ids=repr,
)
def test_invalid_contender_is_none(event: object) -> None:
    assert contender_of(event) is None


@pytest.mark.parametrize("tick", [17, "<aws.scheduler.scheduled-time>", "2026-11-23T06:00:00"])
def test_invalid_tick_is_named(store: MemoryStore, tick: object) -> None:
    with pytest.raises(InvalidArgument) as error:
        job(store)({"tick": tick}, Context())
    assert (str(tick) in str(error.value), store.requests) == (True, [])


@pytest.mark.parametrize("missing", ["S3LEADER_BUCKET", "S3LEADER_ELECTION"])
def test_missing_environment_is_named(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S3LEADER_BUCKET", "locks")
    monkeypatch.delenv(missing)

    @singleton
    def handler(event: object, context: object, term: Term) -> None:
        pytest.fail("nobody may lead")

    with pytest.raises(InvalidArgument, match=missing):
        handler({}, Context())


def test_prefix_comes_from_the_environment(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S3LEADER_PREFIX", "team/elections/")
    job(store)({"tick": TICK}, Context())
    assert store.keys() == ("team/elections/nightly/lock_0000000001.json",)


@pytest.mark.parametrize("text", ["soon", "0", "-3", "90000", "nan"])
def test_invalid_lease_is_named(
    text: str, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S3LEADER_LEASE_SECONDS", text)
    with pytest.raises(InvalidArgument, match=f"S3LEADER_LEASE_SECONDS to be .* got '{text}'"):
        job(store)({}, Context())


def _renewers() -> list[str]:
    import threading  # noqa: PLC0415

    return [thread.name for thread in threading.enumerate() if "renew" in thread.name]
