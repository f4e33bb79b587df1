"""The error of code that could not be put together, and its way past jsii."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class StagingError(RuntimeError):
    """The code for Lambda could not be put together; the message says what to do."""


@contextmanager
def unwrapped() -> Iterator[None]:
    """Raise a `StagingError` from within as itself.

    CDK stages by calling back into Python. What is raised there crosses jsii as text and comes out
    as a `RuntimeError` under a JavaScript stack; Python keeps the original as its context.
    """
    try:
        yield
    except RuntimeError as error:
        if isinstance(error.__context__, StagingError):
            raise error.__context__ from None
        raise
