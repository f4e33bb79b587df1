"""Plays S3 to one generator: expects exact requests, gives the answers that the test wrote down."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from s3leader._core.candidate import CandidateConfig, LedgerHead, Result, Steps
from s3leader._core.holding import Holding, Resigned, resign
from s3leader._core.lock import Lock
from s3leader._core.next_lock import Work
from s3leader._core.protocol import Lost, Won, campaign
from s3leader._core.requests import (
    Answer,
    Applied,
    Conflict,
    Create,
    Found,
    List,
    Listed,
    Missing,
    Read,
    Replace,
    Reply,
    Request,
    Tag,
    Unknown,
    Wait,
    Waited,
)
from s3leader._core.store_proof import IMPOSSIBLE_ETAG
from s3leader._core.times import from_ms, to_ms
from s3leader.errors import BucketUnusable, S3LeaderError

FOLDER = "elections/e/"
LEASE_MS = 30_000
SKEW_MS = 3_000
LATENCY_MS = 10
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

TICK = datetime(2026, 11, 23, 6, tzinfo=UTC)
EARLIER = TICK - timedelta(hours=1)
T0 = to_ms(TICK)  # S3's clock when the candidate's monotonic clock shows zero

LIST = List(FOLDER + "lock_")
HINT = FOLDER + "hint.json"
LOST = Unknown("the answer was lost")

Exchange: TypeAlias = "tuple[Request, Answer | Exception] | tuple[Request, Answer | Exception, int]"


def play(steps: Steps[Result], *exchanges: Exchange, start_ms: int = 0) -> Result:
    """Run `steps` to its end against `exchanges`, each taking `LATENCY_MS` (or its third item).

    A wait takes its upper bound, and is cut short only if it may be. What `steps` raises comes out
    only if every exchange was used.
    """
    now_ms = start_ms
    left = list(exchanges)
    try:
        request = next(steps)
        while left:
            expected, answer, *took = left.pop(0)
            assert request == expected
            if answer == Waited(stopped=True):
                assert isinstance(request, Wait)
                assert request.may_stop, "it was stopped while a write was pending"
            sent_ms = now_ms
            usual_ms = request.high_ms if isinstance(request, Wait) else LATENCY_MS
            now_ms += took[0] if took else usual_ms
            if isinstance(answer, Exception):
                request = steps.throw(answer)
            else:
                request = steps.send(Reply(answer, sent_ms, now_ms))
    except StopIteration as stop:
        assert not left, f"it ended before asking for {left[0][0]}"
        result: Result = stop.value
        return result
    except S3LeaderError as error:
        if left:
            raise AssertionError(f"it raised {error!r} before asking for {left[0][0]}") from error
        raise
    raise AssertionError(f"it asks for more: {request}")


def config(*, max_attempts: int | None = None, long_ledger: bool = False) -> CandidateConfig:
    """The candidate `me`, whose nonces are n1, n2, n3 …"""
    numbers = itertools.count(1)
    return CandidateConfig(
        folder=FOLDER,
        candidate="me",
        nonce=lambda: f"n{next(numbers)}",
        lease_ms=LEASE_MS,
        clock_skew_ms=SKEW_MS,
        max_attempts=max_attempts,
        long_ledger=long_ledger,
    )


def contend(
    *exchanges: Exchange,
    memory: LedgerHead | None = None,
    tick: datetime | None = None,
    wait_ms: int = 0,
    max_attempts: int | None = None,
    repeat: bool = False,
    leg: int = 1,
    start_ms: int = 0,
) -> Won | Lost:
    """Play a campaign of a candidate that remembers `memory`."""
    steps = campaign(
        config(max_attempts=max_attempts),
        Work(tick=tick, repeat=repeat, leg=leg),
        wait_ms=wait_ms,
        known=memory,
        now_ms=start_ms,
    )
    return play(steps, *exchanges, start_ms=start_ms)


def won(*exchanges: Exchange, **how: Any) -> Won:
    result = contend(*exchanges, **how)
    assert isinstance(result, Won)
    return result


def lost(*exchanges: Exchange, **how: Any) -> Lost:
    result = contend(*exchanges, **how)
    assert isinstance(result, Lost)
    return result


def resigned(held_lock: Holding, *exchanges: Exchange, now_ms: int = 0) -> Resigned:
    """Play a resignation with the outcome `completed`."""
    steps = resign(config(), held_lock, outcome="completed", reason=None, now_ms=now_ms)
    return play(steps, *exchanges, start_ms=now_ms)


def key(term: int) -> str:
    return f"{FOLDER}lock_{term:010d}.json"


def held(term: int, **more: Any) -> Lock:
    """A lock that a rival holds, in an election whose store is proved."""
    facts: dict[str, Any] = {"nonce": f"r{term}", "holder": "rival", "lease_ms": LEASE_MS}
    facts |= {"proved": True, **more}
    return Lock(term=term, **facts)


def sealed(term: int, **more: Any) -> Lock:
    """A lock that a rival resigned."""
    return held(term, **{"expired": True, "outcome": "completed", **more})


def mine(term: int, nonce: str = "n1", **more: Any) -> Lock:
    """A lock as this candidate first writes it; term 1 is the one that proves the store."""
    facts: dict[str, Any] = {"holder": "me", "lease_ms": LEASE_MS, "proved": term > 1, **more}
    return Lock(term=term, nonce=nonce, **facts)


def listing(*terms: int, at: int = T0, goes_on: str | None = None) -> Listed:
    """A page of locks, followed by the page that the token `goes_on` stands for."""
    return Listed(tuple(key(term) for term in terms), goes_on is not None, at, goes_on)


def after(term: int) -> List:
    return List(FOLDER + "lock_", key(term))


def page(token: str, term: int | None = None) -> List:
    """The page that `token` stands for, of a list that began after `term`."""
    return List(FOLDER + "lock_", None if term is None else key(term), token)


def found(body: Lock | bytes, *, at: int = T0, age_ms: int = 5_000, etag: str = "E") -> Found:
    body = body.encode() if isinstance(body, Lock) else body
    return Found(body, etag, at, at - age_ms)


def looked(lock: Lock, **answer: Any) -> tuple[Exchange, Exchange]:
    """What a cold candidate asks for, and sees: `lock` is the highest."""
    return (LIST, listing(lock.term)), (read(lock.term), found(lock, **answer))


def missing(at: int = T0) -> Missing:
    return Missing(at)


UNUSABLE_HINT_BODIES = (
    b"?", b"[]", b"{}", b'{"term": "9"}', b'{"term": -1}', b'{"term": 10000000000}',
)  # fmt: skip
UNUSABLE_HINTS: dict[str, Answer | Exception] = {
    "missing": missing(),
    "denied": BucketUnusable("no", action="s3:GetObject", resource="arn", code="AccessDenied"),
    "nested too deeply": found(b"[" * 100_000),
    **{repr(body): found(body) for body in UNUSABLE_HINT_BODIES},
}
"""What the read of the hint may be answered with when listing must begin at the first lock."""


def applied(at: int = T0, etag: str = "E1") -> Applied:
    return Applied(etag, at)


def conflict(at: int = T0) -> Conflict:
    return Conflict(at)


def create(lock: Lock) -> Create:
    return Create(key(lock.term), lock.encode())


def proofs(lock: Lock) -> tuple[Exchange, Exchange]:
    """R0's two probes after the create of `lock`, answered as they must be."""
    swap = Replace(key(lock.term), lock.encode(), IMPOSSIBLE_ETAG)
    return ((create(lock), conflict()), (swap, conflict()))


def put(lock: Lock, etag: str = "E") -> Replace:
    return Replace(key(lock.term), lock.encode(), etag)


def read(term: int) -> Read:
    return Read(key(term))


def tag(term: int) -> Tag:
    return Tag(key(term))


def pause(low_ms: int, high_ms: int | None = None) -> Exchange:
    """A wait of `low_ms` to `high_ms`, or to twice `low_ms`; it takes as long as it may."""
    return (Wait(low_ms, 2 * low_ms if high_ms is None else high_ms), Waited())


def known(lock: Lock | None, *, at: int | None = T0) -> LedgerHead:
    """What a process remembers: `lock` was the highest at S3's `at`."""
    return LedgerHead(lock=lock, etag="E", proved_highest_at_ms=at, observed_ms=0)


def holding(lock: Lock, *, deadline_ms: int = LEASE_MS) -> Holding:
    """A term won at S3's T0, when the monotonic clock showed `LATENCY_MS`."""
    return Holding(
        lock=lock, etag="E1", deadline_ms=deadline_ms, date_ms=T0, received_ms=LATENCY_MS
    )


def completed(lock: Lock, *, ms: int = 0) -> Replace:
    """The write that seals `lock` as completed `ms` after T0."""
    return put(lock.seal(nonce="n1", outcome="completed", ended_at=at(ms)), "E1")


def voided(lock: Lock, why: str, *, nonce: str = "n2", ms: int = 0, ended_ms: int = 0) -> Replace:
    """The write that seals a void win: S3 created `lock` `ms` after T0, and it ended then or at
    `ended_ms`. It is no attempt at its tick (R8).
    """
    created = replace(lock, started_at=at(ms), attempt=lock.attempt - 1)
    ends: dict[str, Any] = {"reason": f"void: {why}", "ended_at": at(max(ms, ended_ms))}
    return put(created.seal(nonce=nonce, outcome="resigned", **ends), "E1")


def at(ms: int) -> datetime:
    """S3's time `ms` after T0."""
    return from_ms(T0 + ms)
