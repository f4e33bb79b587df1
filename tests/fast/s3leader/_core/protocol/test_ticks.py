"""R8: a tick that has been completed is never led again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from s3leader._core.holding import resign
from s3leader._core.next_lock import Work
from s3leader._core.protocol import Lost, Won, campaign
from tests.fast.s3leader._core.protocol.script import (
    EARLIER,
    LEASE_MS,
    LIST,
    SKEW_MS,
    TICK,
    applied,
    at,
    config,
    conflict,
    create,
    found,
    held,
    holding,
    known,
    listing,
    mine,
    play,
    put,
    read,
    sealed,
    sealed_by,
    tag,
    values,
)

LATER = TICK + timedelta(hours=1)


def test_tick_known_to_be_done_costs_no_request() -> None:
    steps = campaign(
        config(), Work(tick=TICK), wait_ms=0, known=known(sealed(4, done=TICK)), now_ms=0
    )
    result = play(steps)
    assert isinstance(result, Lost)
    assert result.why == "done"


@pytest.mark.parametrize("done", [TICK, LATER])
def test_tick_not_later_than_done_is_done(done: object) -> None:
    steps = campaign(config(), Work(tick=TICK), wait_ms=0, known=None, now_ms=0)
    result = play(steps, (LIST, listing(4)), (read(4), found(sealed(4, done=done))))
    assert isinstance(result, Lost)
    assert result.why == "done"


def test_tick_later_than_done_is_led() -> None:
    before = known(sealed(4, done=EARLIER))
    steps = campaign(config(), Work(tick=TICK), wait_ms=0, known=before, now_ms=0)
    assert isinstance(play(steps, (create(mine(5, tick=TICK, done=EARLIER)), applied())), Won)


def test_candidate_without_a_tick_may_always_lead() -> None:
    steps = campaign(config(), Work(), wait_ms=0, known=known(sealed(4, done=LATER)), now_ms=0)
    assert isinstance(play(steps, (create(mine(5, done=LATER)), applied())), Won)


def test_done_inherited_by_a_lapsed_holder_is_heeded_and_nothing_is_sealed() -> None:
    crashed = found(held(4, done=TICK), age_ms=LEASE_MS + SKEW_MS + 1000)
    steps = campaign(config(), Work(tick=TICK), wait_ms=0, known=None, now_ms=0)
    result = play(steps, (LIST, listing(4)), (read(4), crashed))
    assert isinstance(result, Lost)
    assert result.why == "done"


def test_beaten_candidate_does_not_repeat_the_tick_that_the_winner_completed() -> None:
    steps = campaign(config(), Work(tick=TICK), wait_ms=60_000, known=None, now_ms=0)
    result = play(
        steps,
        (LIST, listing(4)),
        (read(4), found(sealed(4))),
        (create(mine(5, tick=TICK)), conflict()),
        (read(5), found(sealed(5, tick=TICK, done=TICK))),
    )
    assert isinstance(result, Lost)
    assert result.why == "done"


@pytest.mark.parametrize(
    ("outcome", "tick", "before", "done"),
    [
        ("completed", TICK, EARLIER, TICK),
        ("completed", TICK, None, TICK),
        ("completed", EARLIER, TICK, TICK),
        ("completed", None, EARLIER, EARLIER),
        ("failed", TICK, EARLIER, EARLIER),
        ("resigned", TICK, None, None),
    ],
)
def test_only_a_completed_tick_moves_done_on_and_never_back(
    outcome: str, tick: object, before: object, done: object
) -> None:
    lock = mine(5, "n0", tick=tick, done=before, swept=4)
    steps = resign(config(), holding(lock), outcome=outcome, reason="why", now_ms=0)
    body = lock.seal(nonce="n1", outcome=outcome, reason="why", ended_at=at(-1000))
    result = play(steps, (put(body, "E1"), applied()))
    assert (sealed_by(result).done, sealed_by(result).outcome) == (done, outcome)


def test_failed_tick_is_led_again_as_its_next_attempt() -> None:
    failed = sealed(4, tick=TICK, attempt=1, outcome="failed")
    steps = campaign(config(), Work(tick=TICK), wait_ms=0, known=known(failed), now_ms=0)
    write = create(mine(5, tick=TICK, attempt=2))
    assert values(write)["attempt"] == 2
    assert isinstance(play(steps, (write, applied())), Won)


def test_crashed_tick_is_led_again_as_its_next_attempt() -> None:
    crashed = held(4, tick=TICK, attempt=1, started_at=EARLIER)
    steps = campaign(config(), Work(tick=TICK), wait_ms=0, known=None, now_ms=0)
    reason = "lapsed; sealed by me"
    body = crashed.seal(nonce="n1", outcome="deposed", reason=reason, ended_at=at(0))
    result = play(
        steps,
        (LIST, listing(4)),
        (read(4), found(crashed, age_ms=LEASE_MS + SKEW_MS + 1)),
        (put(body), applied()),
        (create(mine(5, "n2", tick=TICK, attempt=2)), applied()),
    )
    assert isinstance(result, Won)


def test_attempts_at_another_tick_are_counted_anew() -> None:
    failed = sealed(4, tick=EARLIER, attempt=7, outcome="failed")
    steps = campaign(
        config(max_attempts=1), Work(tick=TICK), wait_ms=0, known=known(failed), now_ms=0
    )
    expected = mine(5, tick=TICK, attempt=1, attempts={EARLIER: 7})
    assert isinstance(play(steps, (create(expected), applied())), Won)


def test_seal_that_reaches_s3_before_its_rival_completes_the_tick_for_good() -> None:
    """The swap is what counts: a tag that is still missing changes nothing."""
    lock = mine(5, "n0", tick=TICK)
    steps = resign(config(), holding(lock), outcome="completed", reason=None, now_ms=0)
    swept = mine(5, "n0", tick=TICK, swept=4)
    tags = [(tag(term), applied(etag="")) for term in (1, 2, 3, 4)]
    body = swept.seal(nonce="n1", outcome="completed", ended_at=at(-1000))
    result = play(steps, *tags, (put(body, "E1"), applied()))
    assert sealed_by(result).is_done(TICK)
