"""A candidate process: it campaigns for a tick and, if it leads, compacts.

It writes to standard output what happens and when, one JSON object a line.
"""

import argparse
import json
import os
import secrets
import time
from datetime import timedelta

from compaction import Limits, compact
from local_cloud.child_process import exit_with_parent
from s3leader import Election, LeadershipLost, NotElected, StaleToken, StoreUnavailable

_WAIT = timedelta(minutes=3)


def main() -> None:
    """Campaign until elected, or until the tick is done."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent-pipe", type=int, required=True)
    for name in ("--name", "--tick", "--election", "--lock-bucket", "--data-bucket"):
        parser.add_argument(name, required=True)
    for name in ("--lease", "--clock-skew"):
        parser.add_argument(name, type=float, required=True)
    parser.add_argument("--batch-objects", type=int, required=True)
    options = parser.parse_args()
    exit_with_parent(options.parent_pipe)
    election = Election(
        options.election,
        bucket=options.lock_bucket,
        lease=timedelta(seconds=options.lease),
        clock_skew=timedelta(seconds=options.clock_skew),
        candidate=f"{options.name}/{os.getpid()}/{secrets.token_hex(4)}",
    )
    limits = Limits(batch_objects=options.batch_objects)
    _report("campaigns")
    while True:
        try:
            term = election.campaign(tick=options.tick, wait=_WAIT)
            if isinstance(term, NotElected):
                _report("lost", reason=term.reason)
                return
            _report("won", term=term.number)
            with term, term.keep_renewing():
                compact(term, options.data_bucket, limits=limits)
            _report("completed", term=term.number)
        except (LeadershipLost, StaleToken, StoreUnavailable) as error:
            # On a busy machine renewals come too late. That does no harm: campaign again.
            _report("stopped", reason=str(error))
        else:
            return


def _report(event: str, **facts: object) -> None:
    print(json.dumps({"event": event, "at": time.time(), **facts}), flush=True)


if __name__ == "__main__":
    main()
