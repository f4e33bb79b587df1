"""moto with the `Date` that S3 sends with every answer, and moto only with some."""

from __future__ import annotations

from contextlib import contextmanager
from email.utils import formatdate
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber

if TYPE_CHECKING:
    from collections.abc import Iterator

_undated = BotocoreStubber.process_request


def _dated(stubber: BotocoreStubber, request: Any) -> Any:
    answer = _undated(stubber, request)
    if answer is None:
        return None
    status, headers, body = answer
    return status, {"Date": formatdate(usegmt=True), **headers}, body


@contextmanager
def mock_dated_aws() -> Iterator[None]:
    """Stand in for `mock_aws()` where the code under test makes its own store."""
    with patch.object(BotocoreStubber, "process_request", _dated), mock_aws():
        yield
