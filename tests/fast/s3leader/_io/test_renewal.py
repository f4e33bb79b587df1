"""The thread that renews: how often, what it logs, and how it ends."""

from __future__ import annotations

import logging
import os
import threading
from types import SimpleNamespace

import pytest

from s3leader._io.renewal import renewal
from s3leader.errors import LeadershipLost, StoreUnavailable

LOST = LeadershipLost(term=1, why="another candidate leads")


class FirstTick(threading.Event):
    """Lets the first wait end at once, and the next ones when it is set."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout)
        return len(self.waits) > 1 and super().wait()


@pytest.fixture
def tick(monkeypatch: pytest.MonkeyPatch) -> FirstTick:
    tick = FirstTick()
    seen = SimpleNamespace(Event=lambda: tick, Thread=threading.Thread)
    monkeypatch.setattr("s3leader._io.renewal.threading", seen)
    return tick


class Renewals:
    """A function that raises `error` once, and remembers in which threads it was called."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.called = threading.Event()
        self.threads: list[threading.Thread] = []

    def __call__(self) -> None:
        self.threads.append(threading.current_thread())
        self.called.set()
        if self.error is not None:
            raise self.error


def renew_once(renew: Renewals, *, is_over: bool = False) -> None:
    with renewal(renew, 1, 30_000, lambda: is_over):
        assert renew.called.wait(60)


def test_it_waits_for_the_interval_before_each_renewal(tick: FirstTick) -> None:
    renew = Renewals()
    renew_once(renew)
    assert (tick.waits, len(renew.threads)) == ([30, 30], 1)


def test_its_thread_does_not_keep_a_process_alive(tick: FirstTick) -> None:
    renew_once(renew := Renewals())
    assert [thread.daemon for thread in renew.threads] == [True]


@pytest.mark.parametrize(("is_over", "logged"), [(False, [str(LOST)]), (True, [])])
def test_a_loss_is_logged_unless_the_term_has_ended_on_purpose(
    tick: FirstTick, caplog: pytest.LogCaptureFixture, logged: list[str], *, is_over: bool
) -> None:
    with caplog.at_level(logging.WARNING):
        renew_once(Renewals(LOST), is_over=is_over)
    assert (caplog.messages, len(tick.waits)) == (logged, 1)


@pytest.mark.parametrize(
    ("error", "has_traceback"), [(StoreUnavailable("no answer"), False), (RuntimeError(), True)]
)
def test_only_an_unexpected_error_is_logged_with_its_traceback(
    tick: FirstTick, caplog: pytest.LogCaptureFixture, error: Exception, *, has_traceback: bool
) -> None:
    with caplog.at_level(logging.WARNING):
        renew_once(Renewals(error))
    [record] = caplog.records
    assert (bool(record.exc_info), len(tick.waits)) == (has_traceback, 2)


def test_a_fork_does_not_wait_for_a_thread_that_it_does_not_have(
    tick: FirstTick, monkeypatch: pytest.MonkeyPatch
) -> None:
    renew = Renewals()
    with renewal(renew, 1, 30_000, lambda: False):
        assert renew.called.wait(60)
        monkeypatch.setattr(os, "getpid", lambda: -1)
    assert not tick.is_set()
    tick.set()
    renew.threads[0].join(60)
