"""An asyncio service: of any number of processes, one polls. SIGTERM lets another lead at once.

LOCK_BUCKET=… python asyncio_service.py
"""

import asyncio
import os
import signal
from contextlib import suppress
from datetime import timedelta

from s3leader import LeadershipLost, StoreUnavailable
from s3leader.aio import AsyncElection, AsyncTerm


async def serve(election: AsyncElection) -> None:
    """Campaign and lead until a signal."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    while not stop.is_set():
        try:
            if term := await election.campaign(wait=timedelta(minutes=1), stop=stop):
                async with term, term.keep_renewing():
                    await lead(term, stop)
        except (LeadershipLost, StoreUnavailable) as error:
            print(error, flush=True)
            await pause(5, stop)


async def lead(term: AsyncTerm, stop: asyncio.Event) -> None:
    """Poll once a second; the loop cancels this when leadership is lost."""
    while not stop.is_set():
        print(f"polling as the leader of term {term.number}", flush=True)
        await pause(1, stop)


async def pause(seconds: float, stop: asyncio.Event) -> None:
    """Wait for some seconds, or until `stop` is set."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


if __name__ == "__main__":
    asyncio.run(serve(AsyncElection("poller", bucket=os.environ["LOCK_BUCKET"])))
