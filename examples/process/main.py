"""A poller outside Lambda: any number of processes, of which one polls.

    LOCK_BUCKET=… python main.py

It leads until it is told to end (SIGTERM, SIGINT), and resigns, so that another leads at once. If
it is killed, another leads after its lease of ten seconds, and the allowance for clock skew.
"""

import os
import signal
import threading
from datetime import timedelta

from s3leader import Election, LeadershipLost, StoreUnavailable, Term


def main() -> None:
    """Campaign and lead, by turns, until told to end."""
    told_to_end = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told_to_end.set())
    election = Election("poller", bucket=os.environ["LOCK_BUCKET"], lease=timedelta(seconds=10))
    while not told_to_end.is_set():
        try:
            if term := election.campaign(wait=timedelta(seconds=2)):
                lead(term, told_to_end)
        except LeadershipLost as lost:
            print(f"lost the lead: {lost}", flush=True)
        except StoreUnavailable as away:
            print(f"S3 cannot be reached: {away}", flush=True)
            told_to_end.wait(5)


def lead(term: Term, told_to_end: threading.Event) -> None:
    """Poll while the lease holds, which a thread renews meanwhile."""
    with term, term.keep_renewing():
        while term.held and not told_to_end.is_set():
            print(f"polling as the leader of term {term.number}", flush=True)
            told_to_end.wait(1)


if __name__ == "__main__":
    main()
