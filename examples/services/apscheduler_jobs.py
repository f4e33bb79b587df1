"""APScheduler in several processes: each run of a schedule is done by one of them.

LOCK_BUCKET=… python apscheduler_jobs.py
"""

import os
import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.background import BackgroundScheduler

from s3leader import Election, Term

EVERY = timedelta(minutes=5)
LATEST_START = timedelta(minutes=1)  # after the time that the schedule names
WAIT = timedelta(minutes=3)  # for a leader that may fail; with LATEST_START, shorter than EVERY


def host_clock() -> datetime:
    """Return this host's time: it only names the run, and takes no part in the election."""
    return datetime.now(UTC)  # noqa: TID251 - see above


def add_singleton(
    scheduler: BackgroundScheduler,
    election: Election,
    job: Callable[[Term, threading.Event], None],
    stop: threading.Event,
    clock: Callable[[], datetime] = host_clock,
) -> None:
    """Run `job` each five minutes in one of the processes; in another one if it fails.

    If `job` sees that `stop` is set before it is done, it raises.
    """

    def run() -> None:
        now = clock()  # a run that starts late, within the grace time, names the same tick
        tick = now - (now - datetime.min.replace(tzinfo=UTC)) % EVERY
        if term := election.campaign(tick, wait=WAIT, stop=stop):
            with term, term.keep_renewing():
                job(term, stop)

    grace = LATEST_START // timedelta(seconds=1)
    scheduler.add_job(run, "cron", minute="*/5", misfire_grace_time=grace, coalesce=True)


def serve(
    scheduler: BackgroundScheduler,
    election: Election,
    job: Callable[[Term, threading.Event], None],
) -> None:
    """Take part until a signal."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=stop.set).start())
    add_singleton(scheduler, election, job, stop)
    scheduler.start()
    while not stop.wait(1):
        pass  # the handler of a signal that another thread has received runs now
    scheduler.shutdown()  # waits for a run that is under way


def poll(term: Term, stop: threading.Event) -> None:
    """Do the work of one run."""
    for page in range(3):
        if stop.is_set():
            raise InterruptedError("stopped")
        print(f"polling page {page} with fencing token {term.number}")


if __name__ == "__main__":
    locks = Election("poll", bucket=os.environ["LOCK_BUCKET"], max_attempts=3)
    serve(BackgroundScheduler(timezone=UTC), locks, poll)
