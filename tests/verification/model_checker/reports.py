"""What a candidate learns, checked against the bucket: it must be the truth.

A store that ignores conditions makes no such promise.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

from .s3 import Bucket, Service, Violation, describe, find_object, lock_fields, writer


class Report(ABC):
    """Something that a program yields when it learns it."""

    __slots__ = ()

    @abstractmethod
    def check(self, service: Service, bucket: Bucket, name: str) -> None:
        """Raise `Violation` if what the candidate `name` learned is not true."""


@dataclass(frozen=True, slots=True)
class ReportsUnusableBucket(Report):
    """The candidate learned that the bucket cannot be used, or that a permission is missing."""

    def check(self, service: Service, bucket: Bucket, name: str) -> None:
        if not service.ignores and not service.denies:
            raise Violation("the store is blamed, and nothing is wrong with it")


@dataclass(frozen=True, slots=True)
class ReportsOutcome(Report):
    """The candidate learned that its term (the lock at `key`) ended with `outcome`."""

    key: str
    outcome: str

    def check(self, service: Service, bucket: Bucket, name: str) -> None:
        item = None if service.ignores else find_object(bucket, self.key)
        if item is None:
            return
        if (writer(item.body), lock_fields(item.body)["outcome"]) != (name, self.outcome):
            said = f"{name} reported that it {self.outcome} {describe(item)}"
            raise Violation(f"{said}, which says otherwise")


@dataclass(frozen=True, slots=True)
class ReportsNoTerm(Report):
    """The candidate learned that it has not won, or that it lost `term`, which it then did not
    complete.
    """

    term: int | None

    def check(self, service: Service, bucket: Bucket, name: str) -> None:
        if service.ignores:
            return
        for item in (one for one in bucket.objects if writer(one.body) == name):
            lock = lock_fields(item.body)
            completed = lock["term"] == self.term and lock["outcome"] == "completed"
            if completed or not lock["expired"]:
                what = "was completed" if completed else "is held"
                raise Violation(f"{describe(item)} {what} by {name}, who knows nothing of it")


@dataclass(frozen=True, slots=True)
class ReportsFencedWrite(Report):
    """The writer learned that its claim or write, with `nonce`, had this result.

    One that was not applied may have been, and then have been overwritten.
    """

    result: Literal["claimed", "applied", "not applied"]
    token: int
    nonce: str

    def check(self, service: Service, bucket: Bucket, name: str) -> None:
        written = [lock_fields(body) for body in bucket.fenced]
        nonces = [str(one["nonce"]) for one in written]
        tokens = {one["fencing_token"] for one in written}
        if self.result == "claimed" and self.token not in tokens:
            claimed = f"{name} reports token {self.token} as claimed"
            raise Violation(f"{claimed}, and it was never written")
        if self.result == "applied" and self.nonce not in nonces:
            raise Violation(f"{name} reports its write as applied, and it was never written")
        if self.result == "not applied" and self.nonce in nonces[-1:]:
            raise Violation(f"{name} reports its write as not applied, and it was applied")
