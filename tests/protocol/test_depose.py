"""What an operator may do to a lock, and what force adds to it."""

from __future__ import annotations

from typing import Any

import pytest

from s3leader.depose import depose
from s3leader.errors import CorruptLock, StillHeld
from s3leader.ledger import Seen, Steps
from s3leader.lock import Lock, decode_lock
from s3leader.store import Answer, Replace, Reply
from tests.protocol.script import (
    EARLIER,
    LEASE_MS,
    LIST,
    SKEW_MS,
    TICK,
    Exchange,
    applied,
    at,
    conflict,
    found,
    held,
    key,
    listing,
    missing,
    play,
    put,
    read,
    rules,
    sealed,
)

LAPSED_MS = LEASE_MS + SKEW_MS + 1_000
HELD = held(4, started_at=EARLIER, tick=EARLIER, state={"a": 1})
RENEWED = HELD.renewed(nonce="r2")


def deposing(*, force: bool = False) -> Steps[Seen | None]:
    return depose(rules(), reason="stuck", force=force)


def seal(lock: Lock, nonce: str = "n1", etag: str = "E") -> Replace:
    return put(lock.seal(nonce=nonce, outcome="deposed", reason="stuck", ended_at=at(0)), etag)


def test_lapsed_lock_is_sealed() -> None:
    look: tuple[Exchange, ...] = ((LIST, listing(4)), (read(4), found(HELD, age_ms=LAPSED_MS)))
    seen = play(deposing(), *look, (seal(HELD), applied()))
    assert seen is not None
    assert seen.lock is not None
    assert (seen.lock.outcome, seen.lock.reason) == ("deposed", "stuck")


def test_good_lease_is_not_broken_without_force() -> None:
    with pytest.raises(StillHeld, match="rival"):
        play(deposing(), (LIST, listing(4)), (read(4), found(HELD)))


def test_good_lease_is_broken_by_force() -> None:
    look: tuple[Exchange, ...] = ((LIST, listing(4)), (read(4), found(HELD)))
    assert play(deposing(force=True), *look, (seal(HELD), applied())) is not None


def test_lock_that_was_renewed_meanwhile_is_judged_anew() -> None:
    with pytest.raises(StillHeld):
        play(
            deposing(),
            (LIST, listing(4)),
            (read(4), found(HELD, age_ms=LAPSED_MS)),
            (seal(HELD), conflict()),
            (read(4), found(RENEWED, etag="E2")),  # settles the seal
            (read(4), found(RENEWED, etag="E2")),
        )


def test_force_goes_on_against_renewals() -> None:
    seen = play(
        deposing(force=True),
        (LIST, listing(4)),
        (read(4), found(HELD)),
        (seal(HELD), conflict()),
        (read(4), found(RENEWED, etag="E2")),  # settles the seal
        (read(4), found(RENEWED, etag="E2")),
        (seal(RENEWED, "n2", "E2"), applied()),
    )
    assert seen is not None


@pytest.mark.parametrize("force", [False, True])
def test_sealed_lock_is_left_alone(force: bool) -> None:  # noqa: FBT001 - parametrized
    look: tuple[Exchange, ...] = ((LIST, listing(4)), (read(4), found(sealed(4))))
    assert play(deposing(force=force), *look) is None


def test_nothing_is_deposed_where_nothing_is() -> None:
    assert play(deposing(force=True), (LIST, listing())) is None


def test_corrupt_lock_is_not_touched_without_force() -> None:
    with pytest.raises(CorruptLock, match=r"lock_0000000004\.json"):
        play(deposing(), (LIST, listing(4)), (read(4), found(b"?")))


# ------------------------------------------------------------------------ corrupt, by force

PREDECESSOR = sealed(3, done=TICK, swept=2, state={"after": "x"}, tick=TICK)


def replacement(body: bytes, **more: Any) -> Replace:
    lock = Lock(term=4, extra={"corrupt_body": body.decode("utf-8", "replace")}, **more)
    return seal(lock, etag="bad")


def test_what_the_ledger_carries_on_comes_from_the_lock_before_a_corrupt_one() -> None:
    write = replacement(b"?", done=TICK, swept=2, state={"after": "x"})
    seen = play(
        deposing(force=True),
        (LIST, listing(3, 4)),
        (read(4), found(b"?", etag="bad")),
        (read(3), found(PREDECESSOR)),
        (write, applied()),
    )
    assert seen is not None
    assert decode_lock(write.body, key=key(4), term=4).extra == {"corrupt_body": "?"}


def test_corrupt_lock_is_sealed_though_the_one_before_is_gone() -> None:
    exchanges: tuple[Exchange, ...] = (
        (LIST, listing(4)),
        (read(4), found(b"\xff", etag="bad")),
        (read(3), missing()),
        (replacement(b"\xff"), applied()),
    )
    assert play(deposing(force=True), *exchanges) is not None


def test_corrupt_lock_is_sealed_though_the_one_before_is_corrupt_too() -> None:
    exchanges: tuple[Exchange, ...] = (
        (LIST, listing(3, 4)),
        (read(4), found(b"?", etag="bad")),
        (read(3), found(b"[]")),
        (replacement(b"?"), applied()),
    )
    assert play(deposing(force=True), *exchanges) is not None


@pytest.mark.parametrize(
    ("body", "state"),
    [
        pytest.param(b"\xff" * 64 * 1024, {}, id="bytes that JSON escapes"),
        pytest.param(b"\x00" * 300 * 1024, {}, id="more than a body may have"),
        pytest.param(b"?" * 64 * 1024, {"a": "x" * 240 * 1024}, id="a large state beside it"),
    ],
)
def test_lock_sealed_in_place_of_a_corrupt_one_can_be_read(
    body: bytes, state: dict[str, Any]
) -> None:
    steps = deposing(force=True)
    before = sealed(3, state=state)
    answers: list[Answer] = [listing(3, 4), found(body, etag="bad"), found(before)]
    write = next(steps)
    for answer in answers:
        write = steps.send(Reply(answer, 0, 0))
    assert isinstance(write, Replace)
    assert decode_lock(write.body, key=key(4), term=4).sealed
