"""What `doctor` asks of a bucket. `aws.examined_bucket` asks S3; tests ask a bucket in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, TypeAlias

from .findings import Reading

Condition: TypeAlias = Literal["If-Match", "If-None-Match"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """An object in a list, and when it was last written."""

    key: str
    written: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """The answer to a write that must change nothing.

    `refused` means that the condition was checked, so the right exists; `denied` that the right is
    missing; `applied` that the condition was ignored; `unclear` any other answer, by its `cause`.
    """

    result: Literal["refused", "denied", "applied", "unclear"]
    cause: str = ""


class ExaminedBucket(Protocol):
    """One bucket, as the caller's credentials see it."""

    arn: str
    region: str | None

    def settings(self) -> Mapping[str, Reading]:
        """Read what the bucket is set to; see `settings.check_settings`."""
        ...

    def reachable(self) -> Reading:
        """Ask for the bucket itself."""
        ...

    def may_list(self, prefix: str) -> Reading:
        """List one key."""
        ...

    def keys(self, prefix: str) -> Iterator[Listed]:
        """List all keys."""
        ...

    def body(self, key: str) -> Reading:
        """Read an object; its value is None if there is none."""
        ...

    def tags(self, key: str) -> Reading:
        """Read the tags of an object; its value is None if there is no such object."""
        ...

    def probe_put(self, key: str, body: bytes, condition: Condition) -> Probe:
        """Send a body that is there already, with a condition that does not hold."""
        ...

    def probe_tag(self, key: str) -> Probe:
        """Tag a key at which there is no object; `refused` if S3 answers that."""
        ...
