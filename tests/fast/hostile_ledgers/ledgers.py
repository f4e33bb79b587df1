"""Ledgers that no candidate wrote, and what must be true of a campaign over each of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from s3leader import CorruptLock, Election, NotElected, Term
from s3leader._core.requests import Create
from tests.fast.s3leader.one_bucket import FOLDER, LATER, TICK, OneBucket

ENOUGH = 20  # requests that a campaign without waiting may take over a hostile ledger
REAL: Mapping[str, Any] = {
    "format": 1,
    "expired": True,
    "term": 4,
    "nonce": "c0.7",
    "holder": "c0",
    "lease_ms": 30_000,
    "renewals": 2,
    "started_at": "2026-11-23T05:59:00Z",
    "ended_at": "2026-11-23T05:59:30Z",
    "tick": "2026-11-23T05:59:00Z",
    "done": "2026-11-23T05:59:00Z",
    "attempt": 1,
    "swept": 3,
    "outcome": "completed",
    "reason": None,
    "state": {"after": 17},
}
UNUSUAL = [
    "2026-11-23T06:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59.999999-23:59",
    "9999-12-31T23:59:59Z", "2026-11-23", "2026-11-23T06:00:00", "2026-W48-1T06:00:00Z", "today",
    0, -1, 1, 2, 3, 5, 30_000, 86_400_000, 86_400_001, 10**12, 10**12 + 1, 10**30, 1.5, 1e308,
]  # fmt: skip


def body(**changes: Any) -> bytes:
    """A real lock's body with some of its values changed."""
    return json.dumps({**REAL, **changes}).encode()


ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.sampled_from(UNUSUAL),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
MUTATED = st.builds(
    lambda state, changes: body(**{**state, **changes}),
    st.sampled_from([{"expired": True}, {"expired": False}, {}]),
    st.dictionaries(st.sampled_from([*REAL, "unknown"]), ANY_JSON, max_size=4),
)
CUT = st.builds(
    lambda length, end: body()[:length] + end,
    st.integers(0, len(body())),
    st.binary(max_size=6),
)
RESPELT = st.sampled_from(["utf-16", "utf-32", "utf-8-sig", "latin-1", "cp037"]).map(
    lambda encoding: body(holder="hé").decode().encode(encoding)
)
BODIES = st.binary(max_size=60) | ANY_JSON.map(json.dumps).map(str.encode) | MUTATED | CUT | RESPELT


def bucket_with(locks: Mapping[int, bytes], *, page_size: int = 1000) -> OneBucket:
    bucket = OneBucket()
    bucket.store._page_size = page_size
    for term, text in locks.items():
        bucket.write(term, text)
    return bucket


def put(bucket: OneBucket, name: str, text: bytes) -> None:
    """Put an object into the election's folder."""
    bucket.store.perform(Create(FOLDER + name, text))
    bucket.forget_requests()


def warm(bucket: OneBucket, term: int) -> Election:
    """Return a candidate that remembers the lock of `term` sealed (R9)."""
    election = bucket.election()
    seen = election.campaign("2026-11-23T05:00:00Z")  # a completed tick
    assert isinstance(seen, NotElected)
    assert seen.lock is not None
    assert seen.lock.term == term
    bucket.forget_requests()
    return election


def contend(bucket: OneBucket, election: Election, tick: Any = TICK) -> Term | NotElected | None:
    """Campaign; return None if a corrupt lock was reported and left unchanged."""
    bucket.forget_requests()
    before, result, message = _bodies(bucket), None, ""
    try:
        result = election.campaign(tick)
    except CorruptLock as corrupt:
        message = str(corrupt)
    assert len(bucket.store.requests) <= ENOUGH
    if message:
        assert FOLDER in message
        assert "depose" in message
        assert _bodies(bucket) == before
    return result


def _bodies(bucket: OneBucket) -> dict[str, bytes]:
    names = bucket.store.keys()
    return {name: bucket.store.body(name) for name in names}


def led_on(bucket: OneBucket, election: Election) -> None:
    """Check that the election continues once the lock has lapsed, or was deposed by force."""
    bucket.pass_time(timedelta(hours=25))
    if contend(bucket, bucket.election(), LATER) is None:
        assert election.depose(reason="cannot be read", force=True, done="none") is not None
    else:
        bucket.pass_time(timedelta(minutes=1))
    result = bucket.election().campaign(LATER + timedelta(hours=1))
    assert isinstance(result, Term)
    result.resign()
    following = bucket.election().campaign(LATER + timedelta(hours=2))
    assert isinstance(following, Term)
    assert following.number == result.number + 1
