"""A FastAPI application of which one replica polls, in the background.

LOCK_BUCKET=… uvicorn --factory fastapi_app:create_app
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from fastapi import FastAPI

from s3leader import LeadershipLost, StoreUnavailable
from s3leader.aio import AsyncElection, AsyncTerm


def create_app(election: AsyncElection | None = None) -> FastAPI:
    """Return the application; a test passes an `s3leader.testing.async_election`."""
    election = election or AsyncElection("poller", bucket=os.environ["LOCK_BUCKET"])

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            leading = tasks.create_task(lead_again_and_again(election))
            yield
            leading.cancel()  # resigns, so that another replica leads at once

    return FastAPI(lifespan=lifespan)


async def lead_again_and_again(election: AsyncElection) -> None:
    """Campaign until elected, lead until it ends, and campaign again."""
    while True:
        try:
            if term := await election.campaign(wait=timedelta(minutes=1)):
                async with term, term.keep_renewing():
                    await poll(term)
        except (LeadershipLost, StoreUnavailable) as error:
            logging.getLogger(__name__).warning("%s", error)
            await asyncio.sleep(5)


async def poll(term: AsyncTerm) -> None:
    """Do the work of the one leader."""
    while True:
        print(f"polling with fencing token {term.fencing_token}")
        await asyncio.sleep(1)
