"""An asyncio service: of any number of processes, one polls. SIGTERM lets another lead at once.

LOCK_BUCKET=… python asyncio_service.py
"""

import asyncio
import logging
import os
import signal
from contextlib import suppress
from datetime import timedelta

from s3leader import LeadershipLost, StoreUnavailable
from s3leader.aio import AsyncElection, AsyncTerm

log = logging.getLogger(__name__)


async def serve(election: AsyncElection) -> None:
    """Take part until a signal."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await campaign_and_lead_forever(election, stop)


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


if __name__ == "__main__":
    asyncio.run(serve(AsyncElection("poller", bucket=os.environ["LOCK_BUCKET"])))
