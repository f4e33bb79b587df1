"""Which functions `@singleton` may decorate, and which results they may not return.

Checks inspect the code object of the function that will really be called. `__wrapped__` and
`__signature__` may describe a different function after `functools.wraps`, so `check_handler`
ignores both.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Generator,
    Iterator,
)
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from types import FunctionType, MethodType
from typing import Any

from s3leader.errors import InvalidArgument

MARK = "__s3leader_singleton__"  # an attribute, true of every function that @singleton returns
_MAX_WRAPPERS = 100  # a Mock, for one, returns a new `__wrapped__` forever

_DEFERRED_FUNCTIONS: tuple[tuple[Callable[[object], bool], str], ...] = (
    (inspect.iscoroutinefunction, "is an async function"),
    (inspect.isgeneratorfunction, "contains `yield`"),
    (inspect.isasyncgenfunction, "is an async generator function"),
)
# Types that stand for unfinished work, and their names in error messages.
_DEFERRED_RESULTS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (Coroutine, "a coroutine"),
    (Generator, "a generator"),
    (Awaitable, "an awaitable"),
    (AsyncIterator, "an async iterator"),
    (Iterator, "an iterator"),
    (Future, "a future"),
    ((AbstractContextManager, AbstractAsyncContextManager), "a context manager"),
    ((FunctionType, MethodType, functools.partial), "a function that was not called"),
)


def is_singleton(handler: object) -> bool:
    """Return whether `handler` was returned by `@singleton`, or is a wrapper around one that was.

    A wrapper is recognised by the mark, which `functools.wraps` copies, by `__wrapped__`, or as a
    `functools.partial`. This cannot detect a wrapper that never calls the function it wraps.
    """
    for _ in range(_MAX_WRAPPERS):
        if getattr(handler, MARK, False) is True:
            return True
        if isinstance(handler, functools.partial):
            handler = handler.func
        else:
            handler = getattr(handler, "__wrapped__", None)
    return False


def check_handler(handler: object) -> None:
    """Raise `InvalidArgument` unless `handler` takes a term, and finishes its work when called."""
    if not callable(handler):
        raise InvalidArgument(
            f"@singleton was given {handler!r}, expected a handler: options are passed by name, as"
            f" in @singleton(election='nightly')"
        )
    name = getattr(handler, "__name__", repr(handler))
    called = _without_metadata(handler)
    _refuse_deferred_function(name, called)
    try:
        inspect.signature(called, follow_wrapped=False).bind(None, None, None)
    except ValueError:  # a builtin that has no introspectable signature
        return
    except TypeError as error:
        raise InvalidArgument(
            f"{name} cannot be called with (event, context, term): {error}. {_remedy(handler)}"
        ) from None


def refuse_deferred_result(name: str, result: object) -> None:
    """Raise `InvalidArgument` if a handler returned deferred work, such as a coroutine.

    Coroutines and generators are closed, so that Python does not also emit "never awaited".
    """
    found = [(each, kind) for each in _leaves(result) if (kind := _deferred_kind(each)) is not None]
    for each, _ in found:
        if isinstance(each, Coroutine | Generator):
            each.close()
    if found:
        raise InvalidArgument(
            f"{name} returned {found[0][1]} ({type(found[0][0]).__name__}), expected a finished"
            f" result: the invocation would end before that work is done. Finish it in the handler,"
            f" with asyncio.run(…), list(…) or .result(), and return its result"
        )


def _refuse_deferred_function(name: str, handler: object) -> None:
    for is_kind, kind in _DEFERRED_FUNCTIONS:
        if is_kind(handler):
            raise InvalidArgument(
                f"{name} {kind}: a call would return at once, before any of its work is done, and"
                f" the tick would count as completed. Decorate a plain function that does the work"
                f" before it returns, such as one that calls asyncio.run(…)"
            )


def _without_metadata(handler: Any) -> Any:  # noqa: ANN401 - callables of any type
    """Return a copy with the same call signature but no copied attributes, for inspection only.

    `__wrapped__` and `__signature__` are gone. Never call it: its globals are gone, too.
    """
    if isinstance(handler, functools.partial):
        return functools.partial(_without_metadata(handler.func), *handler.args, **handler.keywords)
    if isinstance(handler, MethodType):
        return MethodType(_without_metadata(handler.__func__), handler.__self__)
    if type(handler) is FunctionType:
        code, cells = handler.__code__, handler.__closure__
        copy = FunctionType(code, {}, handler.__name__, handler.__defaults__, cells)
        copy.__kwdefaults__ = handler.__kwdefaults__
        return copy
    method = type(handler).__call__ if callable(handler) else None
    return (
        MethodType(_without_metadata(method), handler) if type(method) is FunctionType else handler
    )


def _remedy(handler: object) -> str:
    if is_singleton(handler):
        return "It is a singleton already: decorate it once, and put middleware above @singleton"
    if hasattr(handler, "__wrapped__"):
        return (
            "It is a decorator's wrapper, which does not pass the third argument, `term`, through:"
            " put @singleton below that decorator, directly above the handler"
        )
    return "Give the handler a third positional parameter, `term`"


def _deferred_kind(value: object) -> str | None:
    return next((kind for types, kind in _DEFERRED_RESULTS if isinstance(value, types)), None)


def _leaves(result: object) -> Iterator[object]:
    """Yield the non-container values of a result, searching dicts, lists, tuples and sets."""
    seen: set[int] = set()
    pending = [result]
    while pending:
        each = pending.pop()
        if isinstance(each, dict | list | tuple | set | frozenset) and id(each) not in seen:
            seen.add(id(each))
            pending.extend(each.values() if isinstance(each, dict) else each)
        else:
            yield each
