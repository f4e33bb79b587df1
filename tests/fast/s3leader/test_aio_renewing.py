"""`keep_renewing` of an `AsyncTerm`: it renews, and cancels the block when leadership is lost."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from typing import Any

import pytest

from s3leader import InvalidArgument, LeadershipLost, testing
from s3leader._core.requests import Replace, StoreAnswer, StoreRequest
from s3leader._io.memory_store import MemoryStore
from s3leader.aio import AsyncTerm
from s3leader.testing import Fault, async_election
from tests.fast.s3leader.test_aio import SECOND, cancelled, outcomes, term_of, won
from tests.fast.s3leader.virtual_loop import World


@pytest.fixture
def world() -> World:
    return World()


def renewals(world: World) -> int:
    return len([each for each in world.store.requests if isinstance(each, Replace)])


def test_the_lease_is_renewed_each_third_of_it_until_the_block_is_left(world: World) -> None:
    async def main() -> tuple[int, int]:
        term = await term_of(world)
        before = renewals(world)
        async with term.keep_renewing() as same:
            assert same is term
            await asyncio.sleep(95)
        in_block = renewals(world) - before
        await asyncio.sleep(25)
        return in_block, renewals(world) - before - in_block

    assert world.run(main()) == (9, 0)


def test_a_deposed_leader_is_cancelled_and_leadership_lost_is_raised(world: World) -> None:
    reached: list[str] = []

    async def main() -> None:
        async with await term_of(world) as term, term.keep_renewing(every=SECOND):
            await world.election().depose(reason="stuck", force=True)
            try:
                await asyncio.sleep(60)
            finally:
                reached.append("the end of the work")
            reached.append("the work after it")

    with pytest.raises(LeadershipLost, match="leadership of term 1 is lost"):
        world.run(main())
    assert reached == ["the end of the work"]
    assert outcomes(world) == [("deposed", "stuck")]


def test_a_leader_that_s3_does_not_answer_is_cancelled_while_it_still_leads(world: World) -> None:
    held: list[bool] = []

    async def main() -> None:
        async with await term_of(world) as term, term.keep_renewing():
            world.store.script(Fault.REQUEST_LOST, on=Replace, times=10**6)
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                held.append(term.held)
                raise

    with pytest.raises(LeadershipLost, match="could not be renewed"):
        world.run(main())
    assert held == [True]


def test_a_leader_whose_renewal_hangs_is_cancelled() -> None:
    """Its thread waits for an answer that does not come: the deadline is looked at beside it."""
    hangs, renewing = threading.Event(), threading.Event()

    class HangingStore(MemoryStore):
        def perform(self, request: StoreRequest) -> StoreAnswer:
            if isinstance(request, Replace) and b'"renewals": 1' in request.body:
                renewing.set()
                hangs.wait(60)
            return super().perform(request)

    async def main() -> None:
        election = async_election(store=HangingStore(), lease=2 * SECOND)
        term = won(await election.campaign())
        async with term.keep_renewing():
            try:
                await asyncio.sleep(60)
            finally:
                hangs.set()

    with pytest.raises(LeadershipLost):
        asyncio.run(main())
    assert renewing.is_set()


def test_a_cancellation_from_outside_remains_one(world: World) -> None:
    """Also if leadership is lost as well."""

    async def job() -> None:
        async with await term_of(world) as term, term.keep_renewing():
            try:
                await asyncio.sleep(10**6)
            except asyncio.CancelledError:
                await world.election().depose(reason="stuck", force=True)
                await asyncio.sleep(20)

    world.run(cancelled(job(), after=5))
    assert outcomes(world) == [("deposed", "stuck")]


def test_a_timeout_within_the_block_is_a_timeout(world: World) -> None:
    async def main() -> None:
        async with await term_of(world) as term, term.keep_renewing():
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(5):
                    await asyncio.sleep(60)

    world.run(main())
    assert outcomes(world) == [("completed", None)]


def test_a_block_that_suppresses_the_cancellation_learns_it_from_the_term(world: World) -> None:
    async def main() -> None:
        async with await term_of(world) as term, term.keep_renewing():
            await world.election().depose(reason="stuck", force=True)
            with pytest.raises(asyncio.CancelledError):
                await asyncio.sleep(60)
            await asyncio.sleep(1)
            with pytest.raises(LeadershipLost):
                term.ensure_held()

    with pytest.raises(LeadershipLost):  # of the resignation
        world.run(main())


def test_a_term_that_resigns_within_the_block_is_not_lost(world: World) -> None:
    async def main() -> None:
        async with await term_of(world) as term, term.keep_renewing():
            await term.resign()
            await asyncio.sleep(60)

    world.run(main())
    assert outcomes(world) == [("completed", None)]


def test_a_block_that_raises_passes_its_error_on(world: World) -> None:
    async def main() -> None:
        async with await term_of(world) as term, term.keep_renewing():
            await world.election().depose(reason="stuck", force=True)
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                raise ZeroDivisionError from None

    with pytest.raises(ZeroDivisionError):
        world.run(main())


def test_a_task_of_the_block_that_saves_and_one_that_renews_do_not_meet(world: World) -> None:
    async def saves(term: AsyncTerm) -> None:
        for page in range(20):
            await term.save({"page": page})

    async def main() -> dict[str, Any]:
        async with await term_of(world) as term, term.keep_renewing(every=SECOND / 100):
            await asyncio.gather(*(saves(term) for _ in range(5)))
            return term.state

    assert world.run(main()) == {"page": 19}
    assert outcomes(world) == [("completed", None)]


def test_an_error_of_one_renewal_does_not_end_the_next(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with await term_of(world) as term, term.keep_renewing():
            world.store.script(Fault.REFUSED, on=Replace)
            await asyncio.sleep(60)

    world.run(main())
    assert "term 1 was not renewed: BucketUnusable" in caplog.text
    assert outcomes(world) == [("completed", None)]


@pytest.mark.parametrize("nth", range(1, 8))
def test_no_lock_is_left_if_the_renewing_task_is_cancelled_by_a_stranger(
    world: World, nth: int
) -> None:
    """Then nobody renews: the block is cancelled before the lease is over."""

    async def main() -> None:
        async with await term_of(world) as term, term.keep_renewing():
            (task,) = (t for t in asyncio.all_tasks() if t.get_name() == "s3leader-renew")
            await asyncio.sleep(nth * 3)
            task.cancel()
            await asyncio.sleep(60)

    with pytest.raises(LeadershipLost, match="could not be renewed"):
        world.run(main())
    assert [outcome for outcome, _ in outcomes(world)] == ["failed"]


@pytest.mark.parametrize("every", [timedelta(0), timedelta(minutes=1)], ids=str)
def test_an_interval_that_is_not_within_the_lease_is_refused(
    world: World, every: timedelta
) -> None:
    async def main() -> None:
        term = await term_of(world)
        with pytest.raises(InvalidArgument, match="expected `every` to be"):
            term.keep_renewing(every=every)

    world.run(main())


async def term_that_blocks_the_loop(world: World, *, deposed: bool) -> None:
    """Block the event loop until after the lease, and then leave the block."""
    async with await term_of(world) as term, term.keep_renewing():
        world.clock.advance(timedelta(minutes=5))
        if deposed:
            testing.election("e", store=world.store, clock=world.clock).depose(reason="stuck")


def test_a_block_that_ends_after_its_lease_is_completed_if_nobody_changed_the_lock(
    world: World,
) -> None:
    """The event loop was blocked, so nothing could cancel the block."""
    world.run(term_that_blocks_the_loop(world, deposed=False))
    assert outcomes(world) == [("completed", None)]


def test_a_block_that_ends_after_its_lease_raises_if_the_lock_was_changed(world: World) -> None:
    with pytest.raises(LeadershipLost):
        world.run(term_that_blocks_the_loop(world, deposed=True))
    assert outcomes(world) == [("deposed", "stuck")]
