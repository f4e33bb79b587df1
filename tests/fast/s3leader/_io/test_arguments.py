"""Arguments that Python itself would refuse only when they are used, or never."""

from __future__ import annotations

import asyncio
import functools
import re
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from unittest.mock import Mock, create_autospec

import pytest

from s3leader import Election, InvalidArgument, LeaderElector, Partitions, Term, testing
from s3leader._io.memory_store import MemoryStore
from s3leader.aio import AsyncTerm


class Stops:
    """As `threading.Event` does, in a user's own words."""

    def is_set(self) -> bool:
        return True

    def wait(self, timeout: float) -> bool:
        return True


class AsyncCallable:
    async def __call__(self, *_: object) -> None: ...


async def deferred(*_: object) -> None: ...


def generator(*_: object) -> Iterator[None]:
    yield


ASYNC_WORK: list[Callable[..., object]] = [
    deferred, functools.partial(deferred), AsyncCallable(), functools.partial(AsyncCallable()),
    generator,
]  # fmt: skip
NO_STOPS: list[object] = [True, "stop", threading.Lock()]


def leading(store: MemoryStore) -> Election:
    return testing.election("nightly", store=store)


@pytest.mark.parametrize("stop", NO_STOPS)
def test_a_stop_that_cannot_be_waited_for_is_refused_before_a_request(stop: Any) -> None:
    store = MemoryStore()
    refused = pytest.raises(InvalidArgument, match=r"expected stop to be a threading\.Event, or")
    with refused:
        leading(store).campaign(stop=stop)
    with refused:
        LeaderElector(leading(store), on_started_leading=lambda *_: None).run(stop)
    with refused:
        Partitions([leading(store)], group="g", work=lambda *_: None).run(stop)
    assert store.requests == []


def test_an_event_of_asyncio_is_refused_also_by_a_campaign_that_need_not_wait() -> None:
    stop: Any = asyncio.Event()
    with pytest.raises(InvalidArgument, match=r"AsyncElection\.campaign takes it"):
        leading(MemoryStore()).campaign(stop=stop)


def test_a_stop_of_the_callers_own_is_taken() -> None:
    assert leading(MemoryStore()).campaign(stop=Stops()).reason == "stopped"  # type: ignore[union-attr]


@pytest.mark.parametrize("work", ASYNC_WORK)
def test_work_that_a_call_would_not_do_is_refused(work: Any) -> None:
    for name in ("on_started_leading", "on_stopped_leading", "on_new_leader"):
        callbacks: dict[str, Any] = {"on_started_leading": print, name: work}
        with pytest.raises(InvalidArgument, match=f"expected {name} to be a function that does"):
            LeaderElector(leading(MemoryStore()), **callbacks)
    for name in ("work", "on_error"):
        callbacks = {"work": print, name: work}
        with pytest.raises(InvalidArgument, match=f"expected {name} to be a function that does"):
            Partitions([leading(MemoryStore())], group="g", **callbacks)


class Working:
    """Does its work when it is made; what is made can be awaited besides."""

    def __init__(self, *_: object) -> None: ...

    async def __call__(self) -> None: ...

    def work(self, *_: object) -> None: ...


@pytest.mark.parametrize(
    "work",
    [
        Mock(), create_autospec(print), create_autospec(Working).work, Working, Working().work,
        functools.partial(Working().work),
    ],
)  # fmt: skip
def test_work_that_a_call_does_is_taken(work: Any) -> None:
    LeaderElector(leading(MemoryStore()), on_started_leading=work, on_new_leader=work)


def test_work_that_cannot_be_called_is_refused() -> None:
    work: Any = "main:work"
    with pytest.raises(InvalidArgument, match="to be a function, got 'main:work'"):
        LeaderElector(leading(MemoryStore()), on_started_leading=work)


@pytest.mark.parametrize("election", ["nightly", testing.async_election("nightly")])
def test_an_election_of_another_kind_is_refused(election: Any) -> None:
    with pytest.raises(InvalidArgument, match="expected election to be an Election, got"):
        LeaderElector(election, on_started_leading=print)
    with pytest.raises(InvalidArgument, match="expected each of elections to be an Election, got"):
        Partitions([election], group="g", work=print)


@pytest.mark.parametrize("every", [5, 0.5, "5 s"])
def test_the_interval_of_renewals_is_refused_before_the_block(every: Any) -> None:
    term = leading(MemoryStore()).campaign()
    assert isinstance(term, Term)
    with pytest.raises(InvalidArgument, match=f"every is {every!r}; give a timedelta"):
        term.keep_renewing(every)
    term.resign()


def test_the_interval_of_renewals_by_a_task_is_refused() -> None:
    async def lead(every: Any) -> None:
        term = await testing.async_election("nightly").campaign()
        assert isinstance(term, AsyncTerm)
        async with term:
            term.keep_renewing(every)

    with pytest.raises(InvalidArgument, match="every is 5; give a timedelta"):
        asyncio.run(lead(5))


@pytest.mark.parametrize(
    ("value", "instead"),
    [(3, "timedelta(seconds=3)"), (2.5, "timedelta(seconds=2.5)"), ("30", "timedelta(seconds=…)")],
)
def test_a_duration_without_a_unit_is_answered_with_its_own_value(value: Any, instead: str) -> None:
    for name in ("lease", "clock_skew", "poll"):
        options: dict[str, Any] = {"lease": timedelta(seconds=30), name: value}
        with pytest.raises(InvalidArgument, match=re.escape(f"{name} is {value!r}; give a ")) as e:
            testing.election("nightly", **options)
        assert instead in str(e.value)


@pytest.mark.parametrize("store", ["locks", 1, {}])
def test_a_store_that_performs_no_requests_is_refused(store: Any) -> None:
    with pytest.raises(InvalidArgument, match=re.escape(f"such as MemoryStore(), got {store!r}")):
        testing.election("nightly", store=store)
