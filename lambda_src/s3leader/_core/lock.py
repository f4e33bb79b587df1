"""The lock: the S3 object that records one term. Pure data, no clock, no I/O.

The wire format is Gunnar Morling's (`{"expired": false}`, "Leader Election With S3 Conditional
Writes", 2024) with more keys beside it, so a reader of either scheme understands both.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from s3leader.errors import CorruptLock

from .attempts import MAX_NUMBER
from .notes import CLOSED, is_note
from .strict_json import load
from .times import format_time, parse_time, to_ms

FORMAT = 1
LAST_TERM = 9_999_999_999
MAX_LEASE_MS = 24 * 60 * 60 * 1000
MAX_BODY = 256 * 1024
ROOM_TO_SEAL = 8 * 1024  # what sealing may add to a body, so that every lock can be sealed
MAX_STATE = MAX_BODY - 3 * ROOM_TO_SEAL  # what every later term's lock has room for
MAX_REASON = 500

COMPLETED: Final = "completed"
FAILED: Final = "failed"
RESIGNED: Final = "resigned"
DEPOSED: Final = "deposed"
LAPSED_SEALED_BY: Final = "lapsed; sealed by "
CONTINUED: Final = "continued"

_NAME = re.compile(r"lock_([0-9]{10})\.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """One term, as its lock's body says. All times are S3's, in UTC.

    `expired` means *sealed*. `lease_ms` is None in a lock of the original scheme; a reader then
    uses its own lease. `done` is the latest tick completed by this term or an earlier one. `swept`
    is the number up to which all locks are tagged for deletion (R6). `attempt` counts the attempts
    at `tick`; see `attempts.py` for other ticks. `proved` means that a leader of this election has
    verified the store (R0). `leg` counts the terms that one attempt has been continued over (R10).
    `repeat` means that an operator asked to lead a completed tick again, and `repeat_reason` who
    did and why. `extra` holds keys unknown to this version; every rewrite keeps them.

    `modified_at` and `seen_at` are not in the body: they are `Last-Modified` and `Date` of the
    answer it was read from. `problem` is set only in a history, for a corrupt lock.
    """

    term: int
    expired: bool = False
    nonce: str | None = None
    holder: str | None = None
    lease_ms: int | None = None
    renewals: int = 0
    started_at: datetime | None = None
    ended_at: datetime | None = None
    tick: datetime | None = None
    done: datetime | None = None
    attempt: int = 1
    attempts: Mapping[datetime, int] = field(default_factory=dict)
    attempts_dropped: datetime | None = None
    swept: int = 0
    proved: bool = False
    leg: int = 1
    repeat: bool = False
    repeat_reason: str | None = None
    outcome: str | None = None
    reason: str | None = None
    state: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    modified_at: datetime | None = field(default=None, compare=False)
    seen_at: datetime | None = field(default=None, compare=False)
    problem: str | None = field(default=None, compare=False)

    @property
    def sealed(self) -> bool:
        """Whether its content is final."""
        return self.expired

    def age_ms(self) -> int:
        """Return the milliseconds from when S3 last modified it to when S3 showed it (R4)."""
        if self.modified_at is None or self.seen_at is None:
            raise ValueError(f"lock {self.term} was not read from a store, so it has no age")
        return to_ms(self.seen_at) - to_ms(self.modified_at)

    def left_ms(self, *, lease_ms: int, clock_skew_ms: int) -> int:
        """Return the milliseconds until it lapses; negative once it has.

        `lease_ms` is the reader's own lease, for a lock that states none.
        """
        lease = self.lease_ms if self.lease_ms is not None else lease_ms
        return lease + clock_skew_ms - self.age_ms()

    def lapsed(self, *, lease_ms: int, clock_skew_ms: int) -> bool:
        """Strictly more than its lease and the allowance has passed since its last write (R4)."""
        return not self.sealed and self.left_ms(lease_ms=lease_ms, clock_skew_ms=clock_skew_ms) < 0

    @property
    def sealed_after_lapse_by(self) -> str | None:
        """The candidate that sealed the lock when its lease was over; None if no candidate did.

        A lock that was deposed and has no such candidate was deposed by an operator.
        """
        reason = self.reason or ""
        lapsed = self.outcome == DEPOSED and reason.startswith(LAPSED_SEALED_BY)
        return reason.removeprefix(LAPSED_SEALED_BY) if lapsed else None

    # ------------------------------------------------------------------------- transitions

    def renewed(self, *, nonce: str, state: Mapping[str, Any] | None = None) -> Lock:
        """Return the body of the next renewal, with a new checkpoint where `state` is given."""
        kept = self.state if state is None else state
        return replace(self, nonce=nonce, renewals=self.renewals + 1, state=kept)

    def seal(
        self,
        *,
        nonce: str,
        outcome: str,
        reason: str | None = None,
        ended_at: datetime | None = None,
    ) -> Lock:
        """Return the final body. Only a completed tick moves `done` on (R8)."""
        done = self.done
        if outcome == COMPLETED and self.tick is not None:
            done = self.tick if done is None else max(done, self.tick)
        reason = None if reason is None else reason[:MAX_REASON]
        return replace(
            self,
            expired=True,
            nonce=nonce,
            outcome=outcome,
            reason=reason,
            ended_at=ended_at,
            done=done,
        )

    def is_done(self, tick: datetime | None) -> bool:
        """Whether `tick` is completed (R8); False without a tick."""
        return tick is not None and self.done is not None and tick <= self.done

    def is_continued_for(self, tick: datetime | None) -> bool:
        """Whether the next invocation for `tick` is expected to go on where this term ended."""
        return self.outcome == CONTINUED and self.tick == tick

    # ------------------------------------------------------------------------------- codec

    def encode(self) -> bytes:
        """Return the body as JSON: our keys in their order, then the unknown ones."""
        body: dict[str, Any] = {"format": FORMAT}
        body |= {name: _encode(getattr(self, name)) for name in _KEYS}
        body |= {key: value for key, value in self.extra.items() if key not in body}
        return json.dumps(body, allow_nan=False).encode("ascii")


# ---------------------------------------------------------------------------------------- keys


def lock_name(term: int) -> str:
    """Return `lock_0000000042.json` for 42."""
    return f"lock_{term:010d}.json"


def parse_lock_name(name: str) -> int | None:
    """Return 42 for `lock_0000000042.json`, None for any other name, and for term 0."""
    match = _NAME.fullmatch(name)
    return (int(match[1]) or None) if match else None


# --------------------------------------------------------------------------------------- codec

_KEYS = (
    "expired", "term", "nonce", "holder", "lease_ms", "renewals", "started_at", "ended_at",
    "tick", "done", "attempt", "attempts", "attempts_dropped", "swept", "proved", "leg", "repeat",
    "repeat_reason", "outcome", "reason", "state",
)  # fmt: skip
_TIMES = {"started_at", "ended_at", "tick", "done", "attempts_dropped"}
_TEXTS = {"nonce", "holder", "outcome", "reason", "repeat_reason"}
_LEAST = {
    "format": 1, "term": 1, "lease_ms": 1, "renewals": 0, "attempt": 0, "swept": 0, "leg": 1,
}  # fmt: skip
_TYPES = {"expired": bool, "proved": bool, "repeat": bool, "state": dict, "attempts": dict}
_NULLABLE = _TIMES | _TEXTS | {"lease_ms"}


def decode_lock(body: bytes, *, key: str, term: int, etag: str = "") -> Lock:
    """Return the lock in `body`, or raise `CorruptLock` with what is wrong with it."""
    try:
        return _decode(body, term)
    except (ValueError, RecursionError) as error:
        problem = str(error) or type(error).__name__
        remedy = CLOSED if is_note(body.decode("utf-8", "replace")) else None
        raise CorruptLock(
            key=key, term=term, problem=problem, etag=etag, body=body, remedy=remedy
        ) from None


def _decode(body: bytes, term: int) -> Lock:
    if len(body) > MAX_BODY:
        raise ValueError(f"it is {len(body)} bytes long, and {MAX_BODY} is the most")
    values = load(body)
    if not isinstance(values, dict):
        raise ValueError(f"expected a JSON object, got {_short(values)}")  # noqa: TRY004
    known = {key: _checked(key, values.pop(key)) for key in ("format", *_KEYS) if key in values}
    _cross_check(known, term)
    known = {key: value for key, value in known.items() if key != "format"}
    lock = Lock(**{**known, "term": term, "extra": values})
    _check_room(lock)
    return lock


def _cross_check(known: Mapping[str, Any], term: int) -> None:
    """Refuse a body that is well-formed, but that no reader may act on."""
    if known.get("format", FORMAT) > FORMAT:
        raise ValueError(
            f"its format is {known['format']} and this version reads {FORMAT}: update s3leader"
        )
    if known.get("term", term) != term:
        raise ValueError(f"it says term {known['term']} under the name of term {term}")
    lease_ms = known.get("lease_ms")
    if lease_ms is not None and lease_ms > MAX_LEASE_MS:
        raise ValueError(f"its lease_ms is {lease_ms}, and {MAX_LEASE_MS} (a day) is the most")


def _check_room(lock: Lock) -> None:
    """Refuse a lock that leaves no room to seal it or to create the next one from it."""
    size = len(lock.encode())
    if not lock.sealed and size > MAX_BODY - ROOM_TO_SEAL:
        raise ValueError(f"it takes {size} bytes, which leaves no room to seal it")
    size = len(json.dumps(lock.state))
    if size > MAX_STATE:
        raise ValueError(f"its state takes {size} bytes, and {MAX_STATE} is the most")


def _checked(key: str, value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return the value of a known key as `Lock` holds it."""
    if value is None and key in _NULLABLE:
        return None
    if key in _TIMES:
        return _time(key, value)
    if key in _LEAST:
        return _number(key, value, _LEAST[key])
    if key == "attempts" and isinstance(value, dict):
        return {_time(key, tick): _number(key, count, 1) for tick, count in value.items()}
    expected = _TYPES.get(key, str)
    if not isinstance(value, expected):
        names = {bool: "true or false", dict: "a JSON object", str: "a text"}
        raise ValueError(f"its {key} is {_short(value)}, not {names[expected]}")  # noqa: TRY004
    return value


def _number(key: str, value: Any, least: int) -> int:  # noqa: ANN401 - JSON
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"its {key} is {_short(value)}, not a number from {least} up")
    if value > MAX_NUMBER:
        raise ValueError(f"its {key} is {_short(value)}, and {MAX_NUMBER} is the most")
    return value


def _time(key: str, value: Any) -> datetime:  # noqa: ANN401 - JSON
    try:
        return parse_time(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"its {key} is {_short(value)}: {error}") from None


def _encode(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, Mapping):
        return {_encode(key): item for key, item in value.items()}
    return value


def _short(value: Any) -> str:  # noqa: ANN401 - JSON
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
