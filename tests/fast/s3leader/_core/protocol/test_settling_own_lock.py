"""R5 for the holder's own writes: renewals and the seal, with answers lost on the way."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from s3leader._core.candidate import Steps
from s3leader._core.holding import Holding, Resigned, renew, resign
from s3leader._core.requests import Reply, Request, Wait, Waited
from s3leader.errors import LeadershipLost, StoreUnavailable
from tests.fast.s3leader._core.protocol.script import (
    HOUR_MS,
    LATENCY_MS,
    LEASE_MS,
    LOST,
    T0,
    TICK,
    Exchange,
    applied,
    at,
    config,
    conflict,
    found,
    held,
    holding,
    mine,
    missing,
    pause,
    play,
    put,
    read,
    sealed_by,
    tag,
)

FIRST = mine(5, "n0", tick=TICK, swept=4)
THEIRS = FIRST.seal(nonce="r", outcome="deposed", ended_at=None)
RENEWED = FIRST.renewed(nonce="n1", state={"a": 1})
RENEWAL = put(RENEWED, "E1")


def renewal() -> Steps[Holding]:
    return renew(config(), holding(FIRST), {"a": 1})


def resignation(held_lock: Holding, now_ms: int = 1_000) -> Steps[Resigned]:
    return resign(config(), held_lock, outcome="completed", reason=None, now_ms=now_ms)


def final(nonce: str = "n1", ms: int = 0, **more: Any) -> Any:
    return FIRST.seal(nonce=nonce, outcome="completed", ended_at=at(ms), **more)


# -------------------------------------------------------------------------------- renewing


def test_renewal_moves_the_deadline_to_a_lease_after_it_was_sent() -> None:
    renewed = play(renewal(), (RENEWAL, applied(T0 + 5_000, "E2")), start_ms=5_000)
    assert renewed == Holding(
        lock=RENEWED,
        etag="E2",
        deadline_ms=5_000 + LEASE_MS,
        date_ms=T0 + 5_000,
        received_ms=5_000 + LATENCY_MS,
    )


def test_renewal_without_a_checkpoint_keeps_the_last_one() -> None:
    lock = mine(5, "n0", state={"a": 0})
    steps = renew(config(), holding(lock))
    assert play(steps, (put(lock.renewed(nonce="n1"), "E1"), applied())).lock.state == {"a": 0}


def test_renewal_that_conflicts_is_leadership_lost() -> None:
    with pytest.raises(LeadershipLost, match="term 5"):
        play(renewal(), (RENEWAL, conflict()), (read(5), found(THEIRS)))


def test_renewal_that_was_sent_twice_is_recognised() -> None:
    """A proxy sent it twice, and the first answer heard is that to the second copy."""
    renewed = play(renewal(), (RENEWAL, conflict()), (read(5), found(RENEWAL.body, etag="E2")))
    assert (renewed.etag, renewed.deadline_ms) == ("E2", LEASE_MS)


def test_renewal_of_a_lock_whose_nonce_is_no_text_is_leadership_lost() -> None:
    with pytest.raises(LeadershipLost):
        play(renewal(), (RENEWAL, conflict()), (read(5), found(b'{"nonce": []}')))


def test_server_that_refuses_the_etag_it_shows_fails_a_renewal_and_takes_no_leadership() -> None:
    """The caller has to hear that its checkpoint was not saved."""
    with pytest.raises(StoreUnavailable, match="its ETag is still"):
        play(renewal(), (RENEWAL, conflict()), (read(5), found(FIRST, etag="E1")))


def test_renewal_of_a_lock_that_was_copied_in_place_goes_on_with_its_new_etag() -> None:
    renewed = play(
        renewal(),
        (RENEWAL, conflict()),
        (read(5), found(FIRST, etag="E7")),
        pause(25),
        (put(RENEWED, "E7"), applied(etag="E8")),
    )
    assert renewed.etag == "E8"


def test_resignation_from_a_lock_that_was_copied_in_place_stands() -> None:
    result = play(
        resignation(holding(FIRST)),
        (put(final(), "E1"), conflict()),
        (read(5), found(FIRST, etag="E7")),
        pause(25),
        (put(final(), "E7"), applied()),
    )
    assert result.head.lock == final()


def test_server_that_refuses_the_etag_it_shows_leaves_a_resignation_open() -> None:
    with pytest.raises(StoreUnavailable, match="its ETag is still"):
        play(
            resignation(holding(FIRST)),
            (put(final(), "E1"), conflict()),
            (read(5), found(FIRST, etag="E1")),
        )


def test_unknown_renewal_that_was_applied_is_recognised() -> None:
    renewed = play(
        renewal(), (RENEWAL, LOST), pause(25), (RENEWAL, conflict()), (read(5), found(RENEWAL.body))
    )
    assert (renewed.lock, renewed.etag, renewed.deadline_ms) == (RENEWED, "E", LEASE_MS)


def test_unknown_renewal_that_found_a_foreign_seal_is_leadership_lost() -> None:
    with pytest.raises(LeadershipLost):
        play(renewal(), (RENEWAL, LOST), pause(25), (RENEWAL, conflict()), (read(5), found(THEIRS)))


def test_unknown_renewal_of_a_lock_that_is_gone_is_leadership_lost() -> None:
    with pytest.raises(LeadershipLost):
        play(renewal(), (RENEWAL, LOST), pause(25), (RENEWAL, conflict()), (read(5), missing()))


def test_renewal_unknown_to_the_deadline_keeps_the_deadline_and_the_doubt() -> None:
    kept = play(renewal(), (RENEWAL, LOST, 500), start_ms=LEASE_MS - 500)
    assert kept == holding(FIRST, doubtful=frozenset({"n1"}))


def test_doubts_add_up() -> None:
    doubting = holding(FIRST, doubtful=frozenset({"d"}))
    kept = play(renew(config(), doubting, {"a": 1}), (RENEWAL, LOST, LEASE_MS))
    assert kept.doubtful == {"d", "n1"}


def test_renewal_is_tried_until_the_old_deadline() -> None:
    kept = play(
        renewal(),
        (RENEWAL, LOST, LEASE_MS - 51),
        pause(25),
        (RENEWAL, LOST, 1),
    )
    assert kept.doubtful == {"n1"}


@pytest.mark.parametrize("late_ms", [0, 1, 20_000])
def test_renewal_settled_at_or_past_the_deadline_does_not_move_it(late_ms: int) -> None:
    """Though the lock itself is good for a lease from then: a lease once over stays over."""
    took_ms = LEASE_MS - 5_000 + late_ms
    late = play(renewal(), (RENEWAL, applied(), took_ms), start_ms=5_000)
    assert (late.deadline_ms, late.lock, late.doubtful) == (LEASE_MS, RENEWED, frozenset())


def test_renewal_settled_just_before_the_deadline_moves_it() -> None:
    took_ms = LEASE_MS - 5_000 - 1
    renewed = play(renewal(), (RENEWAL, applied(), took_ms), start_ms=5_000)
    assert renewed.deadline_ms == 5_000 + LEASE_MS


def test_renewal_moves_on_from_an_earlier_one_that_had_landed_after_all() -> None:
    doubting = holding(FIRST, doubtful=frozenset({"d"}))
    landed = FIRST.renewed(nonce="d")
    renewed = play(
        renew(config(), doubting, {"a": 1}),
        (RENEWAL, conflict()),
        (read(5), found(landed, etag="E7")),
        pause(25),
        (put(RENEWED, "E7"), applied(etag="E8")),
    )
    assert (renewed.etag, renewed.doubtful) == ("E8", frozenset())


# -------------------------------------------------------------------------------- resigning


def test_resigning_seals_the_lock_with_the_outcome_and_the_tick() -> None:
    result = play(resignation(holding(FIRST)), (put(final(), "E1"), applied(T0 + 1_000, "E2")))
    assert result.head.lock == final()
    assert sealed_by(result).done == TICK


def test_unknown_seal_that_was_applied_is_recognised() -> None:
    write = put(final(), "E1")
    result = play(
        resignation(holding(FIRST)),
        (write, LOST),
        pause(25),
        (write, conflict()),
        (read(5), found(write.body)),
    )
    assert result.head.lock == final()


def test_seal_recognised_later_proves_the_highest_of_when_it_was_applied() -> None:
    write = put(final(), "E1")
    answer = found(write.body, at=T0 + HOUR_MS, age_ms=HOUR_MS - 2_000)
    result = play(
        resignation(holding(FIRST)),
        (write, LOST),
        pause(25),
        (write, conflict()),
        (read(5), answer, HOUR_MS),
    )
    assert result.head.proved_highest_at_ms == T0 + 2_000


def test_unknown_seal_that_a_rival_came_before_is_leadership_lost() -> None:
    write = put(final(), "E1")
    exchanges: tuple[Exchange, ...] = ((write, LOST), pause(25), (write, conflict()))
    with pytest.raises(LeadershipLost, match="another candidate sealed"):
        play(resignation(holding(FIRST)), *exchanges, (read(5), found(THEIRS)))


def test_seal_unknown_for_ever_is_store_unavailable_after_a_lease() -> None:
    write = put(final(), "E1")
    with pytest.raises(StoreUnavailable):
        play(
            resignation(holding(FIRST)),
            (write, LOST, LEASE_MS - 51),
            pause(25),
            (write, LOST, 1),
        )


def test_resigning_past_the_deadline_stands_if_nobody_came_between() -> None:
    late = resignation(holding(FIRST), now_ms=LEASE_MS + 60_000)
    write = put(final(ms=LEASE_MS + 59_000), "E1")
    result = play(late, (write, applied(T0 + 90_000)), start_ms=LEASE_MS + 60_000)
    assert sealed_by(result).outcome == "completed"


def test_resigning_past_the_deadline_is_leadership_lost_if_somebody_did() -> None:
    late = resignation(holding(FIRST), now_ms=LEASE_MS)
    write = put(final(ms=LEASE_MS - LATENCY_MS - 990), "E1")
    with pytest.raises(LeadershipLost):
        play(late, (write, conflict()), (read(5), found(THEIRS)), start_ms=LEASE_MS)


def test_seal_that_was_sent_twice_is_recognised() -> None:
    write = put(final(), "E1")
    result = play(
        resignation(holding(FIRST)), (write, conflict()), (read(5), found(write.body, etag="E2"))
    )
    assert (result.head.lock, result.head.etag) == (final(), "E2")


def test_resigning_adopts_a_renewal_that_landed_unheard() -> None:
    doubting = holding(FIRST, doubtful=frozenset({"d1", "d2"}))
    landed = FIRST.renewed(nonce="d2")
    result = play(
        resignation(doubting),
        (put(final(), "E1"), conflict()),
        (read(5), found(landed, etag="E7")),
        pause(25),
        (put(final(), "E7"), applied()),
    )
    assert result.head.lock == final()


def test_resigning_adopts_a_renewal_that_lands_between_two_tries() -> None:
    doubting = holding(FIRST, doubtful=frozenset({"d"}))
    landed = FIRST.renewed(nonce="d")
    write = put(final(), "E1")
    result = play(
        resignation(doubting),
        (write, LOST),
        pause(25),
        (write, conflict()),
        (read(5), found(landed, etag="E7")),
        pause(50),
        (put(final(), "E7"), LOST),
        pause(100),
        (put(final(), "E7"), conflict()),
        (read(5), found(final())),
    )
    assert result.head.lock == final()


def test_doubt_does_not_make_a_rivals_seal_ones_own() -> None:
    doubting = holding(FIRST, doubtful=frozenset({"d"}))
    with pytest.raises(LeadershipLost):
        play(resignation(doubting), (put(final(), "E1"), conflict()), (read(5), found(held(5))))


def test_predecessors_are_tagged_before_the_lock_is_sealed() -> None:
    lock = mine(5, "n0", swept=3)
    swept = mine(5, "n1", swept=4).seal(nonce="n1", outcome="completed", ended_at=at(0))
    result = play(
        resignation(holding(lock)), (tag(4), applied(etag="")), (put(swept, "E1"), applied())
    )
    assert sealed_by(result).swept == 4


def test_no_renewal_is_sent_past_the_deadline() -> None:
    steps, now_ms, sent_ms = renewal(), 0, []
    with suppress(StopIteration):
        request: Request = next(steps)
        while True:
            waits = isinstance(request, Wait)
            took_ms = request.high_ms if isinstance(request, Wait) else LATENCY_MS
            if not waits:
                sent_ms.append(now_ms)
            now_ms += took_ms
            request = steps.send(Reply(Waited() if waits else LOST, now_ms - took_ms, now_ms))
    assert max(sent_ms) < LEASE_MS
