"""`s3leader.testing`: decorated handlers and elections, tested without environment and AWS."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.middleware_factory import lambda_handler_decorator

from s3leader import InvalidArgument, Term
from s3leader._core.requests import List
from s3leader._lambda.continuation import LambdaContext
from s3leader.aws_lambda import singleton
from s3leader.testing import MemoryStore, election, invoke

TICK = "2025-11-23T06:00:00Z"


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BUCKET", "ELECTION", "PREFIX", "REGION"):
        monkeypatch.delenv(f"S3LEADER_{name}", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)


@singleton
def handler(event: dict[str, Any], context: LambdaContext, term: Term) -> object:
    return event.get("result", f"worked in term {term.number}")


@lambda_handler_decorator
def middleware(inner: Callable[..., Any], event: object, context: object) -> Any:
    return inner(event, context)


def test_a_decorated_handler_runs_without_environment() -> None:
    answer = invoke(handler, tick=TICK)
    assert (answer["result"], answer["tick"], answer["outcome"]) == (
        *("worked in term 1", TICK),
        "completed",
    )


def test_invocations_that_share_a_store_share_the_election() -> None:
    store = MemoryStore()
    answers = [invoke(handler, tick=TICK, store=store) for _ in range(2)]
    assert [answer.get("reason") for answer in answers] == [None, "done"]


def test_nothing_is_remembered_from_one_store_to_the_next() -> None:
    for store in (MemoryStore(), MemoryStore()):
        assert invoke(handler, tick=TICK, store=store)["term"] == 1
        assert isinstance(store.requests[0], List)


def test_the_handler_gets_the_event_and_the_remaining_time() -> None:
    @singleton
    def asking(event: dict[str, Any], context: LambdaContext, term: Term) -> list[object]:
        return [event["colour"], event["tick"], context.get_remaining_time_in_millis()]

    answer = invoke(asking, tick=TICK, event={"colour": "red"}, remaining=timedelta(seconds=9))
    assert answer["result"] == ["red", TICK, 9_000]


@pytest.mark.parametrize(
    "wrapped",
    [middleware(handler), Logger(service="billing").inject_lambda_context(handler)],
    ids=["middleware", "middleware that reads the context"],
)
def test_middleware_around_the_handler_is_called_too(wrapped: Callable[..., Any]) -> None:
    assert invoke(wrapped, tick=TICK)["elected"]


def test_the_arguments_of_the_decorator_take_effect() -> None:
    @singleton(election="nightly", prefix="jobs/")
    def placed(event: object, context: object, term: Term) -> None: ...

    store = MemoryStore()
    invoke(placed, tick=TICK, store=store)
    assert store.keys() == ("jobs/nightly/lock_0000000001.json",)


def test_the_undecorated_function_can_be_called() -> None:
    @singleton
    def adding(event: dict[str, int], context: object, term: Term) -> int:
        return event["a"] + event["b"]

    assert adding.__wrapped__({"a": 2, "b": 3}, None, cast("Term", None)) == 5


def test_a_handler_that_is_not_decorated_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="is not decorated with @singleton"):
        invoke(lambda event, context: None)


def test_a_class_in_the_place_of_a_store_is_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"pass an instance, MemoryStore\(\)"):
        invoke(handler, store=cast("Any", MemoryStore))


def test_an_election_refuses_a_class_in_the_place_of_a_store() -> None:
    with pytest.raises(InvalidArgument, match=r"pass an instance, MemoryStore\(\)"):
        election(store=cast("Any", MemoryStore))


@pytest.mark.parametrize(("result", "converted"), [(Decimal(3), 3), ((3,), [3])])
def test_the_result_is_converted_as_lambda_does(result: object, converted: object) -> None:
    assert invoke(handler, event={"result": result})["result"] == converted


@pytest.mark.parametrize("result", [{3}, b"3", {(1, 2): 3}], ids=repr)
def test_a_result_that_json_cannot_represent_is_an_error(result: object) -> None:
    with pytest.raises(InvalidArgument, match=r"cannot be written as JSON .*MarshalError"):
        invoke(handler, event={"result": result})
