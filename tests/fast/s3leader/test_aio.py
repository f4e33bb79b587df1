"""`AsyncElection`: the same elections as `Election`'s, under asyncio."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import signal
import threading
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, get_type_hints

import pytest

from s3leader import Election, InvalidArgument, LeadershipLost, TooManyContinuations, testing
from s3leader._core.requests import Create, Replace, StoreAnswer, StoreRequest
from s3leader._io.memory_store import MemoryStore
from s3leader.aio import AsyncElection, AsyncTerm, NotElected
from s3leader.election import ElectionOptions
from s3leader.errors import StillHeld
from s3leader.testing import FakeClock, Fault
from tests.fast.s3leader.forks import FORKS, in_child
from tests.fast.s3leader.virtual_loop import VirtualLoop, World

TICK = "2026-01-01T00:00:00Z"
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def world() -> World:
    return World()


def won(result: AsyncTerm | NotElected) -> AsyncTerm:
    assert isinstance(result, AsyncTerm), result
    return result


async def term_of(world: World, **options: Any) -> AsyncTerm:
    return won(await world.election(**options).campaign(TICK))


def outcomes(world: World) -> list[tuple[str | None, str | None]]:
    """The outcomes and reasons of all terms, the first one first."""
    reader = testing.election("e", store=world.store, clock=world.clock)
    return [(lock.outcome, lock.reason) for lock in reversed(reader.history())]


async def cancelled(job: Coroutine[Any, Any, Any], after: float = 0) -> None:
    """Cancel a job after some seconds, and expect that it ends with a `CancelledError`."""
    task = asyncio.create_task(job)
    await asyncio.sleep(after)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_a_result_narrows_to_a_term_or_to_a_lost_campaign(world: World) -> None:
    async def main() -> tuple[int, str]:
        number, reason = 0, ""
        for election in (world.election(), world.election()):
            if term := await election.campaign():
                number = term.number
            else:
                reason = term.reason
        return number, reason

    assert world.run(main()) == (1, "held")


@pytest.mark.parametrize(
    ("raised", "outcome"),
    [(None, "completed"), (ZeroDivisionError("x"), "failed")],
    ids=["completed", "failed"],
)
def test_leaving_the_block_seals_the_lock(
    world: World, raised: Exception | None, outcome: str
) -> None:
    async def main() -> None:
        async with await term_of(world):
            if raised is not None:
                raise raised

    if raised is None:
        world.run(main())
    else:
        with pytest.raises(type(raised)):
            world.run(main())
    reason = None if raised is None else "ZeroDivisionError: x"
    assert outcomes(world) == [(outcome, reason)]


def test_a_block_that_is_cancelled_resigns_so_that_the_tick_may_be_led_again(world: World) -> None:
    async def main() -> int:
        async def job() -> None:
            async with await term_of(world):
                await asyncio.sleep(9)

        await cancelled(job(), after=3)
        return (await term_of(world)).number

    assert world.run(main()) == 2
    assert outcomes(world)[0] == ("resigned", "cancelled")


def test_a_timeout_of_a_campaign_is_a_timeout_error(world: World) -> None:
    async def main() -> None:
        await term_of(world)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await world.election().campaign(wait=HOUR)

    world.run(main())
    assert world.clock.ms == FakeClock().ms + 5_000


def test_a_checkpoint_is_inherited(world: World) -> None:
    async def main() -> dict[str, Any]:
        async with await term_of(world) as term:
            await term.save({"after": 7})
            await term.resign("failed")
        return (await term_of(world)).state

    assert world.run(main()) == {"after": 7}


def test_a_continued_term_goes_on_with_its_tick_up_to_the_limit(world: World) -> None:
    async def main() -> int:
        async with await term_of(world, max_continuations=1) as term:
            await term.continue_later({"page": 1})
        async with await term_of(world, max_continuations=1) as term:
            with pytest.raises(TooManyContinuations):
                await term.continue_later()
        return term.leg

    assert world.run(main()) == 2
    assert [outcome for outcome, _ in outcomes(world)] == ["continued", "failed"]


def test_an_operator_reads_and_deposes(world: World) -> None:
    async def main() -> list[Any]:
        term, operator = await term_of(world), world.election()
        with pytest.raises(StillHeld):
            await operator.depose(reason="test")
        sealed = await operator.depose(reason="test", force=True)
        with pytest.raises(LeadershipLost):
            await term.renew()
        seen, history = await operator.observe(), await operator.history()
        return [sealed, seen, *history, await operator.terms()]

    sealed, seen, first, terms = world.run(main())
    assert (sealed.outcome, seen.outcome, first.reason) == ("deposed", "deposed", "test")
    assert terms == range(1, 2)


def test_stop_ends_a_wait_at_once(world: World) -> None:
    async def main() -> NotElected | AsyncTerm:
        stop = asyncio.Event()
        await term_of(world)
        asyncio.get_running_loop().call_later(0.1, stop.set)
        return await world.election(poll=HOUR, lease=2 * HOUR).campaign(wait=HOUR, stop=stop)

    result = world.run(main())
    assert isinstance(result, NotElected)
    assert (result.reason, world.clock.ms - FakeClock().ms <= 200) == ("stopped", True)


def test_a_stop_that_is_set_sends_nothing(world: World) -> None:
    async def main() -> NotElected | AsyncTerm:
        stop = asyncio.Event()
        stop.set()
        return await world.election().campaign(stop=stop)

    assert (repr(world.run(main())), world.store.requests) == (
        "NotElected(stopped, no lock, requests=0)",
        [],
    )


@pytest.mark.parametrize(
    "arguments",
    [{"stop": threading.Event()}, {"tick": "today"}, {"wait": -SECOND}, {"repeat": True}],
    ids=["stop", "tick", "wait", "repeat"],
)
def test_a_campaign_that_cannot_be_is_refused(world: World, arguments: Any) -> None:
    async def main() -> None:
        with pytest.raises(InvalidArgument):
            await world.election().campaign(**arguments)

    world.run(main())
    assert world.store.requests == []


def test_candidates_in_one_loop_lead_one_after_the_other(world: World) -> None:
    leading: list[int] = []
    together: list[int] = []

    async def candidate() -> None:
        async with won(await world.election().campaign(wait=HOUR)) as term:
            leading.append(term.number)
            await asyncio.sleep(2)
            together.append(len(leading))
            leading.clear()

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(5):
                group.create_task(candidate())

    world.run(main())
    assert together == [1] * 5
    assert [outcome for outcome, _ in outcomes(world)] == ["completed"] * 5


def test_many_elections_in_one_loop_are_each_led() -> None:
    world = World()
    names = [f"shard-{number}" for number in range(50)]

    async def lead(name: str) -> int:
        election = testing.async_election(name, store=world.store, clock=world.clock)
        async with won(await election.campaign()) as term:
            await term.renew()
        return term.number

    async def main() -> list[int]:
        return await asyncio.gather(*(lead(name) for name in names))

    assert world.run(main()) == [1] * 50


def test_candidates_of_both_kinds_contend(world: World) -> None:
    blocking = testing.election("e", store=world.store, clock=world.clock)

    async def main() -> bool:
        async with await term_of(world):
            return bool(blocking.campaign())

    assert world.run(main()) is False
    assert bool(blocking.campaign()) is True


def test_requests_that_hang_do_not_delay_a_renewal() -> None:
    """Hundred candidates wait for a store that hangs, and every thread of the loop's pool does."""
    hangs = threading.Event()

    class HangingStore(MemoryStore):
        def perform(self, request: StoreRequest) -> StoreAnswer:
            hangs.wait(60)
            return super().perform(request)

    async def main() -> bool:
        loop = asyncio.get_running_loop()
        pool = [loop.run_in_executor(None, hangs.wait, 60) for _ in range(40)]
        term = won(await testing.async_election(store=MemoryStore()).campaign())
        others = [testing.async_election(str(n), store=HangingStore()) for n in range(100)]
        tasks = [asyncio.create_task(other.campaign()) for other in others]
        await term.renew()
        renewed_before = not hangs.is_set()
        hangs.set()
        await asyncio.gather(*pool, *tasks)
        return renewed_before

    assert asyncio.run(main()) is True


def test_a_request_has_the_context_of_its_task() -> None:
    """So that traces of the store's requests belong to the campaign that sent them."""
    name, seen = contextvars.ContextVar("name", default="none"), set[str]()

    class ObservedStore(MemoryStore):
        def perform(self, request: StoreRequest) -> StoreAnswer:
            seen.add(name.get())
            return super().perform(request)

    async def main() -> None:
        name.set("campaign")
        await testing.async_election(store=ObservedStore()).campaign()

    asyncio.run(main())
    assert seen == {"campaign"}


def test_a_thread_that_cannot_start_is_an_unknown_answer_and_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, failures = threading.Thread.start, iter([True, True])

    def fail_twice(thread: threading.Thread) -> None:
        if next(failures, False):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", fail_twice)
    assert world.run(term_of(world)).number == 1


@pytest.mark.parametrize("fault", [Fault.ANSWER_LOST, Fault.LATE, Fault.ECHOED, Fault.CONFLICTED])
@pytest.mark.parametrize("on", [Create, Replace])
def test_a_write_without_an_answer_is_settled(world: World, fault: Fault, on: Any) -> None:
    async def main() -> None:
        world.store.script(fault, on=on, nth=2 if on is Replace else 1)
        async with await term_of(world) as term:
            await term.renew()

    world.run(main())
    world.store.deliver_late()
    assert outcomes(world) == [("completed", None)]


def test_a_term_is_refused_in_another_loop(world: World) -> None:
    term = world.run(term_of(world))
    with pytest.raises(InvalidArgument, match="event loop that won it"):
        world.run(term.renew())
    assert (term.held, term.remaining() > timedelta(0)) == (True, True)


@FORKS
def test_a_fork_holds_nothing(world: World) -> None:
    term = world.run(term_of(world))
    asked = len(world.store.requests)

    def child() -> tuple[bool, int]:
        async def main() -> None:
            async with term:
                with pytest.raises(LeadershipLost, match="is a fork of that one"):
                    await term.renew()

        asyncio.run(main())
        return term.held, len(world.store.requests) - asked

    assert (in_child(child), term.held) == ("(False, 0)", True)


def test_a_loop_that_is_shut_down_ends_its_terms(world: World) -> None:
    """`asyncio.run` cancels the tasks that are left when the main one returns, all at once."""

    async def job() -> None:
        async with await term_of(world) as term, term.keep_renewing(every=SECOND):
            await asyncio.sleep(10**6)

    async def main() -> None:
        _background = asyncio.create_task(job())  # noqa: RUF006 - the loop ends it
        await asyncio.sleep(20.5)

    with asyncio.Runner(loop_factory=lambda: VirtualLoop(world.clock)) as runner:
        runner.run(main())
    assert outcomes(world) == [("resigned", "cancelled")]


@pytest.mark.skipif(
    threading.current_thread() is not threading.main_thread(), reason="signals reach one thread"
)
def test_ctrl_c_seals_the_lock() -> None:
    store = MemoryStore()

    async def main() -> None:
        async with won(await testing.async_election("e", store=store).campaign()):
            signal.raise_signal(signal.SIGINT)
            await asyncio.sleep(60)

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(main())
    lock = testing.election("e", store=store).observe()
    assert lock is not None
    assert (lock.outcome, lock.reason) == ("resigned", "cancelled")


def test_options_are_those_of_an_election() -> None:
    expected = set(inspect.signature(Election).parameters)
    own = set(inspect.signature(AsyncElection).parameters) - {"options"}
    assert own | set(get_type_hints(ElectionOptions)) == expected


@pytest.mark.parametrize("options", [{"lease": timedelta(0)}, {"name": "a//b"}], ids=str)
def test_options_that_cannot_be_are_refused_before_a_client_is_made(options: Any) -> None:
    with pytest.raises(InvalidArgument):
        AsyncElection(**{"name": "e", "bucket": "locks", **options})


def test_a_candidate_without_a_name_gets_one() -> None:
    client: Any = None
    made = [
        AsyncElection("e", bucket="locks", client=client, candidate=name)  # type: ignore[arg-type]
        for name in (None, "me")
    ]
    assert [bool(made[0].config.candidate), made[1].config.candidate] == [True, "me"]
