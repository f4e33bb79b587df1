"""Checks of arguments that Python itself would refuse only when they are used, or never."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable

from s3leader.errors import InvalidArgument


def check_stop(stop: object) -> None:
    """Raise `InvalidArgument` unless `stop` can be waited for as a `threading.Event` can."""
    asyncio = sys.modules.get("asyncio")
    of_asyncio = asyncio is not None and isinstance(stop, asyncio.Event)
    waits = callable(getattr(stop, "is_set", None)) and callable(getattr(stop, "wait", None))
    if of_asyncio or not waits:
        raise InvalidArgument(
            f"expected stop to be a threading.Event, or to have its is_set() and wait(timeout),"
            f" got {stop!r}{'; AsyncElection.campaign takes it' if of_asyncio else ''}"
        )


def is_code(function: object) -> bool:
    """Return False for a mock, whose code has any flag that `inspect` looks for."""
    return type(getattr(getattr(function, "__code__", None), "co_flags", 0)) is int


def check_callback(name: str, callback: object) -> None:
    """Raise `InvalidArgument` unless calling `callback` does its work."""
    import inspect  # noqa: PLC0415 - takes 8 ms to import, and no election needs it

    called = callback.func if isinstance(callback, functools.partial) else callback
    if not (inspect.isroutine(called) or isinstance(called, type)):  # a class makes an object
        called = getattr(called, "__call__", None)  # noqa: B004 - an object's own
    deferred: tuple[tuple[Callable[[object], bool], str], ...] = (
        (inspect.iscoroutinefunction, "the async function"),
        (inspect.isasyncgenfunction, "the async generator function"),
        (inspect.isgeneratorfunction, "the generator function"),
    )
    for is_deferred, what in deferred:
        if any(is_deferred(each) and is_code(each) for each in (callback, called)):
            raise InvalidArgument(
                f"expected {name} to be a function that does its work when it is called, got"
                f" {what} {callback!r}: call asyncio.run(…) in it, or use AsyncElection"
            )
    if not callable(callback):
        raise InvalidArgument(f"expected {name} to be a function, got {callback!r}")
