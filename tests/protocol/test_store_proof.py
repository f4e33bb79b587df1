"""R0: nobody leads on a store that ignores conditions, and proving one costs two requests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from s3leader.errors import BucketUnusable
from s3leader.ledger import Steps
from s3leader.lock import Lock, decode_lock
from s3leader.memory_store import MemoryStore
from s3leader.protocol import Lost, Won, campaign
from s3leader.store import Create, Replace
from s3leader.store_proof import IMPOSSIBLE_ETAG
from tests.protocol.script import (
    LEASE_MS,
    LIST,
    LOST,
    T0,
    TICK,
    Exchange,
    applied,
    at,
    conflict,
    create,
    found,
    held,
    key,
    known,
    listing,
    mine,
    pause,
    play,
    proofs,
    put,
    read,
    rules,
    sealed,
)
from tests.protocol.stepper import Stepper

LOCK = mine(1)
CREATED: tuple[Exchange, ...] = ((LIST, listing()), (create(LOCK), applied(etag="E1")))
SWAP = Replace(key(1), LOCK.encode(), IMPOSSIBLE_ETAG)


def first(**more: Any) -> Steps[Won | Lost]:
    return campaign(rules(**more), tick=None, wait_ms=0, known=None, now_ms=0)


def unproved(reason: str, lock: Lock = LOCK, etag: str = "E1") -> Replace:
    started = mine(lock.term, started_at=at(0))
    return put(
        started.seal(nonce="n2", outcome="resigned", reason=reason, ended_at=at(0)), etag=etag
    )


def test_both_probes_carry_the_body_that_is_there_already() -> None:
    assert isinstance(play(first(), *CREATED, *proofs(LOCK)), Won)


def test_deadline_of_a_first_term_counts_from_its_create() -> None:
    result = play(first(), *CREATED, *proofs(LOCK), start_ms=5_000)
    assert isinstance(result, Won)
    assert result.holding.deadline_ms == 5_010 + LEASE_MS


def test_store_that_ignores_if_none_match_is_refused_and_the_lock_sealed() -> None:
    seal = unproved("void: the store ignores If-None-Match: *", etag="E9")
    exchanges: tuple[Exchange, ...] = (
        (create(LOCK), applied(etag="E9")),
        (SWAP, conflict()),
        (seal, applied()),
    )
    with pytest.raises(BucketUnusable, match=r"If-None-Match: \*\) did not hold"):
        play(first(), *CREATED, *exchanges)


def test_store_that_ignores_if_match_is_refused_and_the_lock_sealed() -> None:
    seal = unproved("void: the store ignores If-Match", etag="E9")
    exchanges: tuple[Exchange, ...] = (
        (create(LOCK), conflict()),
        (SWAP, applied(etag="E9")),
        (seal, applied()),
    )
    with pytest.raises(BucketUnusable, match=r"\(If-Match\) did not hold") as refused:
        play(first(), *CREATED, *exchanges)
    assert (refused.value.code, refused.value.resource) == ("ConditionIgnored", key(1))


def test_refusal_names_every_condition_that_the_store_ignores() -> None:
    seal = unproved("void: the store ignores If-None-Match: * and If-Match", etag="E8")
    exchanges: tuple[Exchange, ...] = (
        (create(LOCK), applied(etag="E9")),
        (SWAP, applied(etag="E8")),
        (seal, applied()),
    )
    with pytest.raises(BucketUnusable, match=r"If-None-Match: \* and If-Match"):
        play(first(), *CREATED, *exchanges)


def test_store_is_refused_though_its_lock_cannot_be_sealed() -> None:
    seal = unproved("void: the store ignores If-Match", etag="E9")
    exchanges: tuple[Exchange, ...] = ((create(LOCK), conflict()), (SWAP, applied(etag="E9")))
    with pytest.raises(BucketUnusable):
        play(first(), *CREATED, *exchanges, (seal, LOST, LEASE_MS))


def test_unanswered_probe_is_sent_again() -> None:
    exchanges: tuple[Exchange, ...] = (
        (create(LOCK), LOST),
        pause(25),
        (create(LOCK), conflict()),
        (SWAP, LOST),
        pause(25),
        (SWAP, conflict()),
    )
    assert isinstance(play(first(), *CREATED, *exchanges), Won)


@pytest.mark.parametrize("answer", [conflict(), LOST, applied(etag="E1")])
def test_win_proved_at_its_deadline_is_void(answer: Any) -> None:
    """It may have been taken over by then, and after days its lock may have been deleted: what a
    probe is answered says nothing of the store.
    """
    started = mine(1, started_at=at(0), attempt=0)
    why = "void: the store was proved after its lease"
    # The create took 10 ms from 10 on; the probes end at 10 + LEASE_MS, the deadline.
    void = started.seal(nonce="n2", outcome="resigned", reason=why, ended_at=at(LEASE_MS - 1000))
    result = play(
        first(),
        *CREATED,
        (create(LOCK), conflict()),
        (SWAP, answer, LEASE_MS - 20),
        (put(void, "E1"), applied()),
        (LIST, listing(1)),
        (read(1), found(held(1))),
    )
    assert isinstance(result, Lost)


def test_win_proved_a_millisecond_before_its_deadline_counts() -> None:
    exchanges: tuple[Exchange, ...] = (
        (create(LOCK), conflict()),
        (SWAP, conflict(), LEASE_MS - 21),
    )
    assert isinstance(play(first(), *CREATED, *exchanges), Won)


@pytest.mark.parametrize(
    "below",
    [
        sealed(4, outcome="completed"),
        sealed(4, outcome="failed"),
        sealed(4, outcome="continued"),
        sealed(4, outcome="deposed", done=TICK - timedelta(hours=1)),
        sealed(4, outcome="resigned", swept=1),
    ],
    ids=["completed", "failed", "continued", "done", "swept"],
)
def test_lock_that_shows_a_leader_who_ended_a_term_saves_the_probes(below: Lock) -> None:
    steps = campaign(rules(), tick=None, wait_ms=0, known=known(below), now_ms=0)
    write = mine(5, done=below.done, swept=below.swept)
    assert isinstance(play(steps, (create(write), applied())), Won)


def test_lock_that_an_operator_sealed_in_place_of_a_corrupt_one_proves_nothing() -> None:
    below = sealed(4, outcome="deposed", done=TICK, swept=3, extra={"corrupt_body": "?"})
    steps = campaign(rules(), tick=None, wait_ms=0, known=known(below), now_ms=0)
    write = mine(5, done=TICK, swept=3)
    assert isinstance(play(steps, (create(write), applied()), *proofs(write)), Won)


@pytest.mark.parametrize("outcome", ["resigned", "deposed", None, "unheard-of"])
def test_lock_that_no_leader_ended_proves_nothing(outcome: str | None) -> None:
    steps = campaign(
        rules(), tick=None, wait_ms=0, known=known(sealed(4, outcome=outcome)), now_ms=0
    )
    assert isinstance(play(steps, (create(mine(5)), applied()), *proofs(mine(5))), Won)


@pytest.mark.parametrize("ignores", [(Create,), (Replace,), (Create, Replace)], ids=str)
def test_nobody_is_elected_on_a_store_that_ignores_conditions(ignores: Any) -> None:
    store = MemoryStore(clock_ms=lambda: T0, ignores=ignores)
    for name in "abc":
        steps = campaign(rules(name, nonces=name), tick=None, wait_ms=0, known=None, now_ms=0)
        with pytest.raises(BucketUnusable):
            Stepper(steps, store).run()
    highest = store.keys()[-1]
    assert decode_lock(store.body(highest), key=highest, term=int(highest[-7:-5])).sealed


def test_applied_create_probe_of_a_rival_does_not_make_two_leaders() -> None:
    """Both create lock 1 before either proves the store; both find out."""
    store = MemoryStore(clock_ms=lambda: T0, ignores=(Create,))
    runs = [Stepper(first(candidate=name, nonces=name), store) for name in "ab"]
    for run in runs:
        run.step()  # lists
    for run in runs:
        run.step()  # creates
    for run in runs:
        with pytest.raises(BucketUnusable):
            run.run()
