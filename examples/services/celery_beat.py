"""Celery beat on several hosts, of which one sends tasks: with its checkpoint, the next goes on.

`tick` is Celery's word here: a look at what is due. No term of this election has a tick.

LOCK_BUCKET=… celery --app celery_beat beat --scheduler celery_beat.LeadingScheduler
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

from celery import Celery
from celery.beat import Scheduler

from s3leader import Election, LeadershipLost, StoreUnavailable, Term

app = Celery("celery_beat")
app.conf.beat_schedule = {"poll": {"task": "poll", "schedule": 60.0}}

LEASE = timedelta(seconds=30)


@contextmanager
def signals_afterwards() -> Iterator[None]:
    """Let no signal end beat in the middle of a request, whose lock nobody would then hold."""
    came: list[int] = []
    before = {
        number: signal.signal(number, lambda which, _: came.append(which))
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


class LeadingScheduler(Scheduler):  # type: ignore[misc]  # Celery has no types
    """Sends what is due while it leads, and saves when each task was sent last."""

    term: Term | None = None
    election: Election | None = None

    def tick(self, *args: object, **options: object) -> float:
        """Send what is due; return the seconds until the next tick, at most a third of a lease."""
        with signals_afterwards():
            try:
                return self._lead(*args, **options)
            except (LeadershipLost, StoreUnavailable):
                self.term = None
                return 5

    def _lead(self, *args: object, **options: object) -> float:
        if self.term is None or not self.term.held:
            self._campaign()
        if self.term is None:
            return 5
        seconds: float = super().tick(*args, **options)
        self.term.save({name: str(each.last_run_at) for name, each in self.schedule.items()})
        return min(LEASE.total_seconds() / 3, seconds)

    def _campaign(self) -> None:
        if self.election is None:
            self.election = Election("beat", bucket=os.environ["LOCK_BUCKET"], lease=LEASE)
        self.term = self.election.campaign() or None
        for name, sent in self.term.state.items() if self.term else ():
            if name in self.schedule:
                self.schedule[name].last_run_at = datetime.fromisoformat(sent)
        self._heap = None  # private to Celery (read in 5.7): beat makes it anew from these times

    def close(self) -> None:
        """Let another host lead at once."""
        with signals_afterwards(), suppress(LeadershipLost, StoreUnavailable):
            if self.term is not None and self.term.held:
                self.term.resign("resigned", "stopped")
        super().close()
