"""A candidate process under asyncio on a real S3 server; its job compacts in a thread."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any

from s3leader import S3LeaderError, StoreUnavailable, testing
from s3leader.aio import AsyncElection, AsyncTerm
from s3leader.fencing import Snapshot
from tests.verification.kills.compacting_candidate import (
    ERRORS,
    FIRST_TICK,
    CompactingCandidate,
    is_stale,
)
from tests.verification.processes import stop_requested


class AsyncCompactingCandidate(CompactingCandidate):
    """One process with one event loop."""

    def run(self, *, until_empty: bool) -> None:
        """Lead tick after tick until SIGTERM; with `until_empty`, until no inputs are left."""
        setup = self._setup
        election = testing.async_election(setup.name, store=setup.locks, **self._options())
        asyncio.run(self._run(election, until_empty=until_empty))

    async def _run(self, election: AsyncElection, *, until_empty: bool) -> None:
        tick = FIRST_TICK
        while not stop_requested():
            self._log.record("campaigns", tick=str(tick))
            try:
                result = await election.campaign(tick=tick, wait=timedelta(seconds=1))
            except StoreUnavailable:
                self._log.record("finds no S3")
                continue
            if isinstance(result, AsyncTerm):
                completed = await self._lead_async(result)
                if completed and until_empty and not await asyncio.to_thread(self._inputs):
                    return
                tick += timedelta(seconds=1 if completed else 0)
                await asyncio.sleep(self._chance.uniform(0.2, 0.6))
                continue
            tick = self._next_tick(tick, result)

    async def _lead_async(self, term: AsyncTerm) -> bool:
        """Compact as leader; return whether the tick is completed."""
        self._log.leads("won", term, tick=str(term.tick))
        claimed: Snapshot | None = None
        try:
            claimed = await asyncio.to_thread(self._manifest.claim, term.number)
            self._log.record("claimed", term=term.number)
            async with term.keep_renewing():
                await self._compact_in_thread(term)
            self._log.leads("leads", term)
            self._log.record("ends", term=term.number)
            await term.resign()
        except ERRORS as error:
            self._record_end(term, error)
            if not is_stale(error):
                with suppress(S3LeaderError):
                    await term.resign("failed", f"{type(error).__name__}: {error}")
                    self._log.record("resigned", term=term.number)
                    return False
            await asyncio.to_thread(self._try_stale_writes, term, claimed)
            return False
        self._log.record("completed", term=term.number, tick=str(term.tick))
        return True

    async def _compact_in_thread(self, term: AsyncTerm) -> None:
        """Compact; when this is cancelled, wait for the thread, which nothing can end."""
        loop = asyncio.get_running_loop()

        def save(state: dict[str, Any]) -> None:
            asyncio.run_coroutine_threadsafe(term.save(state), loop).result()

        thread = asyncio.create_task(asyncio.to_thread(self._compact, term, save))
        try:
            await asyncio.shield(thread)
        except asyncio.CancelledError:
            with suppress(*ERRORS):
                await thread
            raise
