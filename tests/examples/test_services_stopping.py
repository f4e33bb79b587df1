"""Each recipe of `docs/recipes.md` ends its term on SIGTERM, whenever it comes, and how often."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from apscheduler.schedulers.background import BackgroundScheduler
from celery.apps.beat import Beat
from celery.beat import Service
from django.core.management import CommandError, call_command

from s3leader import Lock, Term, testing
from s3leader._core.requests import StoreAnswer, StoreRequest
from s3leader.testing import MemoryStore
from tests.examples.test_services import SOON_S, module

FIRST = range(1, 7)  # the request before which the first signal comes: of the campaign, and of work
TICK = "2026-01-01T00:00:00Z"


class SignallingStore(MemoryStore):
    """SIGTERM comes before the request of that number; with `again`, before all later ones too."""

    def __init__(self, first: int, *, again: bool) -> None:
        super().__init__()
        self._first, self._again = first, again
        self.over = False

    def perform(self, request: StoreRequest) -> StoreAnswer:
        number = len(self.requests) + 1
        now = number == self._first or (self._again and number > self._first)
        if now and not self.over:
            os.kill(os.getpid(), signal.SIGTERM)  # to the process; the main thread handles it
        return super().perform(request)


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Ignore SIGTERM where a recipe does not handle it, and put all back afterwards."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(params=[False, True], ids=["once", "again"])
def again(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def locks(store: MemoryStore) -> list[Lock]:
    if isinstance(store, SignallingStore):
        store.over = True
    return testing.election(store=store).history()


def sealed(store: MemoryStore) -> bool:
    return all(lock.sealed for lock in locks(store))


@pytest.mark.parametrize("first", FIRST)
def test_an_asyncio_service(first: int, *, again: bool) -> None:
    """The later requests are renewals, three in a lease."""
    store = SignallingStore(first, again=again)
    election = testing.async_election(store=store, lease=timedelta(seconds=6))

    async def main() -> None:
        async with asyncio.timeout(SOON_S):
            await module("asyncio_service").serve(election)

    asyncio.run(main())
    assert sealed(store)


@pytest.mark.parametrize("first", range(1, 5))
def test_a_fastapi_application_that_is_shut_down_during_its_campaign(first: int) -> None:
    """The server's handler leaves the lifespan; a second SIGTERM changes nothing for the app."""
    reached = threading.Event()

    class ReachedStore(MemoryStore):
        def perform(self, request: StoreRequest) -> StoreAnswer:
            if len(self.requests) + 1 == first:
                reached.set()
            return super().perform(request)

    store = ReachedStore()
    app = module("fastapi_app").create_app(testing.async_election(store=store))

    async def main() -> None:
        async with asyncio.timeout(SOON_S), app.router.lifespan_context(app):
            while not reached.is_set():  # noqa: ASYNC110 - in another thread
                await asyncio.sleep(0)

    asyncio.run(main())
    assert sealed(store)


def django_command(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch, output: io.StringIO
) -> None:
    """Run the command of a day on `store`."""
    recipe = module("send_reminders")
    monkeypatch.setattr(recipe, "settings", type("Settings", (), {"LOCK_BUCKET": "locks"}))
    monkeypatch.setattr(recipe, "Election", lambda *_, **__: testing.election(store=store))
    call_command(recipe.Command(), tick=TICK, stdout=output)


@pytest.mark.parametrize("first", FIRST)
def test_a_django_command(first: int, *, again: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    store = SignallingStore(first, again=again)
    with suppress(CommandError):
        django_command(store, monkeypatch, io.StringIO())
    assert sealed(store)


def test_a_django_command_that_was_stopped_leaves_the_day_to_another_host(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store, threads, thread = MemoryStore(), list[threading.Thread](), threading.Thread

    def started(*arguments: Any, **options: Any) -> threading.Thread:
        threads.append(thread(*arguments, **options))
        return threads[-1]

    class Output(io.StringIO):
        def write(self, text: str) -> int:
            if "ada" in text:
                signal.raise_signal(signal.SIGTERM)
                threads[-1].join()  # the handler's
            return super().write(text)

    with monkeypatch.context() as patched:
        patched.setattr(threading, "Thread", started)
        with pytest.raises(CommandError, match="stopped"):
            django_command(store, monkeypatch, Output())
    django_command(store, monkeypatch, io.StringIO())
    assert [lock.outcome for lock in locks(store)] == ["completed", "failed"]


@pytest.mark.parametrize("first", FIRST)
def test_celery_beat(first: int, *, again: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """With beat's own handler, which closes the scheduler and raises `SystemExit`."""
    recipe, store = module("celery_beat"), SignallingStore(first, again=again)
    recipe.app.conf.broker_url = "memory://"
    recipe.LeadingScheduler.election = testing.election(store=store)
    service = Service(recipe.app, scheduler_cls=recipe.LeadingScheduler)
    monkeypatch.setattr("celery.beat.time.sleep", lambda _: None)
    Beat.install_sync_handler(None, service)
    with suppress(SystemExit):
        service.start()
    assert (len(locks(store)), sealed(store)) == (1, True)


def test_a_signal_that_no_handler_awaits_is_not_lost_by_celery_beat() -> None:
    recipe, came = module("celery_beat"), list[int]()
    signal.signal(signal.SIGTERM, lambda number, _: came.append(number))
    with recipe.signals_afterwards():
        for _ in range(2):
            signal.raise_signal(signal.SIGTERM)
        during = list(came)
    assert (during, came) == ([], [signal.SIGTERM])


class StartsAtOnce(BackgroundScheduler):  # type: ignore[misc]  # APScheduler has no types
    """Runs its job now; with `early`, SIGTERM comes before it has started."""

    early = False

    def start(self, *arguments: Any, **options: Any) -> None:
        if self.early:
            signal.raise_signal(signal.SIGTERM)
        super().start(*arguments, **options)
        self.get_jobs()[0].modify(next_run_time=datetime.now(UTC))


@pytest.mark.parametrize(
    ("first", "at_its_end"), [(0, False), (1, False), (3, False), (5, False), (5, True)]
)
def test_apscheduler(first: int, at_its_end: bool, *, again: bool) -> None:  # noqa: FBT001
    """Before it starts, during the campaign, during the work, and during the resignation."""
    store, recipe = SignallingStore(first, again=again), module("apscheduler_jobs")
    scheduler = StartsAtOnce(timezone=UTC)
    scheduler.early = first == 0

    def job(term: Term, stop: threading.Event) -> None:
        term.renew()  # the fifth request
        assert stop.wait(SOON_S)
        recipe.poll(term, stop)

    watchdog = threading.Timer(SOON_S, os.kill, (os.getpid(), signal.SIGTERM))
    watchdog.start()
    recipe.serve(scheduler, testing.election(store=store), recipe.poll if at_its_end else job)
    ended_in_time = not watchdog.finished.is_set()
    watchdog.cancel()
    assert (sealed(store), ended_in_time) == (True, True)
    assert {lock.outcome for lock in locks(store)} <= {"completed" if at_its_end else "failed"}
