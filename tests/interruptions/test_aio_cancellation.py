"""A call that is cancelled, at whichever await, leaves no lock that nobody holds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

import pytest

from s3leader._core.candidate import Steps
from s3leader._core.requests import Create, List, Read, Replace, Request, StoreRequest, Wait
from s3leader._io.async_driver import GRACE_MS, AsyncDriver
from s3leader._io.driver import Driver
from s3leader.aio import AsyncElection
from s3leader.testing import Fault
from tests.fast.s3leader.virtual_loop import CountedAwaits, World

TICK = "2026-01-01T00:00:00Z"
KEY = "e/lock_0000000001.json"
HOUR = timedelta(hours=1)
FIRST_RENEWAL = {b'"expired": false', b'"renewals": 1'}
Job: TypeAlias = Callable[[AsyncElection], Awaitable[object]]


async def whole_job(election: AsyncElection) -> None:
    if term := await election.campaign(TICK):
        async with term, term.keep_renewing():
            await term.save({"a": 1})
            await asyncio.sleep(25)
            term.ensure_held()
            await term.renew()
        assert term.outcome == "completed"


async def resigning_job(election: AsyncElection) -> None:
    if term := await election.campaign(TICK):
        async with term:
            await term.resign("failed", "of no use")


async def continued_job(election: AsyncElection) -> None:
    for _ in range(2):
        if term := await election.campaign(TICK):
            async with term:
                await term.continue_later({"a": term.leg})


async def failing_job(election: AsyncElection) -> None:
    if term := await election.campaign(TICK):
        with pytest.raises(ZeroDivisionError):
            async with term, term.keep_renewing():
                raise ZeroDivisionError


async def waiting_job(election: AsyncElection) -> None:
    """Wait for the end of another leader's lease, take over, and lead."""
    if term := await election.campaign(wait=HOUR, stop=asyncio.Event()):
        async with term:
            await term.renew()


async def reading(election: AsyncElection) -> None:
    await election.observe()
    await election.history()
    await election.terms()
    await election.depose(reason="test", force=True)


JOBS: list[Job] = [whole_job, resigning_job, continued_job, failing_job, waiting_job, reading]


@dataclass(frozen=True)
class Met:
    """A fault, and the request that meets it."""

    fault: Fault | None
    on: type[StoreRequest] = Create
    nth: int = 1

    def __str__(self) -> str:
        fault = "no fault" if self.fault is None else self.fault.name
        return f"{fault} {self.on.__name__} {self.nth}"


FAULTS = [
    Met(None),
    *(
        Met(fault, on, nth)
        for fault in (Fault.ANSWER_LOST, Fault.REQUEST_LOST, Fault.LATE, Fault.ECHOED)
        for on, nth in ((Create, 1), (Replace, 1), (Replace, 2))
    ),
]


def world_for(job: Job) -> World:
    """A bucket whose store is proved, or has a dead leader's lock, for some of the jobs."""
    world = World()
    if job in {waiting_job, reading}:
        world.run(world.election().campaign())
    return world


def run(job: Job, met: Met, at: Callable[[int], None]) -> tuple[World, int, BaseException | None]:
    """Run a job as a task; return how many awaits it had, and what it raised."""
    world = world_for(job)
    if met.fault is not None:
        world.store.script(met.fault, on=met.on, nth=met.nth)
    error: BaseException | None = None
    counted = CountedAwaits(as_coroutine(job(world.election())), at)

    async def main() -> None:
        nonlocal error
        done = await asyncio.gather(asyncio.create_task(awaiting(counted)), return_exceptions=True)
        error = done[0]

    world.run(main())
    world.store.deliver_late()
    return world, counted.count, error


async def awaiting(counted: CountedAwaits) -> None:
    await counted


async def as_coroutine(awaitable: Awaitable[object]) -> None:
    await awaitable


def cancel_at(*awaits: int) -> Callable[[int], None]:
    def at(count: int) -> None:
        if count in awaits:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()

    return at


def unsealed(world: World) -> list[dict[str, Any]]:
    keys = world.store.keys()
    locks = [json.loads(world.store.body(key)) for key in keys]
    return [lock for lock in locks if not lock["expired"]]


@pytest.mark.parametrize("met", FAULTS, ids=str)
@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.__name__)
def test_no_lock_is_left_wherever_a_job_is_cancelled(job: Job, met: Met) -> None:
    first = world_for(job)
    theirs = len(unsealed(first))  # a dead leader's lock may stay as it was
    _, awaits, error = run(job, met, cancel_at())
    assert error is None
    for k in range(1, awaits + 1):
        world, _, error = run(job, met, cancel_at(k))
        assert isinstance(error, asyncio.CancelledError), (k, error)
        mine = [lock for lock in unsealed(world) if lock["term"] > theirs]
        assert mine == [], (k, mine)


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.__name__)
def test_no_lock_is_left_when_a_job_is_cancelled_again_while_it_ends(job: Job) -> None:
    met = Met(Fault.ANSWER_LOST, Create)
    _, awaits, _ = run(job, met, cancel_at())
    for k in range(1, awaits + 1):
        world, _, error = run(job, met, cancel_at(*range(k, k + 100)))
        assert isinstance(error, asyncio.CancelledError), (k, error)
        assert [lock for lock in unsealed(world) if lock["holder"] != "c1"] == [], k


@pytest.mark.parametrize("job", [whole_job, resigning_job, waiting_job], ids=lambda j: j.__name__)
def test_a_cancelled_job_ends_in_time_although_s3_no_longer_answers(job: Job) -> None:
    _, awaits, _ = run(job, Met(None), cancel_at())
    for k in range(1, awaits + 1):
        world = world_for(job)
        began: list[int] = []

        def at(count: int, k: int = k, world: World = world, began: list[int] = began) -> None:
            if count == k:
                began.append(world.clock.ms)
                world.store.script(Fault.REQUEST_LOST, times=10**6)
                cancel_at(k)(k)

        async def main(world: World = world, at: Callable[[int], None] = at) -> None:
            counted = CountedAwaits(as_coroutine(job(world.election())), at)
            task = asyncio.create_task(awaiting(counted))
            await asyncio.wait([task])
            assert task.cancelled()

        world.run(main())
        assert world.clock.ms - began[0] <= GRACE_MS + 10, k  # the loop rounds up


def test_a_cancelled_campaign_begins_nothing_new() -> None:
    """Cancelled during its first list, it does not go on to create a lock and seal it."""
    world, _, error = run(whole_job, Met(None), cancel_at(1))
    assert isinstance(error, asyncio.CancelledError)
    assert [type(request) for request in world.store.requests] == [List]


@pytest.mark.parametrize(
    ("between", "writes"),
    [(Read(KEY), 2), (List("e/"), 1), (Wait(10, 10, may_stop=True), 1)],
    ids=["read", "list", "idle wait"],
)
def test_after_a_list_or_an_idle_wait_a_write_of_the_same_lock_is_new(
    between: Request, writes: int
) -> None:
    """So it is not sent if that was cancelled; after a read, it may be what the read is for."""
    world = World()

    def steps() -> Steps[None]:
        yield Create(KEY, b"{}")
        yield between
        yield Create(KEY, b"{}")

    async def main() -> None:
        driver = Driver(store=world.store, clock_ms=world.clock.read_ms)
        call = as_coroutine(AsyncDriver(driver=driver).call(steps()))
        with pytest.raises(asyncio.CancelledError):
            await CountedAwaits(call, cancel_at(2))

    world.run(main())
    assert sum(isinstance(request, Create) for request in world.store.requests) == writes


def test_a_cancelled_renewal_is_not_tried_again() -> None:
    world = World()
    world.store.script(Fault.ANSWER_LOST, on=renewal, times=10**6)
    first_renewal = cancel_at(5)  # after the list, the create and both probes
    counted = CountedAwaits(as_coroutine(whole_job(world.election())), first_renewal)

    async def main() -> None:
        with pytest.raises(asyncio.CancelledError):
            await counted

    world.run(main())
    renewals = [request for request in world.store.requests if renewal(request)]
    assert (len(renewals), unsealed(world)) == (1, [])


def renewal(request: StoreRequest) -> bool:
    return isinstance(request, Replace) and set(request.body.split(b", ")) >= FIRST_RENEWAL
