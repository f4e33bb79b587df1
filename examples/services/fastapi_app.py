"""A FastAPI application of which one replica polls, in the background.

LOCK_BUCKET=… uvicorn --factory fastapi_app:create_app
"""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from fastapi import FastAPI

from s3leader import LeadershipLost, StoreUnavailable
from s3leader.aio import AsyncElection, AsyncTerm

log = logging.getLogger(__name__)


def create_app(election: AsyncElection | None = None) -> FastAPI:
    """Return the application; a test passes an `s3leader.testing.async_election`."""
    election = election or AsyncElection("poller", bucket=os.environ["LOCK_BUCKET"])

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        stop = asyncio.Event()
        leading = asyncio.create_task(campaign_and_lead_forever(election, stop))
        leading.add_done_callback(end_the_server_after_an_error)
        try:
            yield
        finally:
            stop.set()  # resigns, so that another replica leads at once
            await asyncio.wait([leading])

    return FastAPI(lifespan=lifespan)


def end_the_server_after_an_error(leading: asyncio.Task[None]) -> None:
    """Send the server SIGTERM, lest it serve on and never campaign again."""
    if not leading.cancelled() and (error := leading.exception()):
        log.critical("this replica no longer campaigns, and ends", exc_info=error)
        signal.raise_signal(signal.SIGTERM)


async def campaign_and_lead_forever(election: AsyncElection, stop: asyncio.Event) -> None:
    """Campaign until elected, lead until it ends, and campaign again, until `stop` is set."""
    while not stop.is_set():
        try:
            if term := await election.campaign(wait=timedelta(minutes=1), stop=stop):
                async with term, term.keep_renewing():
                    await poll(term, stop)
        except (LeadershipLost, StoreUnavailable) as error:
            log.warning("%s", error)
            await pause(5, stop)


async def poll(term: AsyncTerm, stop: asyncio.Event) -> None:
    """Do the work of the one leader; it is cancelled here when leadership is lost."""
    while not stop.is_set():
        print(f"polling with fencing token {term.number}", flush=True)
        await pause(1, stop)


async def pause(seconds: float, stop: asyncio.Event) -> None:
    """Wait for some seconds, or until `stop` is set."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
