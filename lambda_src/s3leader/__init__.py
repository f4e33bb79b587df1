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

TYPE_CHECKING = False  # type checkers know the name; importing `typing` takes longer than this file
if TYPE_CHECKING:
    from ._core.lock import Lock
    from ._io.s3_options import BucketOptions
    from .election import Election, NotElected
    from .errors import (
        BucketUnusable,
        ContinuationNotStarted,
        CorruptLock,
        CorruptObject,
        GuardEnded,
        InvalidArgument,
        LeadershipLost,
        LedgerFull,
        Overwritten,
        S3LeaderError,
        StaleToken,
        StillHeld,
        StoreUnavailable,
        TableUnusable,
        TooManyContinuations,
    )
    from .leader_elector import LeaderElector
    from .partitions import Partitions
    from .term import Term

    __version__: str
    """The version of the distribution, `unknown` where only its files were copied (Lambda)."""

__all__ = [
    "BucketOptions",
    "BucketUnusable",
    "ContinuationNotStarted",
    "CorruptLock",
    "CorruptObject",
    "Election",
    "GuardEnded",
    "InvalidArgument",
    "LeaderElector",
    "LeadershipLost",
    "LedgerFull",
    "Lock",
    "NotElected",
    "Overwritten",
    "Partitions",
    "S3LeaderError",
    "StaleToken",
    "StillHeld",
    "StoreUnavailable",
    "TableUnusable",
    "Term",
    "TooManyContinuations",
]

# Only users of a name pay for importing its module (PEP 562).
_MODULES = {  # all others are in `errors`
    "BucketOptions": "_io.s3_options",
    "Election": "election",
    "LeaderElector": "leader_elector",
    "Lock": "_core.lock",
    "NotElected": "election",
    "Partitions": "partitions",
    "Term": "term",
}
_SUBMODULES = ("election", "errors", "term")  # `import s3leader` is enough to use these

if not TYPE_CHECKING:  # with it, a type checker would accept any name

    def __getattr__(name: str) -> object:
        """Import what a public name stands for, when it is used for the first time."""
        if name in _SUBMODULES:
            return _import(name)
        if name == "__version__":
            return _version()
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(_import(_MODULES.get(name, "errors")), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_SUBMODULES, "__version__"})


def _import(module: str) -> object:
    from importlib import import_module  # noqa: PLC0415 - see above

    return import_module(f"{__name__}.{module}")


def _version() -> str:
    from importlib import metadata  # noqa: PLC0415 - see above

    try:
        return metadata.version(__name__)
    except metadata.PackageNotFoundError:
        return "unknown"
