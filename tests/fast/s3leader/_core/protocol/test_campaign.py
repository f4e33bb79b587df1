"""A campaign without trouble: what a candidate asks for, and what it concludes."""

from __future__ import annotations

from s3leader._core.next_lock import Work
from s3leader._core.protocol import Lost, Won, campaign
from s3leader._core.requests import Listed
from tests.fast.s3leader._core.protocol.script import (
    EARLIER,
    LATENCY_MS,
    LEASE_MS,
    LIST,
    T0,
    TICK,
    after,
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
    missing,
    pause,
    play,
    proofs,
    read,
    sealed,
)


def test_first_candidate_ever_creates_term_one() -> None:
    steps = campaign(config(), Work(), wait_ms=0, known=None, now_ms=0)
    result = play(steps, (LIST, listing()), (create(mine(1)), applied()), *proofs(mine(1)))
    assert isinstance(result, Won)
    assert not result.took_over


def test_winner_holds_what_it_wrote_until_a_lease_after_it_was_sent() -> None:
    steps = campaign(config(), Work(), wait_ms=0, known=None, now_ms=0)
    result = play(
        steps, (LIST, listing()), (create(mine(1)), applied(T0 + 1000, "E9")), *proofs(mine(1))
    )
    assert isinstance(result, Won)
    won = result.holding
    assert (won.lock, won.etag) == (mine(1, started_at=at(1000), proved=True), "E9")
    assert won.deadline_ms == LATENCY_MS + LEASE_MS
    assert (won.date_ms, won.received_ms) == (T0 + 1000, 2 * LATENCY_MS)


def test_cold_candidate_lists_reads_the_highest_and_creates_the_next() -> None:
    steps = campaign(config(), Work(), wait_ms=0, known=None, now_ms=0)
    result = play(
        steps,
        (LIST, listing(3, 4)),
        (read(4), found(sealed(4))),
        (create(mine(5)), applied()),
    )
    assert isinstance(result, Won)
    assert result.holding.lock.term == 5


def test_keys_that_are_no_locks_are_ignored() -> None:
    steps = campaign(config(), Work(), wait_ms=0, known=None, now_ms=0)
    keys = (
        key(0),
        key(4),
        key(4) + "/lock_0000000009.json",
        key(7) + ".bak",
        key(9)[:-6] + ".json",
    )
    names = Listed(keys, truncated=False, date_ms=T0)
    result = play(steps, (LIST, names), (read(4), found(sealed(4))), (create(mine(5)), applied()))
    assert isinstance(result, Won)


def test_warm_candidate_creates_the_next_at_once() -> None:
    memory = known(sealed(4))
    steps = campaign(config(), Work(), wait_ms=0, known=memory, now_ms=0)
    assert isinstance(play(steps, (create(mine(5)), applied())), Won)


def test_cold_candidate_loses_to_a_holder() -> None:
    steps = campaign(config(), Work(), wait_ms=0, known=None, now_ms=0)
    result = play(steps, (LIST, listing(4)), (read(4), found(held(4))))
    assert isinstance(result, Lost)
    assert (result.why, result.head.term) == ("held", 4)


def test_warm_candidate_loses_to_the_creator_of_the_next_lock() -> None:
    steps = campaign(config(), Work(), wait_ms=0, known=known(sealed(4)), now_ms=0)
    result = play(steps, (create(mine(5)), conflict()), (read(5), found(held(5))))
    assert isinstance(result, Lost)
    assert (result.why, result.head.term) == ("held", 5)


def test_candidate_that_remembers_a_holder_looks_before_it_creates() -> None:
    steps = campaign(config(), Work(), wait_ms=0, known=known(held(4)), now_ms=0)
    result = play(
        steps,
        (after(4), listing()),
        (read(4), found(sealed(4))),
        (create(mine(5)), applied()),
    )
    assert isinstance(result, Won)


def test_candidate_whose_number_is_taken_after_its_look_is_beaten() -> None:
    steps = campaign(config(), Work(), wait_ms=0, known=None, now_ms=0)
    result = play(
        steps,
        (LIST, listing(4)),
        (read(4), found(sealed(4))),
        (create(mine(5)), conflict()),
        (read(5), found(held(5))),
    )
    assert isinstance(result, Lost)
    assert (result.why, result.head.term) == ("beaten", 5)


def test_beaten_candidate_with_time_goes_on_from_the_lock_that_beat_it() -> None:
    steps = campaign(config(), Work(), wait_ms=60_000, known=None, now_ms=0)
    result = play(
        steps,
        (LIST, listing(4)),
        (read(4), found(sealed(4))),
        (create(mine(5)), conflict()),
        (read(5), found(sealed(5))),
        pause(50, 250),
        (after(5), listing()),
        (create(mine(6, "n2")), applied()),
    )
    assert isinstance(result, Won)


def test_warm_candidate_that_missed_a_whole_term_looks_and_goes_on() -> None:
    steps = campaign(config(), Work(), wait_ms=0, known=known(sealed(4)), now_ms=0)
    result = play(
        steps,
        (create(mine(5)), conflict()),
        (read(5), found(sealed(5))),
        (after(5), listing(6, 7)),
        (read(7), found(sealed(7))),
        (create(mine(8, "n2")), applied()),
    )
    assert isinstance(result, Won)


def test_term_inherits_what_the_ledger_carries_on() -> None:
    before = sealed(4, done=EARLIER, swept=2, state={"after": "x"}, tick=EARLIER, attempt=3)
    steps = campaign(config(), Work(tick=TICK), wait_ms=0, known=known(before), now_ms=0)
    expected = mine(5, tick=TICK, done=EARLIER, swept=2, state={"after": "x"}, attempt=1)
    assert isinstance(play(steps, (create(expected), applied())), Won)


def test_second_attempt_at_a_tick_says_so() -> None:
    before = sealed(4, tick=TICK, attempt=1, outcome="failed")
    steps = campaign(config(), Work(tick=TICK), wait_ms=0, known=known(before), now_ms=0)
    assert isinstance(play(steps, (create(mine(5, tick=TICK, attempt=2)), applied())), Won)


def test_candidate_gives_up_a_tick_that_has_had_its_attempts() -> None:
    before = sealed(4, tick=TICK, attempt=3, outcome="failed")
    steps = campaign(
        config(max_attempts=3), Work(tick=TICK), wait_ms=0, known=known(before), now_ms=0
    )
    result = play(steps)
    assert isinstance(result, Lost)
    assert result.why == "exhausted"


def test_crashed_holders_last_attempt_is_left_for_the_next_tick_to_clear() -> None:
    crashed = held(4, tick=TICK, attempt=3)
    steps = campaign(config(max_attempts=3), Work(tick=TICK), wait_ms=0, known=None, now_ms=0)
    result = play(steps, (LIST, listing(4)), (read(4), found(crashed, age_ms=60_000)))
    assert isinstance(result, Lost)
    assert result.why == "exhausted"


def test_last_allowed_attempt_is_made() -> None:
    before = sealed(4, tick=TICK, attempt=2, outcome="failed")
    steps = campaign(
        config(max_attempts=3), Work(tick=TICK), wait_ms=0, known=known(before), now_ms=0
    )
    assert isinstance(play(steps, (create(mine(5, tick=TICK, attempt=3)), applied())), Won)


def test_lock_deleted_between_list_and_read_makes_the_candidate_list_again() -> None:
    steps = campaign(config(), Work(), wait_ms=0, known=None, now_ms=0)
    result = play(
        steps,
        (LIST, listing(4)),
        (read(4), missing()),
        pause(50),
        (LIST, listing(5)),
        (read(5), found(sealed(5))),
        (create(mine(6)), applied()),
    )
    assert isinstance(result, Won)
