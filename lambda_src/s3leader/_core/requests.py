"""The few requests that the protocol makes of S3, and the answers it can get.

A *store* is anything that performs a request and returns an answer. Whatever an answer can mean to
the protocol has a type here; whatever needs a human is an exception of `s3leader.errors`. Nothing
in this file knows a clock, a network or boto3.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, assert_never

# ---------------------------------------------------------------------------------- requests


@dataclass(frozen=True, slots=True)
class List:
    """One page (at most 1,000) of the keys that begin with `prefix` and follow `start_after`.

    With `token`, the page that follows the one whose `next_token` it was; `start_after` is ignored
    then, as S3 ignores it.
    """

    prefix: str
    start_after: str | None = None
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """The object at `key`: GetObject."""

    key: str


@dataclass(frozen=True, slots=True)
class Create:
    """PutObject with `If-None-Match: *`: applied only while there is no object at `key`."""

    key: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Replace:
    """PutObject with `If-Match: <etag>`: applied only while `key` still has that ETag."""

    key: str
    body: bytes
    etag: str


@dataclass(frozen=True, slots=True)
class Tag:
    """PutObjectTagging of the one tag `superseded=true`, which the lifecycle rule deletes by."""

    key: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Not for S3: let a time pass that is drawn evenly from `low_ms` to `high_ms` milliseconds.

    `may_stop` if nothing is pending, so that a process that is asked to stop may stop here.
    """

    low_ms: int
    high_ms: int
    may_stop: bool = field(default=False, compare=False)


# ----------------------------------------------------------------------------------- answers
# Every `date_ms` is the answer's `Date` header and every `modified_ms` a `Last-Modified`, both by
# S3's clock, in milliseconds since 1970 (S3 gives whole seconds).


@dataclass(frozen=True, slots=True)
class Listed:
    """`keys` in ascending order; `truncated` if the list goes on at `next_token`.

    S3 may answer a page with few keys, or none, and still go on: the token alone tells where.
    """

    keys: tuple[str, ...]
    truncated: bool
    date_ms: int
    next_token: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What a `Read` read."""

    body: bytes
    etag: str
    date_ms: int
    modified_ms: int


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no object at that key (to a `Read` or a `Tag`)."""

    date_ms: int


@dataclass(frozen=True, slots=True)
class Applied:
    """The write is done, and the object's ETag is now `etag` (empty after a `Tag`)."""

    etag: str
    date_ms: int


@dataclass(frozen=True, slots=True)
class Conflict:
    """The condition did not hold, so nothing was written by *this try* (412; 404 to If-Match)."""

    date_ms: int


@dataclass(frozen=True, slots=True)
class Unknown:
    """No usable answer (timeout, reset, 5xx, 409, throttled): the request may have been applied,
    or not, or may be later. `cause` is for people.
    """

    cause: str


@dataclass(frozen=True, slots=True)
class Waited:
    """The answer to `Wait`; `stopped` if the process was asked to stop, and the wait cut short."""

    stopped: bool = False


StoreRequest: TypeAlias = List | Read | Create | Replace | Tag
StoreAnswer: TypeAlias = Listed | Found | Missing | Applied | Conflict | Unknown
Request: TypeAlias = StoreRequest | Wait
Answer: TypeAlias = StoreAnswer | Waited


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, with the asker's own stopwatch before the request was sent and after the answer
    came, in milliseconds of a monotonic clock.
    """

    answer: Answer
    sent_ms: int
    received_ms: int


def describe_request(request: StoreRequest) -> str:
    """Return a request for people: its HTTP method and what it is about, without any body."""
    match request:
        case List():
            return f"LIST of {request.prefix}"
        case Read():
            return f"GET of {request.key}"
        case Create() | Replace():
            return f"PUT of {request.key}"
        case Tag():
            return f"PUT of the tags of {request.key}"
        case _:
            assert_never(request)


class Store(Protocol):
    """Something that performs requests on one bucket.

    `perform` sends the request **once** and returns an answer that fits it: `Listed` to `List`;
    `Found` or `Missing` to `Read`; `Applied` or `Conflict` to `Create` and `Replace`; `Applied` or
    `Missing` to `Tag`; `Unknown` to any. It raises `BucketUnusable` where only a human can help;
    any other exception that is not an `S3LeaderError` is logged and counts as `Unknown`.
    """

    def perform(self, request: StoreRequest) -> StoreAnswer:
        """Perform `request` and return its answer."""
        ...
