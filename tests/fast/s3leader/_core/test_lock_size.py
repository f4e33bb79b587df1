"""Every lock that is read can be sealed, and what seals it can be read: else nobody leads again.

Sizes count as we write them: JSON escapes what others may have written shorter.
"""

from __future__ import annotations

import json

import pytest

from s3leader._core.lock import MAX_BODY, MAX_LEASE_MS, ROOM_TO_SEAL, Lock, decode_lock
from s3leader._core.next_lock import Work, next_lock
from s3leader.errors import CorruptLock

KEY = "elections/e/lock_0000000042.json"
NO_ROOM = MAX_BODY - ROOM_TO_SEAL
FOREIGN = {
    "text that JSON escapes": json.dumps({"x": "é" * (NO_ROOM // 2 - 10)}, ensure_ascii=False),
    "control characters": json.dumps({"x": "\x7fÿ" * 80_000}, ensure_ascii=False),
    "no spaces": '{"x":[' + ",".join("1" * (NO_ROOM // 2 - 10)) + "]}",
    "short floats": '{"x":[' + "1e15," * (NO_ROOM // 5 - 10) + "0]}",
}


def decoded(body: bytes) -> Lock:
    return decode_lock(body, key=KEY, term=42)


@pytest.mark.parametrize("body", FOREIGN.values(), ids=FOREIGN)
def test_lock_is_corrupt_at_once_or_can_be_sealed(body: str) -> None:
    try:
        lock = decoded(body.encode())
    except CorruptLock:
        return
    sealed = lock.seal(nonce="n" * 32, outcome="deposed", reason="lapsed; sealed by me")
    assert decoded(sealed.encode()) == sealed


@pytest.mark.parametrize("letter", ["x", "é", "\x00", "😀", '"'])
def test_longest_reason_fits_into_the_room_that_is_kept(letter: str) -> None:
    fill = NO_ROOM - len(Lock(term=42, extra={"x": ""}).encode())
    lock = decoded(Lock(term=42, extra={"x": "x" * fill}).encode())
    sealed = lock.seal(nonce="n" * 32, outcome="deposed", reason=letter * 10_000)
    assert decoded(sealed.encode()).sealed


@pytest.mark.parametrize("letter", ["é", "😀"])
def test_term_that_inherits_the_largest_state_can_be_read(letter: str) -> None:
    """A state that another wrote more tersely must not make the next term's lock unreadable."""
    bare = {"expired": True, "state": {"x": ""}}
    room = (MAX_BODY - len(json.dumps(bare)) - 10) // len(letter.encode())
    bare["state"] = {"x": letter * room}
    try:
        previous = decoded(json.dumps(bare, ensure_ascii=False).encode())
    except CorruptLock:
        return
    following = next_lock(
        previous, nonce="n" * 32, holder="h" * 200, lease_ms=MAX_LEASE_MS, tick=None
    )
    assert decode_lock(following.encode(), key=KEY, term=43).state == previous.state


def test_deeply_nested_lock_is_corrupt_at_once_or_can_be_sealed() -> None:
    for depth in range(100, 1_100, 7):
        body = b'{"x": ' + b"[" * depth + b"]" * depth + b"}"
        try:
            lock = decoded(body)
        except CorruptLock:
            continue
        assert lock.seal(nonce="n", outcome="deposed").encode()


def test_attempt_that_cannot_be_counted_on_is_corrupt_or_is_counted() -> None:
    body = b'{"expired": true, "tick": "2026-11-23T06:00:00Z", "attempt": ' + b"9" * 4_300 + b"}"
    try:
        previous = decoded(body)
    except CorruptLock:
        return
    following = next_lock(
        previous, nonce="n", holder="h", lease_ms=5, work=Work(tick=previous.tick)
    )
    assert following.encode()
