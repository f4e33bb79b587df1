"""A poller outside Lambda: of any number of processes, one polls.

    LOCK_BUCKET=… python main.py

It leads until SIGTERM or SIGINT, then resigns, so that another can lead at once. If it is killed,
another leads after its lease of ten seconds and the allowance for clock skew.
"""

import os
import signal
import threading
from datetime import timedelta

from s3leader import Election, LeadershipLost, StoreUnavailable, Term


def main() -> None:
    """Campaign and lead until a signal."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        # In a thread: a handler may interrupt the main thread's own use of the event.
        signal.signal(number, lambda *_: threading.Thread(target=stop.set).start())
    election = Election("poller", bucket=os.environ["LOCK_BUCKET"], lease=timedelta(seconds=10))
    while not stop.is_set():
        try:
            if term := election.campaign(wait=timedelta(seconds=2), stop=stop):
                lead(term, stop)
        except LeadershipLost as lost:
            print(f"lost leadership: {lost}", flush=True)
        except StoreUnavailable as error:
            print(f"S3 cannot be reached: {error}", flush=True)
            stop.wait(5)


def lead(term: Term, stop: threading.Event) -> None:
    """Poll while a thread renews the lease."""
    with term, term.keep_renewing():
        while term.held and not stop.is_set():
            print(f"polling as the leader of term {term.number}", flush=True)
            stop.wait(1)


if __name__ == "__main__":
    main()
