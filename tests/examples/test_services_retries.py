"""A process that waits leads a tick whose leader has failed, in each recipe that has ticks.

And what each recipe does after an error that only a person can correct, without a server.
"""

from __future__ import annotations

import asyncio
import io
import signal
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED
from apscheduler.schedulers.background import BackgroundScheduler
from celery.beat import Service
from django.core.management import call_command

from s3leader import BucketUnusable, Election, Term, testing
from s3leader._core.requests import StoreAnswer, StoreRequest
from s3leader.observer import Observer, StoreAnswered
from s3leader.testing import MemoryStore
from tests.examples.test_services import SOON_S, module

TICK = "2026-01-01T00:00:00Z"


class DenyingStore(MemoryStore):
    def perform(self, request: StoreRequest) -> StoreAnswer:
        raise BucketUnusable("denied", action="s3:PutObject", resource="locks", code="403")


class LockRead(Observer):
    """Sets `seen` when its candidate has read a lock, from which it knows that another leads."""

    def __init__(self) -> None:
        self.seen = threading.Event()

    def store_answered(self, event: StoreAnswered) -> None:
        if (event.request, event.answer) == ("read", "found"):
            self.seen.set()


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def scheduler_of(recipe: Any, election: Election, job: Any) -> tuple[Any, threading.Event]:
    """Return a scheduler that has started its one run, and what is set when that has ended."""
    scheduler, ended = BackgroundScheduler(timezone=UTC), threading.Event()
    scheduler.add_listener(lambda _: ended.set(), EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
    recipe.add_singleton(
        scheduler, election, job, threading.Event(), lambda: datetime(2026, 1, 1, tzinfo=UTC)
    )
    scheduler.start()
    scheduler.get_jobs()[0].modify(next_run_time=datetime.now(UTC))
    return scheduler, ended


def test_a_run_of_apscheduler_that_fails_is_done_by_another_process() -> None:
    store, recipe, observer = MemoryStore(), module("apscheduler_jobs"), LockRead()
    attempts, leads = list[tuple[int, int]](), threading.Event()

    def failing(term: Term, _: threading.Event) -> None:
        attempts.append((term.number, term.attempt))
        leads.set()
        assert observer.seen.wait(SOON_S)
        raise ValueError

    def job(term: Term, _: threading.Event) -> None:
        attempts.append((term.number, term.attempt))

    first, first_ended = scheduler_of(recipe, testing.election(store=store), failing)
    assert leads.wait(SOON_S)
    second, second_ended = scheduler_of(
        recipe, testing.election(store=store, observer=observer), job
    )
    assert first_ended.wait(SOON_S)
    assert second_ended.wait(SOON_S)
    for scheduler in (first, second):
        scheduler.shutdown()
    assert attempts == [(1, 1), (2, 2)]


def test_no_run_of_apscheduler_can_overlap_the_next() -> None:
    recipe = module("apscheduler_jobs")
    assert recipe.LATEST_START + recipe.WAIT < recipe.EVERY


def test_a_day_that_one_host_fails_is_done_by_another_that_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store, recipe, observer = MemoryStore(), module("send_reminders"), LockRead()
    election = testing.election(store=store, observer=observer)
    monkeypatch.setattr(recipe, "settings", type("Settings", (), {"LOCK_BUCKET": "locks"}))
    monkeypatch.setattr(recipe, "Election", lambda *_, **__: election)
    other = testing.election(store=store).campaign(TICK)
    assert other

    def fail() -> None:
        observer.seen.wait(SOON_S)
        other.resign("failed")

    failing, output = threading.Thread(target=fail), io.StringIO()
    failing.start()
    call_command(recipe.Command(), tick=TICK, stdout=output)
    failing.join()
    assert "ada is reminded with fencing token 2" in output.getvalue()


def test_an_asyncio_service_ends_with_an_error_that_only_a_person_can_correct() -> None:
    with pytest.raises(BucketUnusable):
        asyncio.run(module("asyncio_service").serve(testing.async_election(store=DenyingStore())))


def test_a_django_command_ends_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = module("send_reminders")
    monkeypatch.setattr(recipe, "settings", type("Settings", (), {"LOCK_BUCKET": "locks"}))
    monkeypatch.setattr(recipe, "Election", lambda *_, **__: testing.election(store=DenyingStore()))
    with pytest.raises(BucketUnusable):
        call_command(recipe.Command(), tick=TICK)


def test_celery_beat_ends_with_it() -> None:
    recipe = module("celery_beat")
    recipe.app.conf.broker_url = "memory://"
    recipe.LeadingScheduler.election = testing.election(store=DenyingStore())
    with pytest.raises(BucketUnusable):
        Service(recipe.app, scheduler_cls=recipe.LeadingScheduler).start()


def test_apscheduler_logs_it_and_runs_again(caplog: pytest.LogCaptureFixture) -> None:
    recipe = module("apscheduler_jobs")
    scheduler, ended = scheduler_of(recipe, testing.election(store=DenyingStore()), recipe.poll)
    assert ended.wait(SOON_S)
    (job,) = scheduler.get_jobs()
    scheduler.shutdown()
    assert "BucketUnusable" in caplog.text
    assert job.next_run_time is not None
