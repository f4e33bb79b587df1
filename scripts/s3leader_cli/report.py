"""What there is to say of an election, as plain data; nothing here prints."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias

from s3leader import CorruptLock, Election, Lock, S3LeaderError

from .closed import closed_by

# Advice for callers of the library, and what replaces it on the command line.
_INSTEAD = {
    r", or pass a client with others": "",
    r", or pass BucketOptions\(region='(.*?)'\) \(S3LEADER_REGION.*?\)": r" or S3LEADER_REGION=\1",
    r"pass BucketOptions\(region='(.*?)'\)": r"use --region \1",
    r", or pass BucketOptions\(encryption=…, kms_key=…\)": "",
}

_MOST_KEYS, _LONGEST_VALUE = 12, 60  # of a checkpoint

Standing: TypeAlias = Literal["vacant", "held", "lapsed", "sealed", "corrupt"]


@dataclass(frozen=True, kw_only=True)
class Report:
    """What one look at an election shows.

    `left` is the rest of the lease, `lapses_in` that plus the allowance for clock skew; negative
    once over, None if the lock is sealed. `came_about` says how the previous term ended, `body` is
    a corrupt lock's. `closed` says what to do if a repair has closed the ledger.
    """

    election: str
    key: str | None
    standing: Standing
    term: int | None = None
    lock: Lock | None = None
    left: timedelta | None = None
    lapses_in: timedelta | None = None
    came_about: str | None = None
    problem: str | None = None
    body: bytes | None = None
    closed: str | None = None
    contender: str = ""
    doubt: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it for programs; the lock is as in the bucket."""
        return {
            "election": self.election,
            "standing": self.standing,
            "leader": self.lock.holder if self.lock and self.standing == "held" else None,
            "key": self.key,
            "lease_left_seconds": _seconds(self.left),
            "lapses_in_seconds": _seconds(self.lapses_in),
            "came_about": self.came_about,
            "contender_would": self.contender,
            "problem": self.problem,
            "note": self.doubt,
            "lock": None if self.lock is None else lock_as_json(self.lock),
        }


def look_at(election: Election) -> Report:
    """Read the highest lock, and how the term before it ended."""
    try:
        lock = election.observe()
    except CorruptLock as corrupt:
        return Report(
            election=election.name,
            key=corrupt.key,
            standing="corrupt",
            term=corrupt.term,
            problem=advice(corrupt),
            body=corrupt.body,
            closed=closed_by(corrupt),
            contender="raise CorruptLock, and change nothing",
        )
    if lock is None:
        contender = "create lock 1, and lead term 1"
        return Report(
            election=election.name,
            key=None,
            standing="vacant",
            contender=contender,
            doubt=never_locked(election),
        )
    left = lapses_in = None
    if not lock.sealed:
        left = lease_left(election, lock)
        lapses_in = left + election.config.clock_skew
    standing = standing_of(election, lock)
    return Report(
        election=election.name,
        key=f"{election.config.folder}lock_{lock.term:010d}.json",
        standing=standing,
        term=lock.term,
        lock=lock,
        left=left,
        lapses_in=lapses_in,
        came_about=_came_about(election, lock),
        contender=_contender(standing, lock, lapses_in),
    )


def older_terms(locks: Sequence[Lock], limit: int) -> int:
    """Return how many terms precede the newest `limit`, of which `locks` are left.

    Their locks may be deleted; a check would cost a request for each.
    """
    return max(0, locks[0].term - limit) if locks else 0


def never_locked(election: Election) -> str:
    """Return a note on an election without locks: its name may be mistyped."""
    name, prefix = election.name, election.config.prefix
    doubt = f"no lock exists under {election.config.folder}; is the name right?"
    if prefix and name.startswith(prefix):
        doubt += f" The prefix {prefix} is added to the name: perhaps {name.removeprefix(prefix)}?"
    return doubt


def advice(error: S3LeaderError) -> str:
    """Return an error's message with the options of this command instead of Python's."""
    if isinstance(error, CorruptLock) and (closed := closed_by(error)):
        return closed
    command = "`s3leader depose --reason … --force --done TICK`, where TICK"
    text = str(error).replace("`depose(reason=…, force=True, done=…)`, where `done`", command)
    for python, instead in _INSTEAD.items():
        text = re.sub(python, instead, text)
    return text.replace("force=True", "--force")


def standing_of(election: Election, lock: Lock) -> Standing:
    """Return a lock's standing."""
    if lock.problem is not None:
        return "corrupt"
    if lock.sealed:
        return "sealed"
    return "lapsed" if election.is_lapsed(lock) else "held"


def lock_as_json(lock: Lock) -> dict[str, Any]:
    """Return the body, and the times that S3 sent with it."""
    if lock.problem is not None:
        return {"term": lock.term, "problem": lock.problem}
    body: dict[str, Any] = json.loads(lock.encode())
    # A body has no started_at before its second write; Last-Modified stands for it.
    return body | {"modified_at": utc(lock.modified_at), "seen_at": utc(lock.seen_at)}


def utc(time: datetime | None) -> str | None:
    """Return `2026-11-23T06:00:00Z`."""
    return None if time is None else time.isoformat().replace("+00:00", "Z")


def lease_left(election: Election, lock: Lock) -> timedelta:
    """Return the rest of an unsealed lock's lease by S3's clock, negative once it is over."""
    grain = timedelta(milliseconds=1)
    return lock.left_ms(lease_ms=election.config.lease // grain, clock_skew_ms=0) * grain


def state_in_words(state: Mapping[str, Any]) -> str:
    """Return a checkpoint as `key=value`, long values shortened."""
    shown = [f"{key}={_short(value)}" for key, value in list(state.items())[:_MOST_KEYS]]
    rest = len(state) - len(shown)
    return "  ".join(shown) + (f"  … {rest} more" if rest else "")


def _short(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def _came_about(election: Election, lock: Lock) -> str:
    """Return how the previous term ended."""
    if lock.term == 1:
        return "it is the first term"
    before = next(iter(election.history(1, before=lock.term)), None)
    if before is None:
        return f"the lock of term {lock.term - 1} is deleted"
    if before.problem is not None:
        return f"the lock of term {before.term} is corrupt: {before.problem}"
    outcome = before.outcome or "sealed"
    how = f"was {outcome}" if outcome in {"deposed", "sealed"} else outcome
    return f"term {before.term} {how}" + (f" ({before.reason})" if before.reason else "")


def _contender(standing: Standing, lock: Lock, lapses_in: timedelta | None) -> str:
    done = "" if lock.done is None else f"; a tick up to {utc(lock.done)} is done and not led again"
    follows = f"lead term {lock.term + 1}"
    if standing == "held" and lapses_in is not None:
        seconds = max(0, round(lapses_in.total_seconds()))
        return f"lose (held), or wait up to {seconds} s for the lock to lapse, unless renewed{done}"
    if standing == "lapsed":
        return f"seal this lock, and {follows}{done}"
    return follows + done


def _seconds(duration: timedelta | None) -> float | None:
    return None if duration is None else duration.total_seconds()
