"""R0: nobody leads on a store that ignores conditions, and proving one costs two requests."""

from __future__ import annotations

from typing import Any

import pytest

from s3leader import testing
from s3leader._core.candidate import Steps
from s3leader._core.lock import decode_lock
from s3leader._core.next_lock import Work, next_lock
from s3leader._core.protocol import Lost, Won, campaign
from s3leader._core.requests import Create, Replace
from s3leader._core.store_proof import IMPOSSIBLE_ETAG
from s3leader._io.memory_store import MemoryStore
from s3leader.errors import BucketUnusable
from tests.fast.s3leader._core.protocol.script import (
    EARLIER,
    LEASE_MS,
    LIST,
    LOST,
    T0,
    TICK,
    Exchange,
    applied,
    at,
    config,
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
    sealed,
)
from tests.fast.s3leader._core.protocol.stepper import Stepper

LOCK = mine(1)
CREATED: tuple[Exchange, ...] = ((LIST, listing()), (create(LOCK), applied(etag="E1")))
SWAP = Replace(key(1), LOCK.encode(), IMPOSSIBLE_ETAG)


def first(**more: Any) -> Steps[Won | Lost]:
    return campaign(config(**more), Work(), wait_ms=0, known=None, now_ms=0)


def unproved(reason: str) -> Replace:
    started = mine(1, started_at=at(0), attempt=0)
    seal = started.seal(nonce="n2", outcome="resigned", reason=reason, ended_at=at(0))
    return put(seal, etag="E1")


def test_both_probes_carry_the_body_that_is_there_already() -> None:
    assert isinstance(play(first(), *CREATED, *proofs(LOCK)), Won)


def test_deadline_of_a_first_term_counts_from_its_create() -> None:
    result = play(first(), *CREATED, *proofs(LOCK), start_ms=5_000)
    assert isinstance(result, Won)
    assert result.holding.deadline_ms == 5_010 + LEASE_MS


def test_store_that_ignores_if_none_match_is_refused_and_the_lock_sealed() -> None:
    seal = unproved("void: the store ignores If-None-Match: *")
    exchanges: tuple[Exchange, ...] = (
        (create(LOCK), applied(etag="E9")),
        (SWAP, conflict()),
        (seal, applied()),
    )
    with pytest.raises(BucketUnusable, match=r"If-None-Match: \*\) did not hold"):
        play(first(), *CREATED, *exchanges)


def test_store_that_ignores_if_match_is_refused_and_the_lock_sealed() -> None:
    seal = unproved("void: the store ignores If-Match")
    exchanges: tuple[Exchange, ...] = (
        (create(LOCK), conflict()),
        (SWAP, applied(etag="E9")),
        (seal, applied()),
    )
    with pytest.raises(BucketUnusable, match=r"\(If-Match\) did not hold") as refused:
        play(first(), *CREATED, *exchanges)
    assert (refused.value.code, refused.value.resource) == ("ConditionIgnored", key(1))


def test_refusal_names_every_condition_that_the_store_ignores() -> None:
    seal = unproved("void: the store ignores If-None-Match: * and If-Match")
    exchanges: tuple[Exchange, ...] = (
        (create(LOCK), applied(etag="E9")),
        (SWAP, applied(etag="E8")),
        (seal, applied()),
    )
    with pytest.raises(BucketUnusable, match=r"If-None-Match: \* and If-Match"):
        play(first(), *CREATED, *exchanges)


def test_store_is_refused_though_its_lock_cannot_be_sealed() -> None:
    seal = unproved("void: the store ignores If-Match")
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
    why = "void: the store was not tested before the lease ran out"
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


def test_lock_that_says_that_the_store_is_proved_saves_the_probes() -> None:
    memory = known(sealed(4, outcome="deposed"))
    steps = campaign(config(), Work(), wait_ms=0, known=memory, now_ms=0)
    assert isinstance(play(steps, (create(mine(5)), applied())), Won)


@pytest.mark.parametrize("outcome", ["completed", "failed", "resigned", "deposed", None, "other"])
def test_lock_that_does_not_say_so_proves_nothing(outcome: str | None) -> None:
    """Whatever else it says: versions without this rule and operators write such locks too."""
    before = sealed(4, outcome=outcome, done=EARLIER, swept=3, proved=False)
    steps = campaign(config(), Work(), wait_ms=0, known=known(before), now_ms=0)
    write = mine(5, done=EARLIER, swept=3, proved=False)
    assert isinstance(play(steps, (create(write), applied()), *proofs(write)), Won)


def test_leader_that_has_proved_the_store_says_so_in_its_next_write() -> None:
    result = play(first(), *CREATED, *proofs(LOCK))
    assert isinstance(result, Won)
    assert result.holding.lock == mine(1, started_at=at(0), proved=True)


def test_proof_is_carried_on_by_terms_that_fail_and_are_deposed() -> None:
    lock = sealed(4)
    for outcome in ("failed", "deposed", "resigned"):
        started = next_lock(lock, nonce="n", holder="h", lease_ms=1, work=Work())
        lock = started.seal(nonce="m", outcome=outcome)
    assert lock.proved


def refusal(code: str) -> BucketUnusable:
    return BucketUnusable("no", action="s3:PutObject", resource="arn", code=code)


def test_refused_probe_leaves_no_unsealed_lock() -> None:
    """A server may answer 501 to If-Match."""
    refused = refusal("NotImplemented")
    seal = (unproved("void: a probe of the store was refused"), applied())
    with pytest.raises(BucketUnusable) as raised:
        play(first(), *CREATED, (create(LOCK), conflict()), (SWAP, refused), seal)
    assert raised.value is refused


def test_refused_probe_is_reported_though_the_seal_is_refused_too() -> None:
    refused = refusal("NotImplemented")
    seal = (unproved("void: a probe of the store was refused"), refusal("AccessDenied"))
    with pytest.raises(BucketUnusable) as raised:
        play(first(), *CREATED, (create(LOCK), refused), seal)
    assert raised.value is refused


def test_create_probe_that_is_applied_past_the_deadline_accuses_nobody() -> None:
    """The lock may have been succeeded and deleted by then; the win is void, as late as it is."""
    why = "void: the store was not tested before the lease ran out"
    started = mine(1, started_at=at(0), attempt=0)
    # The create ended at 20, and the probe at LEASE_MS + 20.
    void = started.seal(nonce="n2", outcome="resigned", reason=why, ended_at=at(LEASE_MS))
    result = play(
        first(),
        *CREATED,
        (create(LOCK), applied(etag="E9"), LEASE_MS),
        (put(void, "E1"), conflict()),
        (read(1), found(create(LOCK).body, etag="E9")),
        pause(25),
        (put(void, "E9"), applied()),
        (LIST, listing(80)),
        (read(80), found(held(80))),
    )
    assert isinstance(result, Lost)


def test_unproved_store_uses_up_no_attempt_at_the_tick() -> None:
    store = MemoryStore(clock_ms=lambda: T0, ignores=(Create,))
    for number in range(5):
        mine_ = config(max_attempts=2, nonces=f"{number}.")
        steps = campaign(mine_, Work(tick=TICK), wait_ms=0, known=None, now_ms=0)
        with pytest.raises(BucketUnusable):
            Stepper(steps, store).run()


def test_what_an_operator_states_of_a_corrupt_lock_proves_no_store() -> None:
    """Nor does what later locks inherit of it."""
    store = MemoryStore(clock_ms=lambda: T0, ignores=(Create,))
    store.perform(Create(key(3), b"garbage"))
    election = testing.election("e", store=store)
    election.depose(reason="corrupt", force=True, done="none")
    for _ in range(2):
        with pytest.raises(BucketUnusable):
            election.campaign()


def test_ledger_of_a_version_without_this_rule_is_proved_once() -> None:
    store = MemoryStore(clock_ms=lambda: T0, ignores=(Create, Replace))
    store.perform(Create(key(1), sealed(1, outcome="completed", proved=False).encode()))
    with pytest.raises(BucketUnusable):
        testing.election("e", store=store).campaign()


@pytest.mark.parametrize("ignores", [(Create,), (Replace,), (Create, Replace)], ids=str)
def test_nobody_is_elected_on_a_store_that_ignores_conditions(ignores: Any) -> None:
    store = MemoryStore(clock_ms=lambda: T0, ignores=ignores)
    for name in "abc":
        steps = campaign(config(name, nonces=name), Work(), wait_ms=0, known=None, now_ms=0)
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
