"""Whether a bucket's policy protects locks, and lets candidates do what they need."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .findings import Finding, ok
from .statements import Attempt, denied

CHECK = "policy"
_TLS = {"aws:SecureTransport": "true"}


@dataclass(frozen=True, kw_only=True)
class Place:
    """The election whose locks are to be protected, and the prefix of all elections."""

    bucket_arn: str
    prefix: str
    election: str

    @property
    def locks(self) -> list[str]:
        """The first and the last lock that there can be."""
        folder = f"{self.bucket_arn}/{self.prefix}{self.election}"
        return [f"{folder}/lock_{number}.json" for number in ("0000000001", "9999999999")]


@dataclass(frozen=True, kw_only=True)
class Denial:
    """Something that everybody must be denied, and the statement that denies it."""

    what: str
    means: str
    level: Any
    attempts: tuple[Attempt, ...]
    statement: Mapping[str, Any]


def check_policy(policy: Mapping[str, Any] | None, where: Place) -> Iterator[Finding]:
    """Judge the policy (None: the bucket has none)."""
    given = policy or {}
    for each in _denials(where):
        results = [denied(given, attempt) for attempt in each.attempts]
        if all(results):
            yield ok(CHECK, f"everybody is denied {each.what}")
            continue
        unclear = None in results and False not in results
        add = json.dumps(each.statement)
        yield Finding(
            check=CHECK,
            level="cannot tell" if unclear else each.level,
            what=f"whether {each.what} is denied depends on conditions that are not understood here"
            if unclear
            else f"{each.what} is not denied: {each.means}",
            do=f"add to the bucket's policy: {add}",
        )
    for attempt in _needed(where):
        result, request = denied(given, attempt), f"{attempt.action} on {attempt.resource}"
        if result is None:
            yield Finding(
                check=CHECK,
                level="cannot tell",
                what=f"whether candidates are denied {request}{_condition(attempt)} depends on"
                " conditions that are not understood here",
                do="run this with the credentials of a candidate, and see its rights",
            )
        elif result:
            yield Finding(
                check=CHECK,
                level="problem",
                what=f"candidates are denied {request}{_condition(attempt)}: nobody can lead",
                do="take this request out of the statement that denies it",
            )


def denies_unconditional_writes(policy: Mapping[str, Any] | None, where: Place) -> bool:
    """Whether nobody can start a multipart upload of a lock, as such a request has no condition."""
    first = _denials(where)[0]
    return all(denied(policy or {}, each) for each in first.attempts)


_EVERYBODY = {"Effect": "Deny", "Principal": {"AWS": "*"}}


def _denials(where: Place) -> list[Denial]:
    below = f"{where.bucket_arn}/{where.prefix}*"
    return [_unconditional(where, below), _deletes(where, below), _plain_http(where, below)]


def _unconditional(where: Place, below: str) -> Denial:
    return Denial(
        what="a write of a lock without a condition",
        means="any program that may write can overwrite a lock, and two may lead",
        level="problem",
        attempts=tuple(
            Attempt(action="s3:PutObject", resource=each, context=_TLS) for each in where.locks
        ),
        statement={
            "Sid": "DenyUnconditionalWrites", **_EVERYBODY,
            "Action": "s3:PutObject", "Resource": below,
            "Condition": {"Null": {"s3:if-match": "true", "s3:if-none-match": "true"}},
        },
    )  # fmt: skip


def _deletes(where: Place, below: str) -> Denial:
    actions = ["s3:DeleteObject", "s3:DeleteObjectVersion"]
    return Denial(
        what="a delete of a lock",
        means="a person who may delete can delete the highest lock, and its number is used again (a"
        " LockBucket with protect=False has no such statement)",
        level="warning",
        attempts=tuple(
            Attempt(action=action, resource=each, context=_TLS)
            for action in actions
            for each in where.locks
        ),
        statement={
            "Sid": "DenyDeletesOfLocks", **_EVERYBODY,
            "Action": actions, "Resource": f"{below}/lock_*",
        },
    )  # fmt: skip


def _plain_http(where: Place, below: str) -> Denial:
    plain = {"aws:SecureTransport": "false"}
    contexts = {"s3:GetObject": plain, "s3:PutObject": {**plain, "s3:if-match": "x"}}
    return Denial(
        what="a request without TLS",
        means="the network can read and change locks",
        level="warning",
        attempts=tuple(
            Attempt(action=action, resource=where.locks[0], context=context)
            for action, context in contexts.items()
        ),
        statement={
            "Sid": "DenyLocksOverPlainHttp", **_EVERYBODY,
            "Action": "s3:*", "Resource": below, "Condition": {"Bool": plain},
        },
    )  # fmt: skip


def _needed(where: Place) -> list[Attempt]:
    lock = where.locks[0]
    listed = {**_TLS, "s3:prefix": f"{where.prefix}{where.election}/lock_"}
    return [
        Attempt(action="s3:ListBucket", resource=where.bucket_arn, context=listed),
        Attempt(action="s3:GetObject", resource=lock, context=_TLS),
        Attempt(action="s3:PutObject", resource=lock, context={**_TLS, "s3:if-none-match": "*"}),
        Attempt(action="s3:PutObject", resource=lock, context={**_TLS, "s3:if-match": '"e"'}),
        Attempt(
            action="s3:PutObjectTagging",
            resource=lock,
            context={**_TLS, "s3:RequestObjectTag/superseded": "true"},
        ),
    ]


def _condition(attempt: Attempt) -> str:
    names = [key.removeprefix("s3:") for key in attempt.context if key.startswith("s3:if-")]
    return f" with {names[0]}" if names else ""
