"""A candidate under asyncio on a hostile S3: it also cancels its own campaigns and its own work."""

import asyncio
from contextlib import AsyncExitStack, suppress
from datetime import datetime, timedelta

from s3leader import LeadershipLost, NotElected, StoreUnavailable, testing
from s3leader.aio import AsyncElection, AsyncTerm
from tests.verification.event_log import now_ns
from tests.verification.fault_injection.candidate import Candidate
from tests.verification.processes import stop_requested

_TURNS = 3  # of the event loop, which by then has run each timer that was due


class AsyncCandidate(Candidate):
    """One process with one event loop. The fenced object is written from a thread."""

    def run(self) -> None:
        """Campaign until asked to stop."""
        options = self._contest.options(self._name)
        asyncio.run(self._run(testing.async_election("contest", store=self._store, **options)))

    async def _run(self, election: AsyncElection) -> None:
        while not stop_requested():
            tick, wait = self._begin_campaign()
            try:
                result = await self._campaign(election, tick, wait)
            except StoreUnavailable:
                self._log.record("finds no S3")
                continue
            except TimeoutError:
                self._expect_nothing_left("campaign")
                self._log.record("is cancelled")
                continue
            if isinstance(result, AsyncTerm):
                await self._lead_async(result)
            else:
                self._lose(result)
            await asyncio.sleep(self._chance.uniform(0.02, 0.25))

    async def _campaign(
        self, election: AsyncElection, tick: datetime, wait: timedelta
    ) -> AsyncTerm | NotElected:
        """Campaign; one in eight times, cancel that after a moment."""
        hurried = self._chance.random() < 0.125
        async with asyncio.timeout(self._chance.uniform(0, 0.5) if hurried else None):
            return await election.campaign(tick=tick, wait=wait)

    async def _lead_async(self, term: AsyncTerm) -> None:
        self._log.leads("won", term, tick=str(term.tick))
        try:
            claims = self._chance.random() < 0.6
            claimed = await asyncio.to_thread(self._claimed, term) if claims else None
            drawn = self._chance.random()
            if drawn < 0.15:
                await self._lead_until_cancelled(term)
            async with AsyncExitStack() as stack:
                if drawn < 0.55:
                    await stack.enter_async_context(term.keep_renewing())
                await self._work_async(term)
            self._expect_nothing_left("keep_renewing()")
            await asyncio.to_thread(self._write_fenced, term, claimed)
            await self._end_async(term)
        except LeadershipLost as error:
            self._log.record("lost", term=term.number, why=error.why)
            await asyncio.to_thread(lambda: self._write_fenced(term, self._claimed(term)))
            if self._chance.random() < 0.5:  # it may still seal its lock, for its successor's sake
                self._log.record("ends", term=term.number)
                with suppress(LeadershipLost, StoreUnavailable):
                    await term.resign("failed")
        except StoreUnavailable:
            self._log.record("left open", term=term.number)

    async def _work_async(self, term: AsyncTerm) -> None:
        for _ in range(self._chance.randint(2, 4)):
            if self._chance.random() < 0.2:
                await term.renew()
            if term.remaining() > self._contest.lease / 3:
                read_at, value = self._read_counter()
                await asyncio.sleep(self._chance.uniform(0.005, 0.05))
                self._write_counter(term, read_at, value)
            self._log.leads("leads", term)

    async def _lead_until_cancelled(self, term: AsyncTerm) -> None:
        """Lead in a block that is renewed too late, so that the event loop has to cancel it; note
        that this goes on although the lease was over and the loop has had its turns.
        """
        await term.renew()
        async with term.keep_renewing(self._contest.lease * 0.9):  # later than the cancellation
            until = now_ns() + int(term.remaining().total_seconds() * 1e9)
            while now_ns() < until:
                self._log.leads("leads", term)
                await asyncio.sleep(0.02)
            for _ in range(_TURNS):
                await asyncio.sleep(0)
            self._log.record("goes on", term=term.number)

    def _expect_nothing_left(self, by: str) -> None:
        """Note a task or a request that is under way after the call that began it has ended."""
        tasks = [task.get_name() for task in asyncio.all_tasks() - {asyncio.current_task()}]
        if tasks or self._store.under_way:
            self._log.record("leaves behind", by=by, tasks=tasks, requests=self._store.under_way)

    async def _end_async(self, term: AsyncTerm) -> None:
        drawn = self._chance.random()
        if drawn < 0.08:  # as if it had died
            self._log.record("walks away", term=term.number)
            return
        if drawn < 0.16:  # leads for as long as it may
            while term.held:
                self._log.leads("leads", term)
                await asyncio.sleep(0.01)
        if drawn < 0.25:
            self._log.record("ends", term=term.number)
            with suppress(TimeoutError):
                async with asyncio.timeout(0), term:  # cancelled, so it resigns
                    await asyncio.sleep(60)
            ended = "left open" if term.outcome is None else "resigned"
            self._log.record(ended, term=term.number)
            return
        self._log.record("ends", term=term.number, tick=str(term.tick), outcome="completed")
        async with term:
            pass
        self._log.record("completed", term=term.number, tick=str(term.tick))
