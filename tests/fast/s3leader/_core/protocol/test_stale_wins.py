"""R7: old numbers do get deleted, so a win counts only if it follows its look within the hour.

The stopwatch is no proof here: it stands still while a virtual machine is paused. In these tests
it does, and S3's `Date` alone tells.
"""

from __future__ import annotations

from s3leader._core.candidate import LedgerHead, Steps
from s3leader._core.ledger import find_head
from s3leader._core.next_lock import Work
from s3leader._core.protocol import Lost, Won, campaign
from tests.fast.s3leader._core.protocol.script import (
    DAY_MS,
    HOUR_MS,
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
    mine,
    missing,
    pause,
    play,
    put,
    read,
    sealed,
)


def warm(wait_ms: int = 0, memory: LedgerHead | None = None) -> Steps[Won | Lost]:
    memory = known(sealed(4)) if memory is None else memory
    return campaign(config(), Work(), wait_ms=wait_ms, known=memory, now_ms=0)


def void(ms: int, term: int = 5) -> Exchange:
    lock = mine(term, started_at=at(ms), attempt=0)
    why = "void: the proof that this number was next is too old"
    body = lock.seal(nonce="n2", outcome="resigned", reason=why, ended_at=at(ms))
    return (put(body, "E5"), applied(T0 + ms))


def test_win_an_hour_after_the_look_is_void_sealed_and_looked_again() -> None:
    result = play(
        warm(),
        (create(mine(5)), applied(T0 + HOUR_MS, "E5")),
        void(HOUR_MS),
        (LIST, listing(5, 80, at=T0 + HOUR_MS)),
        (read(80), found(sealed(80), at=T0 + HOUR_MS)),
        (create(mine(81, "n3")), applied(T0 + HOUR_MS)),
    )
    assert isinstance(result, Won)
    assert result.holding.lock.term == 81


def test_win_a_second_before_the_hour_counts() -> None:
    assert isinstance(play(warm(), (create(mine(5)), applied(T0 + HOUR_MS - 1000))), Won)


def test_win_recognised_by_reading_is_dated_by_when_it_was_written() -> None:
    write = create(mine(5))
    answer = found(write.body, at=T0 + HOUR_MS, age_ms=2_000)
    result = play(warm(), (write, LOST), pause(25), (write, conflict()), (read(5), answer))
    assert isinstance(result, Won)


def test_stale_win_recognised_by_reading_is_void_too() -> None:
    write = create(mine(5))
    answer = found(write.body, at=T0 + HOUR_MS, age_ms=0, etag="E5")
    result = play(
        warm(),
        (write, LOST),
        pause(25),
        (write, conflict()),
        (read(5), answer),
        void(HOUR_MS),
        (LIST, listing(80)),
        (read(80), found(held(80))),
    )
    assert isinstance(result, Lost)


def test_void_win_that_somebody_else_sealed_is_looked_past() -> None:
    write, _ = void(HOUR_MS)[:2]
    result = play(
        warm(),
        (create(mine(5)), applied(T0 + HOUR_MS, "E5")),
        (write, conflict()),
        (read(5), found(sealed(5, outcome="deposed"))),
        (LIST, listing(80)),
        (read(80), found(held(80))),
    )
    assert isinstance(result, Lost)
    assert result.head.term == 80


def test_void_win_was_no_attempt_at_its_tick() -> None:
    before = sealed(4, tick=TICK, attempt=2, outcome="failed")
    steps = campaign(
        config(max_attempts=3), Work(tick=TICK), wait_ms=0, known=known(before), now_ms=0
    )
    first = mine(5, tick=TICK, attempt=3)
    started = mine(5, tick=TICK, attempt=2, started_at=at(DAY_MS))
    why = "void: the proof that this number was next is too old"
    body = started.seal(nonce="n2", outcome="resigned", reason=why, ended_at=at(DAY_MS))
    now = T0 + DAY_MS
    again = mine(6, "n3", tick=TICK, attempt=3)
    result = play(
        steps,
        (create(first), applied(now, "E5")),
        (put(body, "E5"), applied(now)),
        (LIST, listing(5, at=now)),
        (read(5), found(body, at=now)),
        (create(again), applied(now)),
    )
    assert isinstance(result, Won)


def test_memory_that_proved_nothing_is_not_acted_on() -> None:
    memory = known(sealed(4), at=None)
    result = play(warm(memory=memory), (after(4), listing()), (create(mine(5)), applied()))
    assert isinstance(result, Won)


def test_lock_seen_sealed_an_hour_after_it_was_seen_unsealed_is_no_fresh_look() -> None:
    now = T0 + HOUR_MS
    result = play(
        campaign(config(), Work(), wait_ms=1_000, known=None, now_ms=0),
        (LIST, listing(4)),
        (read(4), found(held(4))),
        pause(495, 990),
        (read(4), found(sealed(4), at=now)),
        (create(mine(5)), applied(now, "E5")),
        void(HOUR_MS),
        (LIST, listing(80, at=now)),
        (read(80), found(held(80), at=now)),
    )
    assert isinstance(result, Lost)


def test_unsealed_lock_read_an_hour_after_it_was_listed_is_not_shown_as_the_highest() -> None:
    now = T0 + HOUR_MS
    seen = play(
        find_head(config()),
        (LIST, listing(4)),
        (read(4), found(held(4), at=now)),
        pause(50),
        (LIST, listing(4, 80, at=now)),
        (read(80), found(held(80), at=now)),
    )
    assert seen.term == 80


def test_create_on_a_lock_that_vanished_is_void_when_it_is_applied_at_last() -> None:
    """Lock 5 existed and is gone, so its number was used long ago."""
    result = play(
        warm(),
        (create(mine(5)), conflict(T0 + HOUR_MS)),
        (read(5), missing(T0 + HOUR_MS)),
        pause(25),
        (create(mine(5)), applied(T0 + HOUR_MS, "E5")),
        void(HOUR_MS),
        (LIST, listing(80)),
        (read(80), found(held(80))),
    )
    assert isinstance(result, Lost)
