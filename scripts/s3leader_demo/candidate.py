"""One candidate process of act two: campaigns for a tick and, if it leads, compacts.

Reports on its standard output, one JSON object a line, what happens and when.
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

_PATIENCE = timedelta(minutes=3)


def main() -> None:
    """Campaign until elected, or until the tick is done."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent-pipe", type=int, required=True)
    for name in ("--name", "--tick", "--election", "--lock-bucket", "--data-bucket"):
        parser.add_argument(name, required=True)
    for name in ("--lease", "--clock-skew"):
        parser.add_argument(name, type=float, required=True)
    parser.add_argument("--batch-objects", type=int, required=True)
    asked = parser.parse_args()
    exit_with_parent(asked.parent_pipe)
    election = Election(
        asked.election,
        bucket=asked.lock_bucket,
        lease=timedelta(seconds=asked.lease),
        clock_skew=timedelta(seconds=asked.clock_skew),
        candidate=f"{asked.name}/{os.getpid()}/{secrets.token_hex(4)}",
    )
    limits = Limits(batch_objects=asked.batch_objects)
    _report("campaigns")
    while True:
        try:
            term = election.campaign(tick=asked.tick, wait=_PATIENCE)
            if isinstance(term, NotElected):
                _report("lost", reason=term.reason)
                return
            _report("won", term=term.number)
            with term, term.keep_renewing():
                compact(term, asked.data_bucket, limits=limits)
            _report("completed", term=term.number)
        except (LeadershipLost, StaleToken, StoreUnavailable) as error:
            # A machine so busy that renewals come late: no harm is done, and it may lead again.
            _report("hindered", why=str(error))
        else:
            return


def _report(event: str, **facts: object) -> None:
    print(json.dumps({"event": event, "at": time.time(), **facts}), flush=True)


if __name__ == "__main__":
    main()
