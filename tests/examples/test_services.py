"""Each recipe of `docs/recipes.md` runs, and the page shows it as it is."""

from __future__ import annotations

import ast
import asyncio
import importlib.util
import io
import re
import signal
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED
from apscheduler.schedulers.background import BackgroundScheduler
from django.conf import settings
from django.core.management import call_command

from s3leader import Lock, Term, testing
from s3leader.aio import AsyncElection
from s3leader.testing import MemoryStore
from tests.dated_moto import mock_dated_aws

ROOT = Path(__file__).parents[2]
SERVICES = ROOT / "examples" / "services"
SOON_S = 60  # only a failing test takes as long
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
PAGE = (ROOT / "docs" / "recipes.md").read_text()
(IN_A_TEST,) = (block for block in BLOCK.findall(PAGE) if "MemoryStore()" in block)
COMMENT = re.compile(r"  # (?:type: ignore|noqa).*")


def module(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, SERVICES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def lock_in(store: MemoryStore) -> Lock | None:
    return testing.election(store=store).observe()


async def led(store: MemoryStore) -> None:
    """Return once somebody leads."""
    async with asyncio.timeout(SOON_S):
        while not store.keys():  # noqa: ASYNC110 - other code leads
            await asyncio.sleep(0.01)


def test_the_page_shows_each_recipe_as_it_is() -> None:
    page = [block for block in BLOCK.findall(PAGE) if block != IN_A_TEST]
    recipes = [COMMENT.sub("", path.read_text()) for path in sorted(SERVICES.glob("*.py"))]
    assert len(page) == len(recipes)
    assert [recipe for recipe in recipes if not any(block in recipe for block in page)] == []


def test_the_page_links_each_recipe() -> None:
    linked = re.findall(r"\(\.\./examples/services/(\w+\.py)\)", PAGE)
    assert set(linked) == {path.name for path in SERVICES.glob("*.py")}


@pytest.mark.parametrize(
    "name",
    ["asyncio_service", "fastapi_app", "send_reminders", "celery_beat", "apscheduler_jobs"],
)
def test_the_page_says_how_each_recipe_is_started(name: str) -> None:
    """As the last line of the program's docstring says it, without a checkout's paths."""
    docstring = ast.get_docstring(ast.parse((SERVICES / f"{name}.py").read_text()))
    assert docstring is not None
    command = re.sub(r"^\w+=… ", "", docstring.splitlines()[-1])
    assert command in re.sub(r"```python\n.*?^```", "", PAGE, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_no_crontab_has_a_percent_sign_that_cron_takes_for_a_newline(page: Path) -> None:
    lines = re.findall(r"^(?:[\d*/,-]+ +){5}(.*)$", page.read_text(), re.MULTILINE)
    assert [line for line in lines if re.search(r"(?<!\\)%", line)] == []


def test_the_campaign_loops_of_asyncio_and_fastapi_are_alike() -> None:
    loops = [
        (SERVICES / f"{name}.py").read_text().partition("async def campaign_and_lead_forever")[2]
        for name in ("asyncio_service", "fastapi_app")
    ]
    assert loops[1]
    assert loops[0].startswith(loops[1])


def test_the_page_shows_how_a_unit_test_runs_the_recipes(
    bucket: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On moto, where no bucket has the name in the settings: the elections are in memory."""
    if not settings.configured:
        settings.configure(LOCK_BUCKET="locks")
    boto3.client("s3").delete_bucket(Bucket="locks")
    monkeypatch.syspath_prepend(SERVICES)
    with patch.dict(sys.modules):
        names: dict[str, Any] = {"command": importlib.import_module("send_reminders").Command()}
        exec(compile(IN_A_TEST, "docs/recipes.md", "exec"), names)  # noqa: S102 - that is the test
    store = names["store"]
    ended = {
        name: [lock.outcome for lock in testing.election(name, store=store).history()]
        for name in ("poller", "reminders", "beat")
    }
    assert ended == {"poller": ["completed"], "reminders": ["completed"], "beat": ["resigned"]}


def test_an_asyncio_service_resigns_on_sigterm(
    store: MemoryStore, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = module("asyncio_service")

    async def main() -> None:
        serving = asyncio.create_task(recipe.serve(testing.async_election(store=store)))
        await led(store)
        signal.raise_signal(signal.SIGTERM)
        async with asyncio.timeout(SOON_S):
            await serving

    asyncio.run(main())
    lock = lock_in(store)
    assert lock is not None
    assert lock.sealed


def test_one_replica_of_a_fastapi_application_leads_until_it_is_shut_down(
    store: MemoryStore,
) -> None:
    recipe = module("fastapi_app")

    async def lifespan(candidate: str) -> bool:
        app = recipe.create_app(testing.async_election(store=store, candidate=candidate))
        async with app.router.lifespan_context(app):
            await led(store)
            lock = await testing.async_election(store=store).observe()
            return lock is not None and not lock.sealed

    assert asyncio.run(lifespan("a")) is True
    lock = lock_in(store)
    assert lock is not None
    assert lock.outcome == "completed"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"AWS_{name}", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_dated_aws():
        boto3.client("s3").create_bucket(Bucket="locks")
        yield


def test_an_async_election_on_a_bucket_leads_and_resigns(bucket: None) -> None:
    """With the client that it makes itself, which its requests' threads share."""
    election = AsyncElection("poller", bucket="locks")

    async def main() -> list[str | None]:
        if term := await election.campaign():
            async with term, term.keep_renewing():
                await term.save({"a": 1})
        return [lock.outcome for lock in await election.history()]

    assert asyncio.run(main()) == ["completed"]


def test_a_django_command_does_the_work_of_a_day_once(bucket: None) -> None:
    if not settings.configured:
        settings.configure(LOCK_BUCKET="locks")
    recipe, printed = module("send_reminders"), io.StringIO()
    for day in ("2026-01-01", "2026-01-01", "2026-01-02"):
        call_command(recipe.Command(), tick=f"{day}T00:00:00Z", stdout=printed)
    first, second = (
        [f"{who} is reminded with fencing token {n}" for who in ("ada", "grace")] for n in (1, 2)
    )
    assert printed.getvalue().splitlines() == [*first, "not elected: done", *second]


def test_one_celery_beat_sends_and_the_next_one_goes_on(store: MemoryStore) -> None:
    recipe = module("celery_beat")
    recipe.app.conf.broker_url = "memory://"
    beats = [recipe.LeadingScheduler(app=recipe.app) for _ in range(2)]
    for beat in beats:
        beat.election = testing.election(store=store)
        beat.schedule["poll"].last_run_at -= timedelta(minutes=2)
    sent = []
    for beat in (*beats, *beats):
        beat.tick()
        sent.append([each.schedule["poll"].total_run_count for each in beats])
    beats[0].close()
    beats[1].tick()
    sent.append([each.schedule["poll"].total_run_count for each in beats])
    beats[1].close()
    assert sent == [[1, 0]] * 5
    assert beats[1].schedule["poll"].last_run_at >= beats[0].schedule["poll"].last_run_at


@pytest.mark.parametrize("seconds", [6, 30])
def test_celery_beat_renews_three_times_in_a_lease(seconds: int, store: MemoryStore) -> None:
    recipe = module("celery_beat")
    recipe.app.conf.broker_url = "memory://"
    recipe.LEASE = timedelta(seconds=seconds)
    beat = recipe.LeadingScheduler(app=recipe.app)
    beat.election = testing.election(store=store, lease=recipe.LEASE)
    beat.tick()
    assert beat.tick() == seconds / 3
    beat.close()


def test_each_run_of_apscheduler_is_done_by_one_of_its_processes(store: MemoryStore) -> None:
    recipe, ran, ended = module("apscheduler_jobs"), list[datetime | None](), threading.Semaphore(0)

    def job(term: Term, _: threading.Event) -> None:
        ran.append(term.tick)

    def clock() -> datetime:
        return datetime(2026, 1, 1, 12, 7, 31, tzinfo=UTC)

    schedulers = [BackgroundScheduler(timezone=UTC) for _ in range(3)]
    for scheduler in schedulers:
        recipe.add_singleton(
            scheduler, testing.election(store=store), job, threading.Event(), clock
        )
        scheduler.add_listener(lambda _: ended.release(), EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
        scheduler.get_jobs()[0].modify(next_run_time=datetime.now(UTC))
        scheduler.start()
    for _ in schedulers:
        assert ended.acquire(timeout=SOON_S)
    for scheduler in schedulers:
        scheduler.shutdown()
    assert ran == [datetime(2026, 1, 1, 12, 5, tzinfo=UTC)]
