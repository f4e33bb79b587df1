"""Leader election on Amazon S3 conditional writes, for jobs that must run once.

What is *not* guaranteed: that a leader which was paused beyond its lease notices in time. It may
send one more write while its successor is working. Check `term.ensure_held()` before each effect,
and let the receiver refuse old fencing tokens (`s3leader.fencing`). Nor are the effects of a
crashed job undone: a tick may be attempted more than once, and is completed at most once.

What is guaranteed, as long as the clocks of S3's own servers differ by less than `clock_skew`: at
any moment at most one candidate holds an election, by its own monotonic clock; term numbers only
rise; no tick is completed by two terms; and when a leader dies, another candidate can lead once
its lease is over.
"""

from typing import TYPE_CHECKING

from ._core.lock import Lock
from ._io.s3_options import BucketOptions
from .election import Election, NotElected
from .errors import (
    BucketUnusable,
    ContinuationNotStarted,
    CorruptLock,
    CorruptObject,
    InvalidArgument,
    LeadershipLost,
    LedgerFull,
    Overwritten,
    S3LeaderError,
    StaleToken,
    StillHeld,
    StoreUnavailable,
    TooManyContinuations,
)
from .term import Term

if TYPE_CHECKING:
    from .leader_elector import LeaderElector

__all__ = [
    "BucketOptions",
    "BucketUnusable",
    "ContinuationNotStarted",
    "CorruptLock",
    "CorruptObject",
    "Election",
    "InvalidArgument",
    "LeaderElector",
    "LeadershipLost",
    "LedgerFull",
    "Lock",
    "NotElected",
    "Overwritten",
    "S3LeaderError",
    "StaleToken",
    "StillHeld",
    "StoreUnavailable",
    "Term",
    "TooManyContinuations",
]

if TYPE_CHECKING:
    __version__: str
    """The version of the distribution, `unknown` where only its files were copied (Lambda)."""
else:

    def __getattr__(name: str) -> object:
        """Return what only its users pay for importing."""
        if name == "LeaderElector":
            from .leader_elector import LeaderElector  # noqa: PLC0415 - see above

            return LeaderElector
        if name != "__version__":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import metadata  # noqa: PLC0415 - see above

        try:
            return metadata.version(__name__)
        except metadata.PackageNotFoundError:
            return "unknown"
