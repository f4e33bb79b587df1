"""R3 and R4: a lapsed lock is sealed first and succeeded then; lapsed is S3's clock's word."""

from __future__ import annotations

from dataclasses import replace

import pytest

from s3leader._core.next_lock import Work
from s3leader._core.protocol import Lost, Won, campaign
from s3leader._core.requests import Replace
from s3leader.errors import StoreUnavailable
from tests.fast.s3leader._core.protocol.script import (
    EARLIER,
    LEASE_MS,
    LIST,
    LOST,
    SKEW_MS,
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
    mine,
    missing,
    pause,
    play,
    put,
    read,
    sealed,
)

LAPSED_MS = LEASE_MS + SKEW_MS + 1
CRASHED = held(4, tick=EARLIER, renewals=2, state={"after": "x"}, swept=1)
SUCCESSOR = mine(5, "n2", state={"after": "x"}, swept=1, attempts={EARLIER: 1})
LOOK: tuple[Exchange, ...] = (
    (LIST, listing(4)),
    (read(4), found(CRASHED, age_ms=LAPSED_MS, etag="E4")),
)


def seal_of_the_crashed(nonce: str = "n1") -> Replace:
    # A term's start is its lock's Last-Modified while its body does not say.
    lock = replace(CRASHED, started_at=at(-LAPSED_MS).replace(microsecond=999_000))
    why = "lapsed; sealed by me"
    return put(lock.seal(nonce=nonce, outcome="deposed", reason=why, ended_at=at(0)), "E4")


def test_lapsed_lock_is_sealed_as_it_was_read_and_then_succeeded() -> None:
    steps = campaign(config(), Work(), wait_ms=0, known=None, now_ms=0)
    result = play(steps, *LOOK, (seal_of_the_crashed(), applied()), (create(SUCCESSOR), applied()))
    assert isinstance(result, Won)
    assert result.took_over


@pytest.mark.parametrize("age_ms", [0, LEASE_MS, LEASE_MS + SKEW_MS])
def test_lock_is_good_up_to_and_at_the_lease_and_the_allowance(age_ms: int) -> None:
    steps = campaign(config(), Work(), wait_ms=0, known=None, now_ms=0)
    result = play(steps, (LIST, listing(4)), (read(4), found(CRASHED, age_ms=age_ms)))
    assert isinstance(result, Lost)
    assert result.why == "held"


def test_lapsed_goes_by_the_lease_in_the_lock_not_by_the_readers() -> None:
    long = held(4, lease_ms=10 * LEASE_MS)
    steps = campaign(config(), Work(), wait_ms=0, known=None, now_ms=0)
    result = play(steps, (LIST, listing(4)), (read(4), found(long, age_ms=LAPSED_MS)))
    assert isinstance(result, Lost)


def test_no_host_clock_takes_part_in_judging_a_lock() -> None:
    """However long the candidate's own stopwatch says the requests took."""
    steps = campaign(config(), Work(), wait_ms=0, known=None, now_ms=0)
    answer = found(CRASHED, age_ms=LEASE_MS)
    result = play(steps, (LIST, listing(4), 20 * LEASE_MS), (read(4), answer, 20 * LEASE_MS))
    assert isinstance(result, Lost)


def test_late_renewal_beats_the_takeover() -> None:
    steps = campaign(config(), Work(), wait_ms=0, known=None, now_ms=0)
    renewed = replace(CRASHED, nonce="r4b", renewals=3)
    result = play(steps, *LOOK, (seal_of_the_crashed(), conflict()), (read(4), found(renewed)))
    assert isinstance(result, Lost)
    assert (result.why, result.head.lock) == ("held", replace(renewed, started_at=at(-5000)))


def test_rival_that_sealed_first_is_met_at_the_next_number() -> None:
    steps = campaign(config(), Work(), wait_ms=0, known=None, now_ms=0)
    theirs = sealed(4, nonce="other", outcome="deposed")
    result = play(
        steps,
        *LOOK,
        (seal_of_the_crashed(), conflict()),
        (read(4), found(theirs)),
        (create(mine(5, "n2")), conflict()),
        (read(5), found(held(5))),
    )
    assert isinstance(result, Lost)
    assert result.why == "beaten"


def test_lock_that_vanished_instead_of_being_sealed_leads_to_a_fresh_look() -> None:
    steps = campaign(config(), Work(), wait_ms=0, known=None, now_ms=0)
    result = play(
        steps,
        *LOOK,
        (seal_of_the_crashed(), conflict()),
        (read(4), missing()),
        (LIST, listing(6)),
        (read(6), found(held(6))),
    )
    assert isinstance(result, Lost)


def test_seal_whose_answer_was_lost_is_recognised_and_succeeded() -> None:
    steps = campaign(config(), Work(), wait_ms=0, known=None, now_ms=0)
    write = seal_of_the_crashed()
    result = play(
        steps,
        *LOOK,
        (write, LOST),
        pause(25),
        (write, conflict()),
        (read(4), found(write.body)),
        (create(SUCCESSOR), applied()),
    )
    assert isinstance(result, Won)
    assert result.took_over


def test_server_that_refuses_the_etag_it_shows_is_not_asked_for_ever() -> None:
    steps = campaign(config(), Work(), wait_ms=0, known=None, now_ms=0)
    with pytest.raises(StoreUnavailable, match="its ETag is still"):
        play(steps, *LOOK, (seal_of_the_crashed(), conflict()), LOOK[1])


def test_winner_on_a_rivals_seal_took_nothing_over() -> None:
    steps = campaign(config(), Work(), wait_ms=0, known=None, now_ms=0)
    theirs = sealed(4, nonce="other", outcome="deposed")
    result = play(
        steps,
        *LOOK,
        (seal_of_the_crashed(), conflict()),
        (read(4), found(theirs)),
        (create(mine(5, "n2")), applied()),
    )
    assert isinstance(result, Won)
    assert not result.took_over


def test_term_won_after_a_normal_one_took_nothing_over_though_an_earlier_try_did() -> None:
    steps = campaign(config(), Work(), wait_ms=60_000, known=None, now_ms=0)
    result = play(
        steps,
        *LOOK,
        (seal_of_the_crashed(), applied()),
        (create(SUCCESSOR), conflict()),
        (read(5), found(sealed(5))),
        pause(50, 250),
        (after(5), listing()),
        (create(mine(6, "n3")), applied()),
    )
    assert isinstance(result, Won)
    assert not result.took_over


def test_remembered_lapsed_lock_is_looked_at_anew_before_it_is_sealed() -> None:
    memory = known(replace(CRASHED, modified_at=at(-LAPSED_MS), seen_at=at(0)))
    steps = campaign(config(), Work(), wait_ms=0, known=memory, now_ms=0)
    result = play(steps, (after(4), listing()), (read(4), found(CRASHED)))
    assert isinstance(result, Lost)
