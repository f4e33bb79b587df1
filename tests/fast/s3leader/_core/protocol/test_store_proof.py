"""R0: no candidate leads on a store that ignores conditions."""

from __future__ import annotations

from typing import Any

import pytest

from s3leader import testing
from s3leader._core.lock import decode_lock
from s3leader._core.requests import Answer, Create, Replace
from s3leader._core.store_proof import IMPOSSIBLE_ETAG, prove_store
from s3leader._io.memory_store import MemoryStore
from s3leader.errors import BucketUnusable
from tests.fast.s3leader._core.protocol.script import (
    EARLIER,
    LATENCY_MS,
    LEASE_MS,
    LIST,
    LOST,
    T0,
    Exchange,
    applied,
    config,
    conflict,
    contend,
    create,
    held,
    holding,
    key,
    known,
    listing,
    looked,
    lost,
    mine,
    pause,
    play,
    proofs,
    sealed,
    voided,
    won,
)

LOCK = mine(1)
CREATE, SWAP = create(LOCK), Replace(key(1), LOCK.encode(), IMPOSSIBLE_ETAG)
CREATED: tuple[Exchange, ...] = ((LIST, listing()), (CREATE, applied()))
REFUSED = BucketUnusable("no", action="s3:PutObject", resource="arn", code="NotImplemented")
DENIED = BucketUnusable("no", action="s3:PutObject", resource="arn", code="AccessDenied")


@pytest.mark.parametrize(
    "sealing", [(applied(),), (LOST, LEASE_MS), (DENIED,)], ids=["sealed", "unknown", "denied"]
)
@pytest.mark.parametrize(
    ("to_create", "to_swap", "ignored"),
    [
        (applied(etag="E9"), conflict(), "If-None-Match: *"),
        (conflict(), applied(etag="E9"), "If-Match"),
        (applied(etag="E9"), applied(etag="E8"), "If-None-Match: * and If-Match"),
    ],
    ids=["creates", "swaps", "both"],
)
def test_store_that_ignores_conditions_is_refused_and_the_lock_sealed_if_possible(
    to_create: Answer, to_swap: Answer, ignored: str, sealing: Any
) -> None:
    seal = voided(LOCK, f"the store ignores {ignored}")
    with pytest.raises(BucketUnusable) as refused:
        contend(*CREATED, (CREATE, to_create), (SWAP, to_swap), (seal, *sealing))
    assert f"({ignored}) did not hold" in str(refused.value)
    assert (refused.value.code, refused.value.resource) == ("ConditionIgnored", key(1))


@pytest.mark.parametrize("sealing", [applied(), DENIED], ids=["sealed", "denied"])
@pytest.mark.parametrize("before", [(), ((CREATE, conflict()),)], ids=["create", "swap"])
def test_refused_probe_is_reported_and_the_lock_sealed_if_possible(
    before: tuple[Exchange, ...], sealing: Any
) -> None:
    """A server may answer 501 to If-Match."""
    seal = voided(LOCK, "a probe of the store was refused")
    with pytest.raises(BucketUnusable) as raised:
        contend(*CREATED, *before, (SWAP if before else CREATE, REFUSED), (seal, sealing))
    assert raised.value is REFUSED


def test_unanswered_probes_are_sent_again_after_pauses_that_double_up_to_a_second() -> None:
    pauses_ms = [25, 50, 100, 200, 400, 800, 1000, 1000]
    tries: list[Exchange] = []
    for pause_ms in pauses_ms:
        tries += [(CREATE, LOST), pause(pause_ms)]
    tries += [(CREATE, conflict()), (SWAP, LOST), pause(25), (SWAP, conflict())]
    now_ms = play(prove_store(config(), holding(LOCK), CREATE), *tries)
    assert now_ms == 2 * (sum(pauses_ms) + 25) + LATENCY_MS * (len(pauses_ms) + 3)


# The create took 10 ms from 10 on, so the deadline is at 10 + LEASE_MS.
@pytest.mark.parametrize(
    "probes",
    [
        ((CREATE, conflict()), (SWAP, conflict(), LEASE_MS - 20)),
        ((CREATE, conflict()), (SWAP, LOST, LEASE_MS - 20)),
        ((CREATE, conflict()), (SWAP, applied(), LEASE_MS - 20)),
        ((CREATE, applied(), LEASE_MS - 10),),
    ],
    ids=["swap refused", "swap lost", "swap applied", "create applied"],
)
def test_win_proved_at_its_deadline_is_void_and_the_store_is_not_accused(
    probes: tuple[Exchange, ...],
) -> None:
    """The lock may have been succeeded by then, and deleted after days."""
    why = "the store was not tested before the lease ran out"
    seal = voided(LOCK, why, ended_ms=LEASE_MS - 1000)
    lost(*CREATED, *probes, (seal, applied()), *looked(held(1)))


def test_win_proved_a_millisecond_before_its_deadline_counts() -> None:
    won(*CREATED, (CREATE, conflict()), (SWAP, conflict(), LEASE_MS - 21))


def test_lock_that_does_not_say_that_the_store_is_proved_proves_nothing() -> None:
    """Versions without this rule and operators write such locks."""
    write = mine(5, done=EARLIER, swept=3, proved=False)
    before = known(sealed(4, done=EARLIER, swept=3, proved=False))
    won((create(write), applied()), *proofs(write), memory=before)


def test_what_an_operator_states_of_a_corrupt_lock_proves_no_store() -> None:
    """Nor does what later locks inherit of it."""
    store = MemoryStore(clock_ms=lambda: T0, ignores=(Create,))
    store.perform(Create(key(3), b"garbage"))
    election = testing.election("e", store=store)
    election.depose(reason="corrupt", force=True, done="none")
    for _ in range(2):
        with pytest.raises(BucketUnusable):
            election.campaign()


@pytest.mark.parametrize(
    "ignores", [(Create,), (Replace,), (Create, Replace)], ids=["creates", "swaps", "both"]
)
def test_no_candidate_is_elected_on_a_store_that_ignores_conditions(ignores: Any) -> None:
    store = MemoryStore(clock_ms=lambda: T0, ignores=ignores)
    for _ in range(3):
        with pytest.raises(BucketUnusable):
            testing.election("e", store=store).campaign()
    highest = store.keys()[-1]
    assert decode_lock(store.body(highest), key=highest, term=int(highest[-7:-5])).sealed
