"""Which functions may be decorated with `@singleton`, and what they may return."""

from __future__ import annotations

import asyncio
import functools
import inspect
import json
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any
from unittest.mock import MagicMock

import pytest
from aws_lambda_powertools.middleware_factory import lambda_handler_decorator

from s3leader import InvalidArgument, Term
from s3leader._io.memory_store import MemoryStore
from s3leader._lambda.handler_contract import is_singleton
from s3leader.aws_lambda import singleton
from tests.fast.s3leader._lambda.invocations import FIRST, TICK, Context, singleton_on


def plain(event: object, context: object, term: Term) -> str:
    return "worked"


async def coroutine(event: object, context: object, term: Term) -> str:
    await asyncio.sleep(0)
    return "worked"


def generator(event: object, context: object, term: Term) -> Iterator[str]:
    yield "worked"


async def async_generator(event: object, context: object, term: Term) -> AsyncIterator[str]:
    yield "worked"


class Job:
    """Handlers that are methods, and a callable object."""

    async def lazy(self, event: object, context: object, term: Term) -> str:
        return "worked"

    def eager(self, event: object, context: object, term: Term) -> str:
        return "worked"

    def __call__(self, event: object, context: object, term: Term) -> Iterator[str]:
        yield "worked"


class Eager:
    def __call__(self, event: object, context: object, term: Term) -> str:
        return "worked"


def passed_on(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Return a wrapper that calls the handler and returns its result."""

    @functools.wraps(handler)
    def wrapper(*arguments: object) -> Any:
        return handler(*arguments)

    return wrapper


def awaited(handler: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
    """Return a wrapper that waits for the coroutine function that it wraps."""

    @functools.wraps(handler)
    def wrapper(event: object, context: object, term: Term) -> Any:
        return asyncio.run(handler(event, context, term))

    return wrapper


def result_of(handler: Callable[..., Any]) -> object:
    return singleton_on(MemoryStore())(handler)({"tick": TICK}, Context())["result"]


@pytest.mark.parametrize(
    "handler",
    [
        coroutine,
        generator,
        async_generator,
        functools.partial(coroutine),
        Job(),
        Job().lazy,
        functools.partial(Job.lazy, Job()),
    ],
    ids=["async", "generator", "async generator", "partial", "object", "method", "partial method"],
)
def test_a_handler_that_returns_before_it_works_is_refused_when_it_is_decorated(
    handler: Callable[..., Any],
) -> None:
    with pytest.raises(InvalidArgument, match="Decorate a plain function that does the work"):
        singleton(handler)


@lambda_handler_decorator
def middleware(
    handler: Callable[..., Any], event: object, context: object, **options: object
) -> Any:
    return handler(event, context, **options)


def two_parameters(handler: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(handler)
    def wrapper(event: object, context: object) -> Any:
        return handler(event, context, None)

    return wrapper


def with_a_copied_signature(handler: Callable[..., Any]) -> Callable[..., Any]:
    wrapper: Any = two_parameters(handler)
    wrapper.__signature__ = inspect.signature(handler)
    return wrapper  # type: ignore[no-any-return]


class Middleware:
    """An object that wraps a handler and sets `__wrapped__`, as `functools.wraps` does."""

    def __init__(self, handler: Callable[..., Any]) -> None:
        functools.update_wrapper(self, handler)
        self.handler = handler

    def __call__(self, event: object, context: object) -> Any:
        return self.handler(event, context)


@pytest.mark.parametrize(
    ("handler", "remedy"),
    [
        (middleware(plain), "put @singleton below that decorator"),
        (two_parameters(plain), "put @singleton below that decorator"),
        (with_a_copied_signature(plain), "put @singleton below that decorator"),
        (functools.partial(two_parameters(plain)), ""),
        (Middleware(plain), "put @singleton below that decorator"),
        (singleton(plain), "It is a singleton already"),
        (lambda event, context: None, "Give the handler a third positional parameter"),
        (lambda event, context, *, term: None, "Give the handler a third positional parameter"),
    ],
    ids=[
        *("powertools", "wraps", "__signature__", "partial", "object", "decorated twice"),
        *("no term", "term by name"),
    ],
)
def test_a_function_that_takes_no_term_is_refused_when_it_is_decorated(
    handler: Callable[..., Any], remedy: str
) -> None:
    with pytest.raises(InvalidArgument, match="cannot be called with") as error:
        singleton(handler)
    assert remedy in str(error.value)


@pytest.mark.parametrize(
    "given", ["nightly", 5, classmethod(plain)], ids=["name", "number", "classmethod"]
)
def test_anything_but_a_callable_is_refused_with_its_value(given: Any) -> None:
    with pytest.raises(InvalidArgument, match=rf"was given {re.escape(repr(given))}, expected"):
        singleton(given)


@pytest.mark.parametrize(
    "handler",
    [
        plain,
        lambda event, context, term=None: "worked",
        lambda *arguments: "worked",
        functools.partial(lambda first, event, context, term: "worked", 1),
        Job().eager,
        Eager(),
        passed_on(plain),
        awaited(coroutine),
        functools.wraps(lambda event, context: None)(lambda *_: "worked"),
    ],
    ids=["plain", "default", "any", "partial", "method", "object", "wrapped", "awaited", "wraps 2"],
)
def test_a_handler_that_works_when_it_is_called_is_accepted(handler: Callable[..., Any]) -> None:
    assert result_of(handler) == "worked"


@pytest.mark.parametrize("given", [max, functools.cache(plain)], ids=["builtin", "cached"])
def test_a_callable_without_a_signature_is_accepted(given: Any) -> None:
    assert callable(singleton(given))


@contextmanager
def managed(event: object, context: object, term: Term) -> Iterator[None]:
    yield


class Awaitable:
    def __await__(self) -> Iterator[None]:
        yield


DEFERRED: dict[str, Callable[..., Any]] = {
    "a coroutine": passed_on(coroutine),
    "a generator": passed_on(generator),
    "an async iterator": passed_on(async_generator),
    "an awaitable": lambda *_: Awaitable(),
    "an iterator": lambda *_: map(print, [1]),
    "a future": lambda *_: Future(),
    "a context manager": managed,
    "a function that was not called": lambda *_: plain,
    "a coroutine (coroutine), expected": lambda *given: {"each": [coroutine(*given)]},
    "a generator (generator), expected": lambda *_: ({"rows": (row for row in "ab")},),
}


@pytest.mark.parametrize(("kind", "handler"), DEFERRED.items(), ids=DEFERRED)
def test_a_deferred_result_fails_the_invocation_and_does_not_complete_the_tick(
    kind: str, handler: Callable[..., Any]
) -> None:
    store = MemoryStore()
    with pytest.raises(InvalidArgument) as error:
        singleton_on(store)(handler)({"tick": TICK}, Context())
    assert f" returned {kind}" in str(error.value)
    body = json.loads(store.body(FIRST))
    assert (body["outcome"], body["done"]) == ("failed", None)
    assert body["reason"].startswith("InvalidArgument:")


@pytest.mark.parametrize("result", [None, 0, "text", [1, {"a": (2, 3)}], {"done": True}])
def test_a_finished_result_is_returned(result: object) -> None:
    assert result_of(lambda *_: result) == result


@pytest.mark.parametrize("given", [MagicMock(), MagicMock(plain)])
def test_an_object_with_every_attribute_is_not_a_singleton(given: object) -> None:
    assert not is_singleton(given)
