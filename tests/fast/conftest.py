"""Keeps the fast tests fast: they start no server in their process, and import no CDK."""

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse to run if these tests alone have imported the CDK, which takes seconds."""
    alone = all(item.path.is_relative_to(HERE) for item in session.items)
    if session.items and alone and "aws_cdk" in sys.modules:
        raise pytest.UsageError("a test in tests/fast imports aws_cdk: move it to tests/infra")


@pytest.fixture(autouse=True)
def no_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test that listens on a socket, also if that is in a thread."""
    listening: list[socket.socket] = []

    def refuse(opened: socket.socket, *_: object) -> None:
        listening.append(opened)
        raise AssertionError("a test in tests/fast listens on a socket: move it to tests/contract")

    monkeypatch.setattr(socket.socket, "listen", refuse)
    yield
    assert not listening, "a test in tests/fast listens on a socket: move it to tests/contract"
