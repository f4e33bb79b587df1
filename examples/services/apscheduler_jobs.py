"""APScheduler in several processes: each run of a schedule is done by one of them.

LOCK_BUCKET=… python apscheduler_jobs.py
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.base import BaseScheduler
from apscheduler.schedulers.blocking import BlockingScheduler

from s3leader import Election, Term

EVERY = timedelta(minutes=5)


def host_clock() -> datetime:
    """Return this host's time: it only names the run, and takes no part in the election."""
    return datetime.now(UTC)  # noqa: TID251 - see above


def add_singleton(
    scheduler: BaseScheduler,
    election: Election,
    job: Callable[[Term], None],
    clock: Callable[[], datetime] = host_clock,
) -> None:
    """Run `job` each five minutes in one of the processes; in another one if it fails."""

    def run() -> None:
        now = clock()  # a run that starts late, within the grace time, names the same tick
        if term := election.campaign(now - (now - datetime.min.replace(tzinfo=UTC)) % EVERY):
            with term, term.keep_renewing():
                job(term)

    scheduler.add_job(run, "cron", minute="*/5", misfire_grace_time=240, coalesce=True)


if __name__ == "__main__":
    blocking = BlockingScheduler(timezone=UTC)
    locks = Election("poll", bucket=os.environ["LOCK_BUCKET"], max_attempts=3)
    add_singleton(blocking, locks, lambda term: print(f"polling in term {term.number}"))
    blocking.start()
