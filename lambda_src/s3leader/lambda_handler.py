"""What may be decorated as a singleton, and what it may not return.

Judged is the function that will be called, by what Python itself goes by: its code. `__wrapped__`
and `__signature__` describe another function as soon as a decorator has copied them, so neither is
followed.
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
from contextlib import AbstractAsyncContextManager, AbstractContextManager, suppress
from types import FunctionType, MethodType
from typing import Any

from .errors import InvalidArgument

MARK = "__s3leader_singleton__"  # the attribute of what @singleton returns
_DEEPEST = 100  # wrappers around a handler; some objects make up a `__wrapped__` without end
_FINISHED = (str, int, float, type(None))  # most of a result, and never work to be done

_LAZY_KINDS: tuple[tuple[Callable[[object], bool], str], ...] = (
    (inspect.iscoroutinefunction, "is an async function"),
    (inspect.isgeneratorfunction, "contains `yield`"),
    (inspect.isasyncgenfunction, "is an async generator function"),
)
# What says that there is work left, by the name to call it in a message.
_DEFERRED: tuple[tuple[type | tuple[type, ...], str], ...] = (
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
    """Whether `handler` is what `@singleton` made, or a wrapper that says that it wraps one.

    A wrapper says so by `functools.wraps`, which copies the mark, or by `__wrapped__`. Whether it
    ever calls what it wraps cannot be seen.
    """
    for _ in range(_DEEPEST):
        if getattr(handler, MARK, False) is True:
            return True
        handler = getattr(handler, "__wrapped__", None)
    return False


def check_handler(handler: object) -> None:
    """Raise `InvalidArgument` for a handler that cannot be called, or returns before it works."""
    if not callable(handler):
        raise InvalidArgument(
            f"@singleton was given {handler!r}, expected a handler: options are passed by name, as"
            f" in @singleton(election='nightly')"
        )
    name = getattr(handler, "__name__", repr(handler))
    called = _bare(handler)
    _refuse_lazy(name, called)
    try:
        inspect.signature(called, follow_wrapped=False).bind(None, None, None)
    except ValueError:  # a builtin that does not say what it takes
        return
    except TypeError as error:
        raise InvalidArgument(
            f"{name} cannot be called with (event, context, term): {error}. {_remedy(handler)}"
        ) from None


def refuse_deferred(name: str, result: object) -> None:
    """Raise `InvalidArgument` if a handler returned work that has not been done.

    Coroutines and generators are closed, so that Python does not warn of them as well.
    """
    found = [(each, kind) for each in _leaves(result) if (kind := _kind_of(each)) is not None]
    for each, _ in found:
        if isinstance(each, Coroutine | Generator):
            with suppress(Exception):  # of its own clean-up: what is wrong is said below
                each.close()
    if found:
        raise InvalidArgument(
            f"{name} returned {found[0][1]} ({type(found[0][0]).__name__}), expected a finished"
            f" result: the invocation would end before that work is done. Finish it in the handler,"
            f" with asyncio.run(…), list(…) or .result(), and return what comes of it"
        )


def _refuse_lazy(name: str, handler: object) -> None:
    for is_kind, kind in _LAZY_KINDS:
        if is_kind(handler):
            raise InvalidArgument(
                f"{name} {kind}: a call would return at once, before any of its work is done, and"
                f" the tick would count as completed. Decorate a plain function that does the work"
                f" before it returns, such as one that calls asyncio.run(…)"
            )


def _bare(handler: Any) -> Any:  # noqa: ANN401 - any callable, and one that is called like it
    """Return a callable that is called as `handler` is, without what others wrote on it."""
    if isinstance(handler, functools.partial):
        return functools.partial(_bare(handler.func), *handler.args, **handler.keywords)
    if isinstance(handler, MethodType):
        return MethodType(_bare(handler.__func__), handler.__self__)
    if type(handler) is FunctionType:
        code, cells = handler.__code__, handler.__closure__
        bare = FunctionType(code, {}, handler.__name__, handler.__defaults__, cells)
        bare.__kwdefaults__ = handler.__kwdefaults__
        return bare
    method = type(handler).__call__ if callable(handler) else None
    return MethodType(_bare(method), handler) if type(method) is FunctionType else handler


def _remedy(handler: object) -> str:
    if is_singleton(handler):
        return "It is a singleton already: decorate it once, and put middleware above @singleton"
    if hasattr(handler, "__wrapped__"):
        return (
            "It is a decorator's wrapper, which does not pass a term on: put @singleton below that"
            " decorator, directly above the handler"
        )
    return "Give the handler a third positional parameter, its term"


def _kind_of(value: object) -> str | None:
    return next((kind for types, kind in _DEFERRED if isinstance(value, types)), None)


def _leaves(result: object) -> Iterator[object]:
    """Return what a result is made of, looking into what JSON can hold."""
    seen: set[int] = set()
    left = [result]
    while left:
        each = left.pop()
        if isinstance(each, dict | list | tuple | set | frozenset) and id(each) not in seen:
            seen.add(id(each))
            left.extend(each.values() if isinstance(each, dict) else each)
        elif not isinstance(each, _FINISHED):
            yield each
