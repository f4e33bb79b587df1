"""Writes of an `AsyncTerm` that are cancelled while their answer is on its way."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest

from s3leader import testing
from s3leader._core.requests import Replace, StoreAnswer, StoreRequest
from s3leader.aio import AsyncTerm
from s3leader.testing import Fault
from tests.fast.s3leader.test_aio import SECOND, outcomes, won
from tests.fast.s3leader.virtual_loop import CountedAwaits, World


@pytest.fixture
def world() -> World:
    return World()


class RenewalsHang:
    """The world's bucket, on which each renewal waits to be let go; `hangs` is set in the loop."""

    def __init__(self, world: World) -> None:
        self._store = world.store
        self._loop = asyncio.get_running_loop()
        self.hangs, self.let_go = asyncio.Event(), threading.Event()

    def perform(self, request: StoreRequest) -> StoreAnswer:
        if isinstance(request, Replace) and b'"proved": true' in request.body:
            self._loop.call_soon_threadsafe(self.hangs.set)
            assert self.let_go.wait(60)
        return self._store.perform(request)


async def cancel_twice(task: asyncio.Task[None], store: RenewalsHang) -> None:
    """Cancel a task again and again while a renewal hangs, and expect that it ends after it."""
    await store.hangs.wait()
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    ended_early = task.done()
    store.let_go.set()
    assert not ended_early
    with pytest.raises(asyncio.CancelledError):
        await task


def test_a_block_that_is_left_waits_for_the_renewal_under_way(world: World) -> None:
    async def main() -> None:
        store = RenewalsHang(world)

        async def job() -> None:
            term = won(await world.election(store=store).campaign())
            try:
                async with term.keep_renewing(every=SECOND):
                    await asyncio.sleep(60)
            finally:
                left.extend(task.get_name() for task in asyncio.all_tasks())

        await cancel_twice(asyncio.create_task(job()), store)

    left: list[str] = []
    world.run(main())
    assert "s3leader-renew" not in left


def test_a_resignation_waits_for_a_renewal_in_another_task(world: World) -> None:
    async def main() -> None:
        store = RenewalsHang(world)
        renewals: list[asyncio.Task[None]] = []

        async def job() -> None:
            async with won(await world.election(store=store).campaign()) as term:
                renewals.append(asyncio.create_task(term.renew()))
                await asyncio.sleep(60)

        await cancel_twice(asyncio.create_task(job()), store)
        await renewals[0]

    world.run(main())
    assert outcomes(world) == [("resigned", "cancelled")]


@pytest.mark.parametrize("raised", [None, ZeroDivisionError()], ids=repr)
def test_a_block_that_is_left_while_another_task_resigns_has_ended(
    world: World, raised: Exception | None, caplog: pytest.LogCaptureFixture
) -> None:
    """As a shutdown hook does that resigns on its own."""

    async def main() -> None:
        async with won(await world.election().campaign()) as term:
            hook = asyncio.create_task(term.resign("resigned", "shutdown"))
            await asyncio.sleep(0)
            if raised is not None:
                raise raised
        await hook

    if raised is None:
        world.run(main())
    else:
        with pytest.raises(ZeroDivisionError):
            world.run(main())
    assert (outcomes(world), caplog.text) == ([("resigned", "shutdown")], "")


async def cancelled_in(world: World, write: Callable[[AsyncTerm], Awaitable[None]]) -> AsyncTerm:
    """Cancel a write of a new term while its first request is under way."""
    term = won(await world.election().campaign())

    async def main() -> None:
        await write(term)

    def cancel(count: int) -> None:
        task = asyncio.current_task()
        if count == 1 and task is not None:
            task.cancel()

    async def task() -> None:
        await CountedAwaits(main(), cancel)

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(task())
    return term


def test_a_cancelled_write_of_a_term_that_is_lost_raises_the_cancellation(world: World) -> None:
    operator = testing.election("e", store=world.store, clock=world.clock)

    async def renew(term: AsyncTerm) -> None:
        operator.depose(reason="stuck", force=True)
        await term.renew()

    async def main() -> bool:
        return (await cancelled_in(world, renew)).held

    assert world.run(main()) is False


def test_a_cancelled_write_that_was_applied_is_known_to_be(world: World) -> None:
    """Also if its first answer is the 412 to a second copy: the lock is still read."""
    world.store.script(
        Fault.ECHOED, on=lambda request: b'"page": 7' in getattr(request, "body", b"")
    )

    async def main() -> object:
        return (await cancelled_in(world, lambda term: term.save({"page": 7}))).state

    assert world.run(main()) == {"page": 7}
