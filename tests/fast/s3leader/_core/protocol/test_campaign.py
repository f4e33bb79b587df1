"""What a candidate asks for while it campaigns, waits and remembers (R9), and what it concludes."""

from __future__ import annotations

from typing import Any

import pytest

from s3leader._core.holding import Holding
from s3leader._core.lock import Lock
from s3leader._core.next_lock import Work
from s3leader._core.protocol import Won, campaign
from s3leader._core.requests import Reply, Unknown, Wait, Waited
from tests.fast.s3leader._core.protocol.script import (
    HOUR_MS,
    LATENCY_MS,
    LEASE_MS,
    LIST,
    LOST,
    T0,
    TICK,
    Exchange,
    after,
    applied,
    at,
    config,
    conflict,
    create,
    found,
    held,
    known,
    listing,
    looked,
    lost,
    mine,
    missing,
    pause,
    proofs,
    read,
    sealed,
    won,
)

HELD_AGAIN: Exchange = (read(4), found(held(4)))
BEATEN: tuple[Exchange, Exchange] = ((create(mine(5)), conflict()), (read(5), found(held(5))))


def test_first_winner_holds_what_it_wrote_until_a_lease_after_it_was_sent() -> None:
    result = won((LIST, listing()), (create(mine(1)), applied(T0 + 1000, "E9")), *proofs(mine(1)))
    holding = Holding(
        lock=mine(1, started_at=at(1000), proved=True),
        etag="E9",
        deadline_ms=LATENCY_MS + LEASE_MS,
        date_ms=T0 + 1000,
        received_ms=2 * LATENCY_MS,
    )
    assert result == Won(holding=holding, took_over=False)


def test_cold_candidate_lists_reads_the_highest_and_creates_the_next() -> None:
    reads: tuple[Exchange, ...] = ((LIST, listing(3, 4)), (read(4), found(sealed(4))))
    assert won(*reads, (create(mine(5)), applied())).holding.lock.term == 5


def test_candidate_whose_number_is_taken_after_its_look_is_beaten() -> None:
    result = lost(*looked(sealed(4)), *BEATEN)
    assert (result.why, result.head.term) == ("beaten", 5)


def test_candidate_whose_time_ends_with_the_answer_is_beaten() -> None:
    assert lost(*looked(sealed(4)), *BEATEN, wait_ms=4 * LATENCY_MS).why == "beaten"


def test_beaten_candidate_with_time_continues_from_the_lock_that_beat_it() -> None:
    won(
        *looked(sealed(4)),
        (create(mine(5)), conflict()),
        (read(5), found(sealed(5))),
        pause(50, 250),
        (after(5), listing()),
        (create(mine(6, "n2")), applied()),
        wait_ms=60_000,
    )


def test_waiting_candidate_succeeds_a_holder_that_resigns() -> None:
    won(
        *looked(held(4)),
        pause(1000),
        (read(4), found(held(4, renewals=1))),
        pause(1000),
        (read(4), found(sealed(4))),
        (create(mine(5)), applied()),
        wait_ms=60_000,
    )


def stopped(low_ms: int, high_ms: int) -> Exchange:
    return (Wait(low_ms, high_ms, may_stop=True), Waited(stopped=True))


def test_waiting_candidate_that_is_asked_to_stop_sends_nothing_more() -> None:
    result = lost(*looked(held(4)), stopped(1000, 2000), wait_ms=60_000)
    assert (result.why, result.head.term) == ("stopped", 4)


def test_beaten_candidate_that_is_asked_to_stop_sends_nothing_more() -> None:
    beaten = (*looked(sealed(4)), (create(mine(5)), conflict()), (read(5), found(sealed(5))))
    result = lost(*beaten, stopped(50, 250), wait_ms=60_000)
    assert (result.why, result.head.term) == ("stopped", 5)


def test_only_waits_in_which_nothing_is_pending_may_be_cut_short() -> None:
    """An unknown write is settled first: it must not leave a lock that nobody holds."""
    steps = campaign(config(), Work(tick=None), wait_ms=0, known=known(sealed(4)), now_ms=0)
    assert next(steps) == create(mine(5))
    request = steps.send(Reply(Unknown("timeout"), 0, 10))
    while not isinstance(request, Wait):
        request = steps.send(Reply(Unknown("timeout"), 10, 20))
    assert not request.may_stop


def test_waiting_ends_when_the_time_since_the_call_is_over() -> None:
    # pauses: two seconds, and what is left of the 2,500 ms
    again = (pause(1000), HELD_AGAIN, pause(480, 480), HELD_AGAIN)
    assert lost(*looked(held(4)), *again, wait_ms=2_500, start_ms=50_000).why == "held"


@pytest.mark.parametrize("wait_ms", [0, LATENCY_MS])
def test_candidate_with_no_time_left_does_not_wait(wait_ms: int) -> None:
    assert lost(*looked(held(4)), wait_ms=wait_ms).why == "held"


def test_candidate_waits_for_the_last_millisecond() -> None:
    again = ((Wait(1, 1), Waited()), HELD_AGAIN)
    assert lost(*looked(held(4)), *again, wait_ms=LATENCY_MS + 1).why == "held"


def test_time_that_passes_while_a_remembered_leader_is_read_is_counted() -> None:
    slow: tuple[Exchange, ...] = ((read(4), LOST, 5_000), pause(50), HELD_AGAIN)
    assert lost(*slow, memory=known(held(4)), wait_ms=5_000).why == "held"


def test_beaten_candidate_waits_for_the_winner_at_once() -> None:
    again = ((Wait(100, 100), Waited()), (read(5), found(held(5))))
    result = lost(*looked(sealed(4)), *BEATEN, *again, wait_ms=4 * LATENCY_MS + 100)
    assert result.why == "held"


def test_waiting_candidate_leaves_when_its_tick_is_done() -> None:
    done = sealed(4, tick=TICK, done=TICK)
    exchanges = (*looked(held(4)), pause(1000), (read(4), found(done)))
    assert lost(*exchanges, tick=TICK, wait_ms=60_000).why == "done"


def test_waiting_candidate_whose_holders_lock_is_gone_lists_again() -> None:
    exchanges = (*looked(held(4)), pause(1000), (read(4), missing()), *looked(sealed(7)))
    won(*exchanges, (create(mine(8)), applied()), wait_ms=60_000)


@pytest.mark.parametrize("lock", [sealed(4), None], ids=["sealed", "empty"])
def test_memory_younger_than_an_hour_needs_no_list(lock: Lock | None) -> None:
    write = mine(1 if lock is None else 5)
    probes = proofs(write) if lock is None else ()
    won((create(write), applied()), *probes, memory=known(lock), start_ms=HOUR_MS - 1)


def test_memory_of_an_hour_ago_is_refreshed_with_one_list() -> None:
    late: dict[str, Any] = {"memory": known(sealed(4)), "start_ms": HOUR_MS}
    won((after(4), listing(at=T0 + HOUR_MS)), (create(mine(5)), applied(T0 + HOUR_MS)), **late)


def test_candidate_that_remembers_a_leader_reads_its_lock_again_and_lists_nothing() -> None:
    assert lost((read(4), found(held(4))), memory=known(held(4))).why == "held"


def test_candidate_that_remembers_a_leader_succeeds_it_in_two_requests() -> None:
    result = won((read(4), found(sealed(4))), (create(mine(5)), applied()), memory=known(held(4)))
    assert result.holding.lock.term == 5


def test_leader_remembered_for_an_hour_is_looked_for_with_a_list() -> None:
    late: dict[str, Any] = {"memory": known(held(4)), "start_ms": HOUR_MS}
    lost(
        (after(4), listing(5, at=T0 + HOUR_MS)), (read(5), found(held(5), at=T0 + HOUR_MS)), **late
    )


def test_unsealed_lock_read_an_hour_after_its_proof_is_listed_for() -> None:
    again = (read(4), found(held(4), at=T0 + HOUR_MS))
    lost(again, (after(4), listing(9, at=T0)), (read(9), found(held(9))), memory=known(held(4)))


def test_repeat_after_a_remembered_leader_lists_before_it_creates() -> None:
    done = sealed(4, tick=TICK, done=TICK)
    won(
        (read(4), found(done)),
        (after(4), listing()),
        (create(mine(5, tick=TICK, done=TICK, repeat=True)), applied()),
        memory=known(held(4)),
        tick=TICK,
        repeat=True,
    )


def test_lost_campaign_returns_the_head_that_it_read() -> None:
    result = lost(*BEATEN, memory=known(sealed(4)))
    head = result.head
    assert (result.why, head.term, head.proved_highest_at_ms) == ("held", 5, T0)


def test_candidate_that_missed_whole_terms_lists_them_and_wins() -> None:
    won(
        (create(mine(5)), conflict()),
        (read(5), found(sealed(5))),
        (after(5), listing(6, 7)),
        (read(7), found(sealed(7))),
        (create(mine(8, "n2")), applied()),
        memory=known(sealed(4)),
    )


def test_newer_locks_are_listed_from_the_known_lock_on() -> None:
    late, now = T0 + HOUR_MS, HOUR_MS + LATENCY_MS
    reads = ((after(4), listing(5, 6, at=late)), (read(6), found(held(6), at=late)))
    result = lost(*reads, memory=known(sealed(4)), start_ms=HOUR_MS)
    assert result.head.observed_ms == now


def test_candidate_whose_remembered_lock_is_gone_lists_from_the_start() -> None:
    lost((read(4), missing()), *looked(held(9)), memory=known(held(4)))
