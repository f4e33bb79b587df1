"""What an operator may do to a lock, and what force adds to it."""

from __future__ import annotations

import pytest

from s3leader._core.candidate import LedgerHead, Steps
from s3leader._core.depose import depose
from s3leader._core.lock import Lock
from s3leader._core.requests import Replace
from s3leader.errors import CorruptLock, InvalidArgument, StillHeld
from tests.fast.s3leader._core.protocol.script import (
    EARLIER,
    LEASE_MS,
    LIST,
    SKEW_MS,
    TICK,
    Exchange,
    applied,
    at,
    config,
    conflict,
    found,
    held,
    listing,
    play,
    put,
    read,
    sealed,
)

LAPSED_MS = LEASE_MS + SKEW_MS + 1_000
HELD = held(4, started_at=EARLIER, tick=EARLIER, state={"a": 1})
RENEWED = HELD.renewed(nonce="r2")


def deposing(*, force: bool = False) -> Steps[LedgerHead | None]:
    return depose(config(), reason="stuck", force=force)


def seal(lock: Lock, nonce: str = "n1", etag: str = "E") -> Replace:
    return put(lock.seal(nonce=nonce, outcome="deposed", reason="stuck", ended_at=at(0)), etag)


def test_lapsed_lock_is_sealed() -> None:
    reads: tuple[Exchange, ...] = ((LIST, listing(4)), (read(4), found(HELD, age_ms=LAPSED_MS)))
    seen = play(deposing(), *reads, (seal(HELD), applied()))
    assert seen is not None
    assert seen.lock is not None
    assert (seen.lock.outcome, seen.lock.reason) == ("deposed", "stuck")


def test_good_lease_is_not_broken_without_force() -> None:
    with pytest.raises(StillHeld, match="rival"):
        play(deposing(), (LIST, listing(4)), (read(4), found(HELD)))


def test_good_lease_is_broken_by_force() -> None:
    reads: tuple[Exchange, ...] = ((LIST, listing(4)), (read(4), found(HELD)))
    assert play(deposing(force=True), *reads, (seal(HELD), applied())) is not None


def test_lock_that_was_renewed_meanwhile_is_judged_anew() -> None:
    with pytest.raises(StillHeld):
        play(
            deposing(),
            (LIST, listing(4)),
            (read(4), found(HELD, age_ms=LAPSED_MS)),
            (seal(HELD), conflict()),
            (read(4), found(RENEWED, etag="E2")),
        )


def test_force_goes_on_against_renewals() -> None:
    seen = play(
        deposing(force=True),
        (LIST, listing(4)),
        (read(4), found(HELD)),
        (seal(HELD), conflict()),
        (read(4), found(RENEWED, etag="E2")),
        (seal(RENEWED, "n2", "E2"), applied()),
    )
    assert seen is not None


@pytest.mark.parametrize("force", [False, True])
def test_sealed_lock_is_left_alone(force: bool) -> None:  # noqa: FBT001 - parametrized
    reads: tuple[Exchange, ...] = ((LIST, listing(4)), (read(4), found(sealed(4))))
    assert play(deposing(force=force), *reads) is None


def test_nothing_is_deposed_where_nothing_is() -> None:
    assert play(deposing(force=True), (LIST, listing())) is None


def test_corrupt_lock_is_not_touched_without_force() -> None:
    with pytest.raises(CorruptLock, match=r"lock_0000000004\.json"):
        play(deposing(), (LIST, listing(4)), (read(4), found(b"?")))


def test_done_is_refused_for_a_lock_that_can_be_read() -> None:
    steps = depose(config(), reason="stuck", force=True, done=TICK)
    with pytest.raises(InvalidArgument, match=r"latest completed tick is none\. Leave done out"):
        play(steps, (LIST, listing(4)), (read(4), found(HELD)))
