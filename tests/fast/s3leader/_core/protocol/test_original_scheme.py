"""Gunnar Morling's wire format: read, led after, taken over; and unknown keys survive us."""

from __future__ import annotations

import json

from s3leader._core.holding import renew, resign
from s3leader._core.lock import Lock
from s3leader._core.next_lock import Work
from s3leader._core.protocol import Lost, Won, campaign
from s3leader._core.requests import Create, Replace
from tests.fast.s3leader._core.protocol.script import (
    LEASE_MS,
    LIST,
    SKEW_MS,
    TICK,
    applied,
    at,
    config,
    create,
    found,
    holding,
    key,
    listing,
    mine,
    play,
    proofs,
    put,
    read,
    values,
)

UNSEALED = b'{"expired": false}'
UNPROVED = mine(5, proved=False)


def test_bare_lock_is_held_for_as_long_as_the_readers_own_lease() -> None:
    steps = campaign(config(), Work(), wait_ms=0, known=None, now_ms=0)
    answer = found(UNSEALED, age_ms=LEASE_MS + SKEW_MS)
    result = play(steps, (LIST, listing(4)), (read(4), answer))
    assert isinstance(result, Lost)
    assert result.why == "held"


def test_bare_lock_lapses_by_the_readers_own_lease() -> None:
    age_ms = LEASE_MS + SKEW_MS + 1_000
    steps = campaign(config(), Work(), wait_ms=0, known=None, now_ms=0)
    body = Lock(term=4, started_at=at(-age_ms)).seal(
        nonce="n1", outcome="deposed", reason="lapsed; sealed by me", ended_at=at(0)
    )
    result = play(
        steps,
        (LIST, listing(4)),
        (read(4), found(UNSEALED, age_ms=age_ms)),
        (put(body), applied()),
        (create(mine(5, "n2", proved=False)), applied()),
        *proofs(mine(5, "n2", proved=False)),
    )
    assert isinstance(result, Won)


def test_bare_sealed_lock_is_succeeded() -> None:
    steps = campaign(config(), Work(tick=TICK), wait_ms=0, known=None, now_ms=0)
    result = play(
        steps,
        (LIST, listing(4)),
        (read(4), found(b'{"expired": true}')),
        (create(mine(5, tick=TICK, proved=False)), applied()),
        *proofs(mine(5, tick=TICK, proved=False)),
    )
    assert isinstance(result, Won)


def test_what_we_write_says_expired_as_the_original_scheme_does() -> None:
    create_5 = Create(key(5), mine(5).encode())
    seal_5 = Replace(key(5), mine(5).seal(nonce="n", outcome="failed").encode(), "E")
    assert [values(create_5)["expired"], values(seal_5)["expired"]] == [False, True]


def test_unknown_keys_survive_a_renewal() -> None:
    lock = mine(5, "n0", extra={"theirs": [1, {"x": None}]})
    write = put(lock.renewed(nonce="n1"), "E1")
    play(renew(config(), holding(lock)), (write, applied()))
    assert values(write)["theirs"] == [1, {"x": None}]


def test_unknown_keys_survive_being_sealed_by_a_rival() -> None:
    age_ms = LEASE_MS + SKEW_MS + 1_000
    body = json.dumps({"expired": False, "theirs": {"x": 1}}).encode()
    steps = campaign(config(), Work(), wait_ms=0, known=None, now_ms=0)
    sealed = Lock(term=4, started_at=at(-age_ms), extra={"theirs": {"x": 1}}).seal(
        nonce="n1", outcome="deposed", reason="lapsed; sealed by me", ended_at=at(0)
    )
    write = put(sealed)
    play(
        steps,
        (LIST, listing(4)),
        (read(4), found(body, age_ms=age_ms)),
        (write, applied()),
        (create(mine(5, "n2", proved=False)), applied()),
        *proofs(mine(5, "n2", proved=False)),
    )
    assert values(write)["theirs"] == {"x": 1}


def test_unknown_keys_are_not_inherited_by_the_next_term() -> None:
    body = json.dumps({"expired": True, "theirs": 1}).encode()
    steps = campaign(config(), Work(), wait_ms=0, known=None, now_ms=0)
    reads = ((LIST, listing(4)), (read(4), found(body)))
    result = play(steps, *reads, (create(UNPROVED), applied()), *proofs(UNPROVED))
    assert isinstance(result, Won)


def test_unknown_keys_survive_resigning() -> None:
    lock = mine(5, "n0", swept=4, extra={"theirs": 1})
    write = put(lock.seal(nonce="n1", outcome="resigned", ended_at=at(-1000)), "E1")
    steps = resign(config(), holding(lock), outcome="resigned", reason=None, now_ms=0)
    play(steps, (write, applied()))
    assert values(write)["theirs"] == 1
