"""R5 for a create: a lost answer is followed up until it is known who leads."""

from __future__ import annotations

from contextlib import suppress

import pytest

from s3leader._core.candidate import Steps
from s3leader._core.next_lock import Work
from s3leader._core.protocol import Lost, Won, campaign
from s3leader.errors import BucketUnusable, CorruptLock, StoreUnavailable
from tests.fast.s3leader._core.protocol.script import (
    LEASE_MS,
    LIST,
    LOST,
    T0,
    Exchange,
    applied,
    at,
    config,
    conflict,
    create,
    found,
    held,
    known,
    listing,
    mine,
    missing,
    pause,
    play,
    put,
    read,
    sealed,
)

WRITE = create(mine(5))


def campaign_on_4() -> Steps[Won | Lost]:
    return campaign(config(), Work(), wait_ms=0, known=known(sealed(4)), now_ms=0)


def test_unknown_create_that_was_never_applied_is_sent_again_to_the_byte() -> None:
    result = play(campaign_on_4(), (WRITE, LOST), pause(25), (WRITE, applied()))
    assert isinstance(result, Won)


def test_unknown_create_that_was_applied_is_recognised_by_its_nonce() -> None:
    exchanges: tuple[Exchange, ...] = ((WRITE, LOST), pause(25), (WRITE, conflict()))
    result = play(campaign_on_4(), *exchanges, (read(5), found(WRITE.body, etag="E5")))
    assert isinstance(result, Won)
    assert result.holding.etag == "E5"


def test_deadline_counts_from_the_first_of_all_sends() -> None:
    result = play(
        campaign_on_4(), (WRITE, LOST, 2_000), pause(25), (WRITE, applied(T0 + 2_000)), start_ms=100
    )
    assert isinstance(result, Won)
    assert result.holding.deadline_ms == 100 + LEASE_MS


def test_term_recognised_later_began_when_s3_last_modified_its_lock() -> None:
    answer = found(WRITE.body, at=T0 + 3_000, age_ms=3_000)
    result = play(
        campaign_on_4(), (WRITE, LOST, 3_000), pause(25), (WRITE, conflict()), (read(5), answer)
    )
    assert isinstance(result, Won)
    assert result.holding.lock.started_at == at(0)


def test_unknown_create_that_a_rival_came_before_is_lost() -> None:
    result = play(
        campaign_on_4(),
        (WRITE, LOST),
        pause(25),
        (WRITE, conflict()),
        (read(5), found(held(5))),  # settles: a foreign nonce, and shows who leads
    )
    assert isinstance(result, Lost)
    assert result.why == "held"


def test_conflict_at_the_first_try_with_a_foreign_nonce_is_lost() -> None:
    result = play(campaign_on_4(), (WRITE, conflict()), (read(5), found(held(5))))
    assert isinstance(result, Lost)


def test_conflict_at_the_first_try_with_ones_own_write_is_won() -> None:
    """A proxy sent the create twice, and this is the answer to the second copy."""
    result = play(campaign_on_4(), (WRITE, conflict()), (read(5), found(WRITE.body, etag="E5")))
    assert isinstance(result, Won)
    assert result.holding.etag == "E5"


def test_deadline_of_a_create_that_was_sent_twice_counts_from_its_sending() -> None:
    answer = found(WRITE.body, at=T0 + 2_000, age_ms=1_000)
    exchanges: tuple[Exchange, ...] = ((WRITE, conflict(), 1_000), (read(5), answer, 1_000))
    result = play(campaign_on_4(), *exchanges, start_ms=100)
    assert isinstance(result, Won)
    assert result.holding.deadline_ms == 100 + LEASE_MS


@pytest.mark.parametrize("nonce", ["[]", "{}", "null", "5", "true", '["n1"]'])
def test_nonce_that_is_no_text_is_not_ones_own(nonce: str) -> None:
    """Nor does it break the settling, which meets every body; the lock itself is judged after."""
    body = found(f'{{"expired": false, "nonce": {nonce}}}'.encode())
    with suppress(CorruptLock):
        assert isinstance(play(campaign_on_4(), (WRITE, conflict()), (read(5), body)), Lost)


def test_lock_without_a_nonce_is_not_ones_own() -> None:
    exchanges: tuple[Exchange, ...] = ((WRITE, LOST), pause(25), (WRITE, conflict()))
    bare = found(b'{"expired": false}')
    assert isinstance(play(campaign_on_4(), *exchanges, (read(5), bare)), Lost)


def test_settling_goes_on_while_the_reading_fails_too() -> None:
    result = play(
        campaign_on_4(),
        (WRITE, LOST),
        pause(25),
        (WRITE, conflict()),
        (read(5), LOST),
        pause(50),
        (WRITE, conflict()),
        (read(5), found(WRITE.body)),
    )
    assert isinstance(result, Won)


def test_create_whose_rival_vanished_is_tried_again() -> None:
    result = play(
        campaign_on_4(),
        (WRITE, LOST),
        pause(25),
        (WRITE, conflict()),
        (read(5), missing()),
        pause(50),
        (WRITE, applied()),
    )
    assert isinstance(result, Won)


def test_create_is_given_up_after_the_lease_it_asked_for_and_not_before() -> None:
    with pytest.raises(StoreUnavailable, match=r"lock_0000000005\.json"):
        play(
            campaign_on_4(),
            (WRITE, LOST, LEASE_MS - 1_000),
            pause(25),
            (WRITE, LOST, 1_000 - 50 - 1),
            pause(50),
            (WRITE, LOST, 0),
        )


def test_pauses_between_the_tries_double_up_to_a_second() -> None:
    lows = [25, 50, 100, 200, 400, 800, 1000, 1000]
    exchanges: list[Exchange] = []
    for low in lows:
        exchanges += [(WRITE, LOST), pause(low)]
    assert isinstance(play(campaign_on_4(), *exchanges, (WRITE, applied())), Won)


def test_win_settled_after_its_own_lease_is_void_and_sealed() -> None:
    void = mine(5, started_at=at(0), attempt=0).seal(
        nonce="n2",
        outcome="resigned",
        reason="void: the win was not known before the lease ran out",
        ended_at=at(0),
    )
    result = play(
        campaign_on_4(),
        (WRITE, applied(T0, "E5"), LEASE_MS),
        (put(void, "E5"), applied()),
        (LIST, listing(4, 5)),
        (read(5), found(held(5))),
    )
    assert isinstance(result, Lost)


def test_clock_of_s3_is_taken_from_the_answer_not_from_what_it_showed() -> None:
    answer = found(WRITE.body, at=T0 + 3_000, age_ms=3_000)
    result = play(
        campaign_on_4(), (WRITE, LOST, 3_000), pause(25), (WRITE, conflict()), (read(5), answer)
    )
    assert isinstance(result, Won)
    assert result.holding.s3_time(result.holding.received_ms) == at(3_000)


def test_refusal_goes_straight_to_the_caller() -> None:
    refusal = BucketUnusable("no", action="s3:PutObject", resource="arn", code="AccessDenied")
    with pytest.raises(BucketUnusable):
        play(campaign_on_4(), (WRITE, refusal))
