"""Gunnar Morling's wire format: locks of it are read and succeeded; unknown keys are kept."""

from __future__ import annotations

import json

from s3leader._core.lock import Lock
from tests.fast.s3leader._core.protocol.script import (
    LEASE_MS,
    LIST,
    SKEW_MS,
    TICK,
    Exchange,
    applied,
    at,
    create,
    found,
    listing,
    lost,
    mine,
    proofs,
    put,
    read,
    won,
)


def shown(body: bytes, *, age_ms: int = 0) -> tuple[Exchange, Exchange]:
    return (LIST, listing(4)), (read(4), found(body, age_ms=age_ms))


def test_bare_lock_is_held_for_the_readers_own_lease() -> None:
    assert lost(*shown(b'{"expired": false}', age_ms=LEASE_MS + SKEW_MS)).why == "held"


def test_bare_lock_lapses_by_the_readers_own_lease_and_keeps_unknown_keys_when_sealed() -> None:
    age_ms, theirs = LEASE_MS + SKEW_MS + 1_000, {"theirs": {"x": 1}}
    seal = Lock(term=4, started_at=at(-age_ms), extra=theirs).seal(
        nonce="n1", outcome="deposed", reason="lapsed; sealed by me", ended_at=at(0)
    )
    following = mine(5, "n2", proved=False)
    won(
        *shown(json.dumps({"expired": False, **theirs}).encode(), age_ms=age_ms),
        (put(seal), applied()),
        (create(following), applied()),
        *proofs(following),
    )


def test_bare_sealed_lock_is_succeeded_and_its_unknown_keys_are_not_inherited() -> None:
    following = mine(5, tick=TICK, proved=False)
    reads = shown(b'{"expired": true, "theirs": 1}')
    won(*reads, (create(following), applied()), *proofs(following), tick=TICK)


def test_written_locks_say_expired_as_the_original_scheme_does() -> None:
    bodies = (mine(5).encode(), mine(5).seal(nonce="n", outcome="failed").encode())
    assert [json.loads(body)["expired"] for body in bodies] == [False, True]


def test_unknown_keys_survive_a_renewal_and_a_resignation() -> None:
    lock = Lock(term=5, extra={"theirs": [1, {"x": None}]}).renewed(nonce="n1")
    sealed = lock.seal(nonce="n2", outcome="resigned")
    assert json.loads(sealed.encode())["theirs"] == [1, {"x": None}]
