"""The libraries that are compared, and what each does and does not guarantee.

Each statement was read in the source of the version that `requirements.txt` names; `read` says in
which files. The surprising ones were also tried on the emulator (`test_peers.py`), and a takeover
that does not happen is in the figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Table:
    """A table of DynamoDB: its name, and each key with its type, the partition key first."""

    name: str
    keys: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What stands beside a library's figures. Markdown, each a clause without a full stop."""

    token: str
    lease_ends: str
    crash: str
    release: str
    paused: str
    ticks: str = "no"
    read: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A library: its package on PyPI, its module in `adapters`, its table; None: it is on S3.

    `polls` says how often a standby asks, `renews` whether the library renews a lease by itself.
    `facts` is None for a second row of one library.
    """

    package: str
    adapter: str
    table: Table | None = None
    variant: str = ""
    polls: str = "once a second, by its caller"
    renews: bool = False
    facts: Facts | None = None

    @property
    def name(self) -> str:
        """The package, and which variant."""
        return f"{self.package}, {self.variant}" if self.variant else self.package


def _table(name: str, *keys: str) -> Table:
    return Table(name, tuple((key, "S") for key in keys))


HOSTS: Final = "the hosts' clocks"
NOT_NOTICED: Final = "not noticed"

OURS: Final = Peer(
    package="s3leader",
    adapter="s3leader_warm",
    variant="warm",
    polls="by default",
    renews=True,
    facts=Facts(
        token="the term's number",  # noqa: S106 - a fencing token
        lease_ends="S3's clock and 3 s; a holder's own lease by its monotonic clock",
        crash="yes: the lapsed lock is sealed, then the next one is created",
        release="conditional (`If-Match`)",
        paused="`ensure_held` raises; `FencedObject` and the fencing adapters reject its writes",
        ticks="yes",
        read="`lambda_src/s3leader`",
    ),
)
OURS_COLD: Final = Peer(
    package="s3leader", adapter="s3leader_cold", variant="cold", polls="by default", renews=True
)

PEERS: Final = (
    Peer(
        package="python-dynamodb-lock",
        adapter="dynamodb_lock",
        table=_table("DynamoDBLockTable", "lock_key", "sort_key"),
        polls="each heartbeat period, 5 s",
        renews=True,
        facts=Facts(
            token="none: its record version is a UUID",  # noqa: S106
            lease_ends="the candidate's monotonic clock, since it first saw the record version",
            crash="yes, after a whole lease of watching",
            release="conditional on the record version; its `with` swallows the body's exception",
            paused="a callback at the next heartbeat, in another thread; no write is rejected",
            read="`python_dynamodb_lock.py`",
        ),
    ),
    Peer(
        package="dynamo-dlm",
        adapter="dlm",
        table=Table("dynamo_dlm_locks", (("resource_id", "S"), ("concurrency_id", "N"))),
        polls="without a pause (`acquire`)",
        facts=Facts(
            token="none: its release code is a UUID",  # noqa: S106
            lease_ends=f"{HOSTS}, in whole seconds",
            crash="yes",
            release="conditional on the release code",
            paused="a line in the log when it releases",
            read="`lock.py`",
        ),
    ),
    Peer(
        package="dynalock",
        adapter="dynalock",
        table=_table("dynalock", "LockId"),
        facts=Facts(
            token="none",  # noqa: S106
            lease_ends=f"{HOSTS}, in whole seconds",
            crash="yes",
            release="**unconditional**: a late holder deletes its successor's lock",
            paused=NOT_NOTICED,
            read="`dynalock.py`",
        ),
    ),
    Peer(
        package="s3-locks",
        adapter="s3_locks",
        facts=Facts(
            token="none",  # noqa: S106
            lease_ends=HOSTS,
            crash="yes; an object that it cannot parse counts as expired",
            release="conditional (`If-Match`)",
            paused=NOT_NOTICED,
            read="`main.py`",
        ),
    ),
    Peer(
        package="aws-lambda-powertools",
        adapter="powertools",
        variant="idempotency",
        table=_table("powertools", "id"),
        facts=Facts(
            token="none",  # noqa: S106
            lease_ends=HOSTS,
            crash="yes, once the invocation's remaining time is over; without a registered Lambda"
            " context after `expires_after_seconds`",
            release="**unconditional**: a late function overwrites its successor's record",
            paused=NOT_NOTICED,
            ticks="yes, until the record expires",
            read="`base.py`, `persistence/base.py`, `persistence/dynamodb.py`",
        ),
    ),
    Peer(
        package="lynk",
        adapter="lynk",
        table=_table("lynk", "lockKey"),
        polls="once in a lease of 30 s",
        renews=True,
        facts=Facts(
            token="none: its version number is a UUID",  # noqa: S106
            lease_ends="a candidate's sleep of a whole lease after it saw the version",
            crash="**no**, on Python 3.11: it is to sleep for the lease that it read, a `Decimal`,"
            " which raises a `TypeError`",
            release="conditional on the version",
            paused="the thread that refreshes ends with an error; the holder is not notified",
            read="`techniques.py`, `refresh.py`, `backends/dynamodb.py`",
        ),
    ),
    Peer(
        package="stormlock",
        adapter="stormlock",
        variant="on DynamoDB",
        table=_table("stormlock", "resource"),
        facts=Facts(
            token="none",  # noqa: S106
            lease_ends=f"{HOSTS}, in whole seconds",
            crash="**no**: Python's `or` drops the second half of its condition, so a lock is free"
            " only when its item is deleted",
            release="conditional on the lease",
            paused="`renew` asks only that the lock has not expired, for the same reason",
            read="`backends/dynamodb.py`",
        ),
    ),
    Peer(
        package="dynamodblock",
        adapter="dynamodblock",
        table=_table("dynamodblock", "lock_id"),
        polls="once a second, its default",
        facts=Facts(
            token="none",  # noqa: S106
            lease_ends=HOSTS,
            crash="yes",
            release="**check, then delete**: the condition of the delete holds for any holder; an"
            " object that has released once never does again",
            paused=NOT_NOTICED,
            read="`dynamodblock.py`",
        ),
    ),
    Peer(
        package="dyndbmutex",
        adapter="dyndbmutex",
        table=_table("Mutex", "lockname"),
        facts=Facts(
            token="none",  # noqa: S106
            lease_ends=HOSTS,
            crash="yes",
            release="conditional on the holder",
            paused=f"{NOT_NOTICED}; an error other than a failed condition counts as a win",
            read="`dyndbmutex.py`",
        ),
    ),
)
ALL: Final = (OURS, OURS_COLD, *PEERS)
