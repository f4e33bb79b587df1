"""A candidate process: it campaigns for a tick and, if it leads, compacts.

It writes to standard output what happens and when, one JSON object a line.
"""

import json
import sys
import time
from datetime import timedelta

from botocore.exceptions import BotoCoreError, ClientError

from compaction import InputsWithheld, Limits, compact
from compaction.clients import connections
from local_cloud.child_process import exit_with_parent
from s3leader import Election, LeadershipLost, NotElected, StaleToken, StoreUnavailable

LEASE, CLOCK_SKEW = timedelta(seconds=3), timedelta(seconds=1)
# What `compact` raises and another term may cure. Its other errors need a human and end the demo:
# BucketUnusable, CorruptManifest, CorruptObject, KeyTaken, Overwritten.
_MAY_PASS = (
    LeadershipLost,
    StaleToken,
    StoreUnavailable,
    InputsWithheld,
    ClientError,
    BotoCoreError,
)
_ATTEMPTS = 20  # then an error that was expected to pass ends the demo
_LIMITS = Limits(batch_objects=20)


def main(parent_pipe: str, name: str, lock_bucket: str, data_bucket: str, tick: str) -> None:
    """Campaign until elected, or until the tick is done."""
    exit_with_parent(int(parent_pipe))
    election = Election(
        name, bucket=lock_bucket, lease=LEASE, clock_skew=CLOCK_SKEW, max_attempts=_ATTEMPTS
    )
    client, manifest = connections(data_bucket)
    while True:
        try:
            term = election.campaign(tick=tick, wait=timedelta(minutes=3))
            if isinstance(term, NotElected):
                _report("lost", reason=term.reason)
                return
            _report("won", term=term.number)
            with term, term.keep_renewing():
                compact(term, data_bucket, client=client, manifest=manifest, limits=_LIMITS)
            _report("completed", term=term.number)
        except _MAY_PASS as error:
            # On a busy machine renewals and answers come too late. That does no harm: campaign
            # again.
            _report("stopped", reason=str(error))
        else:
            return


def _report(event: str, **facts: object) -> None:
    print(json.dumps({"event": event, "at": time.time(), **facts}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
