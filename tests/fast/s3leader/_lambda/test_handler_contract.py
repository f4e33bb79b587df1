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
from unittest.mock import MagicMock, Mock

import pytest
from aws_lambda_powertools.middleware_factory import lambda_handler_decorator

from s3leader import InvalidArgument, Term
from s3leader._core.times import parse_time, to_ms
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


def invoked(handler: Callable[..., Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the result of an invocation, and its lock."""
    store = MemoryStore(clock_ms=lambda: to_ms(parse_time(TICK)))
    answer = singleton_on(store)(handler)({"tick": TICK}, Context())
    return answer, json.loads(store.body(FIRST))


# ---------------------------------------------------------------------- refused when decorated


@pytest.mark.parametrize(
    "handler",
    [
        coroutine,
        generator,
        async_generator,
        functools.partial(coroutine),
        functools.partial(functools.partial(generator)),
        Job(),
        Job().lazy,
        functools.partial(Job().lazy),
        functools.partial(Job.lazy, Job()),
    ],
    ids=[
        *("async", "generator", "async generator", "partial", "partial twice"),
        *("object", "method", "partial of a method", "method by hand"),
    ],
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
    "handler",
    [
        middleware(plain),
        two_parameters(plain),
        with_a_copied_signature(plain),
        functools.partial(two_parameters(plain)),
        Middleware(plain),
    ],
    ids=["powertools", "wraps", "__signature__", "partial", "object"],
)
def test_middleware_that_passes_no_term_on_is_refused_when_it_is_decorated(
    handler: Callable[..., Any],
) -> None:
    with pytest.raises(InvalidArgument, match="cannot be called with"):
        singleton(handler)


def test_the_message_about_middleware_says_where_the_decorator_goes() -> None:
    with pytest.raises(InvalidArgument, match="put @singleton below that decorator"):
        singleton(middleware(plain))


def test_a_handler_that_is_decorated_twice_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="It is a singleton already"):
        singleton(singleton(plain))  # type: ignore[arg-type]


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
    assert invoked(handler)[0]["result"] == "worked"


def test_a_builtin_without_a_signature_is_accepted() -> None:
    assert callable(singleton(max))


# -------------------------------------------------------------------------- refused by value


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
def test_a_deferred_result_fails_the_invocation(kind: str, handler: Callable[..., Any]) -> None:
    with pytest.raises(InvalidArgument) as error:
        invoked(handler)
    assert f" returned {kind}" in str(error.value)


@pytest.mark.parametrize("handler", DEFERRED.values(), ids=DEFERRED)
def test_a_deferred_result_does_not_complete_the_tick(
    handler: Callable[..., Any],
) -> None:
    store = MemoryStore(clock_ms=lambda: to_ms(parse_time(TICK)))
    with pytest.raises(InvalidArgument):
        singleton_on(store)(handler)({"tick": TICK}, Context())
    body = json.loads(store.body(FIRST))
    assert (body["outcome"], body["done"], body["reason"][:16]) == (
        *("failed", None),
        "InvalidArgument:",
    )


def test_an_error_in_the_cleanup_of_a_generator_does_not_hide_the_error() -> None:
    def begun(*_: object) -> Iterator[int]:
        rows = stubborn()
        next(rows)
        return rows

    def stubborn() -> Iterator[int]:
        try:
            yield 1
        finally:
            raise OSError

    with pytest.raises(InvalidArgument, match="returned a generator"):
        invoked(begun)


def test_a_recursive_result_is_accepted() -> None:
    def handler(*_: object) -> list[object]:
        result: list[object] = []
        result.append(result)
        return result

    assert invoked(handler)[1]["outcome"] == "completed"


@pytest.mark.parametrize("result", [None, 0, "text", [1, {"a": (2, 3)}], {"done": True}])
def test_a_finished_result_is_returned(result: object) -> None:
    assert invoked(lambda *_: result)[0]["result"] == result


# -------------------------------------------------------------------------------- cached


def no_term(event: object, context: object) -> str:
    return "worked"


class Jobs:
    @functools.lru_cache(maxsize=8)  # noqa: B019 - which functions are accepted is all that counts
    def no_term(self, event: object, context: object) -> str:
        return "worked"

    @functools.cache  # noqa: B019
    def three_parameters(self, event: object, context: object, term: Term) -> str:
        return "worked"


@pytest.mark.parametrize(
    "cached",
    [
        functools.cache(no_term),
        functools.lru_cache(maxsize=1)(no_term),
        functools.partial(functools.cache(no_term)),
        Jobs().no_term,
        functools.cache(functools.wraps(plain)(lambda event, context: "worked")),
        functools.cache(coroutine),
        functools.cache(generator),
    ],
)
def test_a_cached_function_is_checked_as_the_function_that_it_calls(cached: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"cannot be called with|async function|`yield`"):
        singleton(cached)


@pytest.mark.parametrize("cached", [functools.cache(plain), Jobs().three_parameters])
def test_a_cached_function_that_takes_a_term_is_accepted(cached: Any) -> None:
    singleton(cached)


# ---------------------------------------------------------------------------------- the mark


class AnswersEveryName:
    """Like a mock or a proxy: it has every attribute, and each one is true."""

    def __getattr__(self, name: str) -> object:
        return object()

    def __call__(self, *given: object) -> None: ...


@pytest.mark.parametrize("given", [AnswersEveryName(), MagicMock(), Mock(), MagicMock(plain)])
def test_an_object_with_every_attribute_is_not_a_singleton(given: object) -> None:
    assert not is_singleton(given)
