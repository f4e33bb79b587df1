"""Judges the locks of an election: the highest one, those that nobody deletes, and the hint."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from s3leader import CorruptLock, Election, Lock
from s3leader.repair import is_note
from s3leader_cli.closed import closed_by

from .bucket import ExaminedBucket, Listed
from .findings import Finding, Level, Reading, ok
from .lifecycle import deletes_after_days

READ = 50
"""How many of the latest terms are read; `verify` reads all."""
SAMPLED = 20
"""How many old locks have their tags read."""
_SWEPT_A_TERM = 50
_LIFECYCLE_LAG = timedelta(days=3)
_HINT_EVERY = 500
_NAME = re.compile(r"lock_([0-9]{10})\.json")


@dataclass(frozen=True, kw_only=True)
class Head:
    """What the highest lock shows; `lock` is None if there is none, or if it is `corrupt`."""

    lock: Lock | None
    corrupt: CorruptLock | None = None

    @property
    def term(self) -> int:
        """Its number, 0 without any lock."""
        if self.corrupt is not None:
            return self.corrupt.term
        return 0 if self.lock is None else self.lock.term


def head_of(election: Election) -> Head:
    """Read the highest lock."""
    try:
        return Head(lock=election.observe())
    except CorruptLock as corrupt:
        return Head(lock=None, corrupt=corrupt)


def key_of(election: Election, term: int) -> str:
    """Return the key of a term's lock."""
    return f"{election.config.folder}lock_{term:010d}.json"


def sealed_key(election: Election, head: Head) -> str | None:
    """Return the key of a sealed lock: the highest one, or else the one below (R1)."""
    if head.lock is None:
        return None
    if head.lock.sealed:
        return key_of(election, head.term)
    return key_of(election, head.term - 1) if head.term > 1 else None


def check_highest(election: Election, head: Head, bucket: ExaminedBucket) -> Iterator[Finding]:
    """Judge the highest lock: readable, not lapsed, and without the tag that deletes it (R6)."""
    check = "highest lock"
    if head.corrupt is not None:
        yield Finding(
            check=check,
            level="problem",
            what=f"{head.corrupt.key} is corrupt: {head.corrupt.problem}. Nobody leads",
            do=closed_by(head.corrupt)
            or "look at it, then s3leader depose --reason … --force --done TICK",
        )
    elif head.lock is None:
        yield Finding(
            check=check,
            level="warning",
            what=f"no lock exists under {election.config.folder}: nobody has campaigned, or the"
            " name is wrong",
        )
        return
    elif election.is_lapsed(head.lock):
        yield Finding(
            check=check,
            level="warning",
            what=f"the lease of term {head.term} is over, and nobody has taken over: no candidate"
            " campaigns",
            do="see whether schedules fire and candidates start; s3leader status shows more",
        )
    else:
        state = "sealed" if head.lock.sealed else f"held by {head.lock.holder}"
        yield ok(check, f"term {head.term}, {state}")
    yield _tag_of_highest(election, head, bucket)


def _tag_of_highest(election: Election, head: Head, bucket: ExaminedBucket) -> Finding:
    check, key = "tag of the highest lock", key_of(election, head.term)
    tags = bucket.tags(key)
    if not tags.known:
        return tags.unknown(check)
    if (tags.value or {}).get("superseded") != "true":
        return ok(check, "it is not tagged superseded=true")
    if head_of(election).term > head.term:
        return ok(check, f"term {head.term} was succeeded in the meantime, and is tagged rightly")
    return Finding(
        check=check,
        level="problem",
        what=f"{key} is tagged superseded=true and is the highest: the lifecycle rule will delete"
        " it, and term numbers start again (R6)",
        do=f"aws s3api delete-object-tagging --bucket {bucket.arn.rpartition(':')[2]} --key {key}",
    )


def check_recent(election: Election) -> Iterator[Finding]:
    """Judge the latest terms: readable, and sealed below the highest (R1)."""
    locks = election.history(limit=READ)
    corrupt = [each.term for each in locks[1:] if each.problem and not is_note(each.problem)]
    unsealed = [each.term for each in locks[1:] if each.problem is None and not each.sealed]
    which = f"of the latest {len(locks)} terms"
    if corrupt:
        yield Finding(
            check="corrupt locks",
            level="warning",
            what=f"{which}, {_numbers(corrupt)} cannot be read; no candidate needs them",
            do="s3leader history shows why; the lifecycle rule deletes them if they are tagged",
        )
    elif locks:
        yield ok("corrupt locks", f"{which}, none below the highest is corrupt")
    if unsealed:
        yield Finding(
            check="unsealed locks",
            level="warning",
            what=f"{which}, {_numbers(unsealed)} is not sealed though a higher lock exists: a"
            " suspended candidate created its number again and crashed, or the store let two lead",
            do="s3leader verify tells which",
        )
    elif corrupt:
        yield Finding(
            check="unsealed locks",
            level="cannot tell",
            what=f"{which}, none that can be read is unsealed; {_numbers(corrupt)} cannot be read",
            do="s3leader verify judges the whole ledger by the locks beside them",
        )
    elif locks:
        yield ok("unsealed locks", f"{which}, none below the highest is unsealed")


def check_old(
    election: Election, head: Head, bucket: ExaminedBucket, rules: Reading
) -> Iterator[Finding]:
    """Judge the locks that should be tagged, and those that the `rules` should have deleted."""
    if head.lock is None:
        for check in ("tagging", "leaking locks", "old locks"):
            yield Finding(
                check=check,
                level="cannot tell",
                what="the highest lock says which locks are tagged, and it cannot be read",
                do="run this again once the highest lock is sealed",
            )
        return
    found: dict[int, Listed] = {}
    for each in bucket.keys(f"{election.config.folder}lock_"):
        match = _NAME.fullmatch(each.key.removeprefix(election.config.folder))
        if match is not None and 0 < int(match[1]) < head.term:
            found[int(match[1])] = each
    swept = min(head.lock.swept, head.term - 1)
    old = [found[term] for term in sorted(found) if term <= swept]
    yield _sweeping(head, swept)
    yield from _untagged(old, bucket)
    if rules.known:
        days = deletes_after_days(rules.value, election.config.folder)
        yield from _undeleted(old, days, head.lock.seen_at)
    else:
        yield rules.unknown("old locks")


def _sweeping(head: Head, swept: int) -> Finding:
    check, behind = "tagging", max(0, head.term - 1 - swept)
    if behind <= _SWEPT_A_TERM:
        tagged = f"all locks up to {swept} are tagged" if swept else "no lock is tagged yet"
        rest = f"; later leaders tag {behind} more" if behind else ""
        return ok(check, f"{tagged}{rest}")
    return Finding(
        check=check,
        level="warning",
        what=f"{behind} locks are not tagged yet, and a leader tags {_SWEPT_A_TERM} at most:"
        " leaders die before they resign, or have no right to tag",
        do="give candidates s3:PutObjectTagging (LockBucket.grant_candidate), and see in s3leader"
        " history why terms do not end",
    )


def _untagged(old: Sequence[Listed], bucket: ExaminedBucket) -> Iterator[Finding]:
    """Read the tags of the oldest locks: one without the tag is never tagged again, and leaks."""
    check, leaking = "leaking locks", []
    for each in old[:SAMPLED]:
        tags = bucket.tags(each.key)
        if not tags.known:
            yield tags.unknown(check)
            return
        if tags.value is not None and tags.value.get("superseded") != "true":
            leaking.append(each.key)
    if not leaking:
        number = min(len(old), SAMPLED)
        yield ok(check, f"the {number} oldest locks are tagged" if number else "there is none yet")
        return
    yield Finding(
        check=check,
        level="warning",
        what=f"{len(leaking)} of the {min(len(old), SAMPLED)} oldest locks have no tag, and no"
        f" leader will tag them, for example {leaking[0]}: they are kept for ever, which costs"
        " storage only",
        do=f"aws s3api put-object-tagging --key {leaking[0]} --tagging"
        " 'TagSet=[{Key=superseded,Value=true}]' --bucket " + bucket.arn.rpartition(":")[2],
    )


def _undeleted(
    old: Sequence[Listed], history_days: int | None, now: datetime | None
) -> Iterator[Finding]:
    """Find locks that the lifecycle rule should have deleted days ago."""
    if history_days is None or now is None:
        return
    due = now - timedelta(days=history_days) - _LIFECYCLE_LAG
    late = [each for each in old if each.written < due]
    level: Level = "warning" if late else "ok"
    what = (
        f"{len(late)} locks are older than the {history_days} days of the lifecycle rule, and"
        " exist: it is late, or they have no tag"
        if late
        else "no lock has outlived the lifecycle rule"
    )
    yield Finding(check="old locks", level=level, what=what)


def check_hint(head: Head, body: bytes | None) -> Finding:
    """Judge the hint: if it is wrong, a cold start costs a few requests more."""
    check, term = "hint", _hint_term(body)
    if body is None:
        missing = head.term >= _HINT_EVERY
        what = "there is none" + (", so a cold start lists all locks" if missing else " yet")
        return Finding(check=check, level="warning" if missing else "ok", what=what)
    if term is not None and head.term - 2 * _HINT_EVERY <= term <= head.term:
        return ok(check, f"it names term {term}")
    said = "cannot be read" if term is None else f"names term {term}"
    return Finding(
        check=check,
        level="warning",
        what=f"it {said}, and the highest term is {head.term}: harmless, a cold start sends a few"
        " requests more until a leader rewrites it",
    )


def _hint_term(body: bytes | None) -> int | None:
    try:
        term = json.loads(body or b"")["term"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return term if isinstance(term, int) else None


def _numbers(terms: Sequence[int]) -> str:
    shown = ", ".join(map(str, terms[:5]))
    return f"term {shown}" + ("" if len(terms) <= 5 else f" and {len(terms) - 5} more")
