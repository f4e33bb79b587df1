"""What an operator may do to a lock, and to a corrupt one by force."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias

import pytest

from s3leader._core.candidate import LedgerHead, Steps
from s3leader._core.depose import depose
from s3leader._core.lock import Lock, decode_lock
from s3leader._core.requests import Answer, Replace, Reply
from s3leader._core.times import MOST_AHEAD_MS
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
    key,
    listing,
    looked,
    missing,
    play,
    put,
    read,
    sealed,
)

Stated: TypeAlias = datetime | Literal["none"] | None
LAPSED_MS = LEASE_MS + SKEW_MS + 1_000
HELD = held(4, started_at=EARLIER, tick=EARLIER, state={"a": 1})
RENEWED = HELD.renewed(nonce="r2")


def deposing(
    *, force: bool = True, done: Stated = None, term: int | None = None
) -> Steps[LedgerHead | None]:
    return depose(config(), reason="stuck", force=force, done=done, term=term)


def seal(lock: Lock, nonce: str = "n1", etag: str = "E") -> Replace:
    return put(lock.seal(nonce=nonce, outcome="deposed", reason="stuck", ended_at=at(0)), etag)


def test_lapsed_lock_is_sealed_without_force() -> None:
    head = play(deposing(force=False), *looked(HELD, age_ms=LAPSED_MS), (seal(HELD), applied()))
    assert head is not None
    assert head.lock is not None
    assert (head.lock.outcome, head.lock.reason) == ("deposed", "stuck")


def test_lock_that_was_renewed_meanwhile_is_judged_anew() -> None:
    again: tuple[Exchange, ...] = ((seal(HELD), conflict()), (read(4), found(RENEWED, etag="E2")))
    with pytest.raises(StillHeld, match="rival"):
        play(deposing(force=False), *looked(HELD, age_ms=LAPSED_MS), *again)


def test_force_seals_the_lock_although_it_is_renewed() -> None:
    exchanges: tuple[Exchange, ...] = (
        *looked(HELD),
        (seal(HELD), conflict()),
        (read(4), found(RENEWED, etag="E2")),
        (seal(RENEWED, "n2", "E2"), applied()),
    )
    assert play(deposing(), *exchanges) is not None


@pytest.mark.parametrize("force", [False, True])
def test_sealed_lock_is_left_alone(force: bool) -> None:  # noqa: FBT001 - parametrized
    assert play(deposing(force=force), *looked(sealed(4))) is None


def test_only_the_lock_of_the_term_that_is_named_is_sealed() -> None:
    assert play(deposing(term=3), *looked(HELD)) is None
    assert play(deposing(term=4), *looked(HELD), (seal(HELD), applied())) is not None


def test_empty_ledger_has_no_lock_to_depose() -> None:
    assert play(deposing(), (LIST, listing())) is None


def test_done_is_refused_for_a_lock_that_can_be_read() -> None:
    with pytest.raises(InvalidArgument, match=r"latest completed tick is none\. Leave done out"):
        play(deposing(done=TICK), *looked(HELD))
    with pytest.raises(InvalidArgument, match="latest completed tick is 2026-11-23T05:00:00Z"):
        play(deposing(done=TICK), *looked(held(4, done=EARLIER)))


FACTS: dict[str, Any] = {"swept": 2, "state": {"after": "x"}}
BEFORE = sealed(3, done=EARLIER, tick=EARLIER, **FACTS)


def corrupt(*before: Answer, term: int = 4) -> tuple[Exchange, ...]:
    """The lock of `term` is corrupt; `before` is the answer to the read of the one before it."""
    reads: tuple[Exchange, ...] = ((LIST, listing(term)), (read(term), found(b"\xff", etag="bad")))
    return (*reads, *((read(term - 1), answer) for answer in before))


def replacement(nonce: str = "n1", term: int = 4, **facts: Any) -> Replace:
    """The write that seals a lock in place of the corrupt one and keeps its body as text."""
    return seal(Lock(term=term, extra={"corrupt_body": "�"}, **facts), nonce, "bad")


def test_corrupt_lock_is_not_changed_without_force() -> None:
    with pytest.raises(CorruptLock, match=r"lock_0000000004\.json"):
        play(deposing(force=False), *corrupt())


def test_corrupt_lock_of_another_term_is_not_changed() -> None:
    assert play(deposing(term=3), *corrupt()) is None


@pytest.mark.parametrize(
    ("term", "before", "says"),
    [
        pytest.param(4, found(BEFORE), "tick 2026-11-23T05:00:00Z was the latest", id="readable"),
        pytest.param(4, found(sealed(3)), "no tick was the latest completed", id="without ticks"),
        pytest.param(4, missing(), "no longer there, so the checkpoint is lost", id="deleted"),
        pytest.param(4, found(b"[]"), "corrupt too, so the checkpoint is lost", id="corrupt too"),
        pytest.param(4, found(held(3, tick=TICK)), "no tick was the latest", id="not sealed"),
        pytest.param(1, missing(), "first term, so no earlier lock says more", id="first term"),
    ],
)
def test_corrupt_lock_is_not_changed_without_done_and_the_error_says_what_is_known(
    term: int, before: Answer, says: str
) -> None:
    with pytest.raises(InvalidArgument, match=says):
        play(deposing(), *corrupt(before, term=term))


def test_done_may_be_ahead_of_the_store_by_what_clocks_differ() -> None:
    done = at(0) + timedelta(milliseconds=MOST_AHEAD_MS)
    write = (replacement(done=done, swept=3), applied())
    assert play(deposing(done=done), *corrupt(missing()), write) is not None


def test_done_in_the_future_is_refused() -> None:
    late = at(0) + timedelta(milliseconds=MOST_AHEAD_MS + 1000)
    with pytest.raises(InvalidArgument, match="has not come cannot be completed"):
        play(deposing(done=late), *corrupt(missing()))


@pytest.mark.parametrize(
    ("stated", "term", "before", "facts"),
    [
        pytest.param("none", 4, found(BEFORE), {"done": EARLIER, **FACTS}, id="no later tick"),
        pytest.param(TICK, 4, found(BEFORE), {"done": TICK, **FACTS}, id="a later tick"),
        pytest.param(
            EARLIER - timedelta(hours=1),
            4,
            found(BEFORE),
            {"done": EARLIER, **FACTS},
            id="an earlier tick",
        ),
        # Leaders tag in ascending order: if one is gone, all below it are tagged.
        pytest.param("none", 4, missing(), {"swept": 3}, id="deleted"),
        pytest.param(TICK, 4, missing(), {"done": TICK, "swept": 3}, id="deleted, with a tick"),
        pytest.param(TICK, 4, found(b"[]"), {"done": TICK, "swept": 2}, id="corrupt too"),
        pytest.param("none", 1, missing(), {}, id="first term"),
        pytest.param(TICK, 1, missing(), {"done": TICK}, id="first term, with a tick"),
    ],
)
def test_sealed_replacement_carries_on_what_is_stated_and_what_the_lock_before_says(
    stated: Stated, term: int, before: Answer, facts: dict[str, Any]
) -> None:
    write = replacement(term=term, **facts)
    exchanges = (*corrupt(before, term=term), (write, applied()))
    assert play(deposing(done=stated), *exchanges) is not None


# Against R1, the lock before is not sealed.
UNSEALED = held(3, tick=TICK, done=EARLIER, started_at=EARLIER, **FACTS)


def test_unsealed_lock_before_is_sealed_first() -> None:
    """Its holder could complete a tick of which the ledger above it has no record."""
    writes: tuple[Exchange, ...] = (
        (seal(UNSEALED), applied()),
        (replacement("n2", done=EARLIER, attempts={TICK: 1}, **FACTS), applied()),
    )
    assert play(deposing(done="none"), *corrupt(found(UNSEALED)), *writes) is not None


def test_tick_that_the_holder_of_the_lock_before_completes_meanwhile_is_kept() -> None:
    completed = UNSEALED.seal(nonce="r", outcome="completed", ended_at=at(0))
    writes: tuple[Exchange, ...] = (
        (seal(UNSEALED), conflict()),
        (read(3), found(completed, etag="E2")),
        (replacement("n2", done=TICK, **FACTS), applied()),
    )
    assert play(deposing(done="none"), *corrupt(found(UNSEALED)), *writes) is not None


def test_lock_before_that_is_deleted_while_it_is_sealed_counts_as_deleted() -> None:
    writes: tuple[Exchange, ...] = (
        (seal(UNSEALED), conflict()),
        (read(3), missing()),
        (replacement("n2", swept=3), applied()),
    )
    assert play(deposing(done="none"), *corrupt(found(UNSEALED)), *writes) is not None


def test_answer_that_no_store_may_give_is_an_error() -> None:
    with pytest.raises(TypeError, match=r"a store answered .* to a Read"):
        play(deposing(done="none"), *corrupt(listing()))


@pytest.mark.parametrize(
    ("body", "state"),
    [
        pytest.param(b"\xff" * 64 * 1024, {}, id="bytes that JSON escapes"),
        pytest.param(b"\x00" * 300 * 1024, {}, id="more than a body may have"),
        pytest.param(b"?" * 64 * 1024, {"a": "x" * 230 * 1024}, id="a large state beside it"),
    ],
)
def test_replacement_of_a_corrupt_lock_of_any_size_can_be_read(
    body: bytes, state: dict[str, Any]
) -> None:
    steps = deposing(done="none")
    write = next(steps)
    for answer in (listing(3, 4), found(body, etag="bad"), found(sealed(3, state=state))):
        write = steps.send(Reply(answer, 0, 0))
    assert isinstance(write, Replace)
    assert decode_lock(write.body, key=key(4), term=4).sealed
