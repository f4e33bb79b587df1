"""Whether a bucket's lifecycle rules are safe for locks (R6, R7), and delete old ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .findings import Finding, ok

_TAG = ("superseded", "true")
_SHORTEST_DAYS = 2
_LARGEST_LOCK = 256 * 1024
_ARCHIVES = {"GLACIER", "DEEP_ARCHIVE"}  # a GET needs a restore first

CHECK = "lifecycle"
REMEDY = (
    "add the rule: Prefix {prefix!r}, Tag superseded=true, Expiration 30 days (LockBucket makes it)"
)


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Which locks a rule applies to."""

    prefix: str
    tags: frozenset[tuple[str, str]]
    larger_than: int
    smaller_than: int | None

    @classmethod
    def of(cls, rule: Mapping[str, Any]) -> Scope:
        """Read the filter, in any of its forms."""
        given: Mapping[str, Any] = rule.get("Filter") or {}
        every: Mapping[str, Any] = given.get("And") or given
        tags = [*every.get("Tags", []), *([every["Tag"]] if "Tag" in every else [])]
        return cls(
            prefix=every.get("Prefix", rule.get("Prefix", "")) or "",
            tags=frozenset((each["Key"], each["Value"]) for each in tags),
            larger_than=int(every.get("ObjectSizeGreaterThan", 0)),
            smaller_than=every.get("ObjectSizeLessThan"),
        )

    def may_match_locks(self, folder: str) -> bool:
        """Whether it can match a lock: these have no other tag, and a largest size."""
        overlaps = self.prefix.startswith(folder) or folder.startswith(self.prefix)
        small = self.larger_than < _LARGEST_LOCK
        return overlaps and small and self.tags <= {_TAG}

    def covers_superseded(self, folder: str) -> bool:
        """Whether it matches every superseded lock in the folder, and no other."""
        whole = self.larger_than == 0 and self.smaller_than is None
        return whole and folder.startswith(self.prefix) and self.tags == {_TAG}


def check_lifecycle(
    rules: Sequence[Mapping[str, Any]] | None, folder: str, prefix: str
) -> Iterator[Finding]:
    """Judge the rules (None: the bucket has none) for a folder, of an election or the prefix."""
    active = [each for each in rules or [] if each.get("Status") == "Enabled"]
    unsafe = [found for rule in active for found in _unsafe(rule, folder)]
    yield from unsafe
    days = sorted(
        int(rule["Expiration"]["Days"])
        for rule in active
        if Scope.of(rule).covers_superseded(folder) and rule.get("Expiration", {}).get("Days")
    )
    if days:
        yield from _short(days[0])
        if not unsafe and days[0] >= _SHORTEST_DAYS:
            yield ok(
                CHECK,
                f"superseded locks, and no others, are deleted {days[0]} days after their last"
                " write",
            )
    else:
        yield Finding(
            check=CHECK,
            level="warning",
            what="no rule deletes superseded locks: they are kept and paid for ever, and the list"
            " of a cold start grows longer",
            do=REMEDY.format(prefix=prefix),
        )


def deletes_after_days(rules: Sequence[Mapping[str, Any]] | None, folder: str) -> int | None:
    """Return after how many days superseded locks are deleted, None if they never are."""
    days = [
        int(rule["Expiration"]["Days"])
        for rule in rules or []
        if rule.get("Status") == "Enabled"
        and Scope.of(rule).covers_superseded(folder)
        and rule.get("Expiration", {}).get("Days")
    ]
    return min(days, default=None)


def deletes_old_versions(rules: Sequence[Mapping[str, Any]] | None, folder: str) -> bool:
    """Whether the old versions of locks are deleted."""
    return any(
        rule.get("Status") == "Enabled"
        and folder.startswith(Scope.of(rule).prefix)
        and not Scope.of(rule).tags
        and rule.get("NoncurrentVersionExpiration", {}).get("NoncurrentDays")
        for rule in rules or []
    )


def aborts_uploads(rules: Sequence[Mapping[str, Any]] | None, folder: str) -> bool:
    """Whether unfinished multipart uploads are aborted."""
    return any(
        rule.get("Status") == "Enabled"
        and folder.startswith(Scope.of(rule).prefix)
        and "AbortIncompleteMultipartUpload" in rule
        for rule in rules or []
    )


def _unsafe(rule: Mapping[str, Any], folder: str) -> Iterator[Finding]:
    """Find what a rule does to locks that it must not do."""
    scope, name = Scope.of(rule), f"rule {rule.get('ID', '(unnamed)')!r}"
    if not scope.may_match_locks(folder):
        return
    expiration = rule.get("Expiration", {})
    if not scope.tags and (expiration.get("Days") or expiration.get("Date")):
        yield Finding(
            check=CHECK,
            level="problem",
            what=f"{name} deletes locks by age, the highest one too: term numbers start again from"
            " 1, ticks are done twice, and fencing tokens lose their meaning (R6)",
            do=f"disable {name} for {folder}*, or give it the tag superseded=true",
        )
    elif expiration.get("Date"):
        yield Finding(
            check=CHECK,
            level="problem",
            what=f"{name} deletes superseded locks at a date, however young they are: a candidate"
            " may still rely on one (R7)",
            do=f"give {name} a number of days instead, at least {_SHORTEST_DAYS}",
        )
    classes = {str(each.get("StorageClass")) for each in rule.get("Transitions", [])}
    if classes & _ARCHIVES:
        yield Finding(
            check=CHECK,
            level="warning" if scope.tags else "problem",
            what=f"{name} archives locks, which cannot be read then"
            + ("" if scope.tags else "; if the highest one is archived, nobody can lead"),
            do=f"take {folder}* out of {name}",
        )
    elif classes:
        yield Finding(
            check=CHECK,
            level="warning",
            what=f"{name} moves locks to {', '.join(sorted(classes))}, where a small object costs"
            " more and each move is paid",
            do=f"take {folder}* out of {name}",
        )


def _short(days: int) -> Iterator[Finding]:
    if days < _SHORTEST_DAYS:
        yield Finding(
            check=CHECK,
            level="warning",
            what=f"superseded locks are deleted after {days} day: {_SHORTEST_DAYS} allow for how S3"
            " rounds days, so that none is deleted while a candidate may rely on it (R7)",
            do=f"raise the rule's expiration to at least {_SHORTEST_DAYS} days",
        )
