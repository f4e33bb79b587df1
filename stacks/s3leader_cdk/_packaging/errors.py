"""The error for code that cannot be staged, and a way to raise it through jsii."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class StagingError(RuntimeError):
    """The code for Lambda cannot be staged; the message says what to do."""


@contextmanager
def unwrapped() -> Iterator[None]:
    """Re-raise a `StagingError` that jsii has wrapped, without the wrapper.

    CDK calls back into Python to stage code. An exception raised there crosses jsii as text and
    arrives as a `RuntimeError` with a JavaScript stack; Python keeps the original as its context.
    """
    try:
        yield
    except RuntimeError as error:
        if isinstance(error.__context__, StagingError):
            raise error.__context__ from None
        raise
