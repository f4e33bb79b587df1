"""A corrupt lock leads nobody and is not overwritten; the last number is the last."""

from __future__ import annotations

import pytest

from s3leader._core.next_lock import Work
from s3leader._core.protocol import Lost, campaign
from s3leader.errors import CorruptLock, LedgerFull
from tests.fast.s3leader._core.protocol.script import (
    LIST,
    LOST,
    TICK,
    config,
    conflict,
    create,
    found,
    held,
    known,
    listing,
    mine,
    pause,
    play,
    read,
    sealed,
)

LAST = 9_999_999_999
BAD = [b"", b"\xff", b"null", b"[]", b'{"expired": 1}', b'{"term": 5}', b'{"lease_ms": 86400001}']


@pytest.mark.parametrize("body", BAD)
def test_corrupt_lock_leads_nobody_and_nothing_is_written(body: bytes) -> None:
    steps = campaign(config(), Work(), wait_ms=60_000, known=None, now_ms=0)
    with pytest.raises(CorruptLock, match=r"elections/e/lock_0000000004\.json") as caught:
        play(steps, (LIST, listing(4)), (read(4), found(body, age_ms=10**9, etag="bad")))
    assert (caught.value.term, caught.value.etag, caught.value.body) == (4, "bad", body)


def test_lock_that_turns_corrupt_while_a_candidate_waits_ends_its_campaign() -> None:
    steps = campaign(config(), Work(), wait_ms=60_000, known=None, now_ms=0)
    with pytest.raises(CorruptLock):
        play(
            steps,
            (LIST, listing(4)),
            (read(4), found(held(4))),
            pause(500),
            (read(4), found(b"?")),
        )


def test_corrupt_lock_in_the_way_of_a_warm_candidate_ends_its_campaign() -> None:
    steps = campaign(config(), Work(), wait_ms=0, known=known(sealed(4)), now_ms=0)
    with pytest.raises(CorruptLock):
        play(steps, (create(mine(5)), conflict()), (read(5), found(b"?")))


def test_corrupt_lock_is_never_ones_own() -> None:
    write = create(mine(5))
    steps = campaign(config(), Work(), wait_ms=0, known=known(sealed(4)), now_ms=0)
    deep = found(b'{"nonce": "n1", "x": ' + b"[" * 100_000)
    with pytest.raises(CorruptLock):
        play(steps, (write, LOST), pause(25), (write, conflict()), (read(5), deep))


def test_corrupt_lock_below_the_highest_hinders_nobody() -> None:
    steps = campaign(config(), Work(), wait_ms=0, known=None, now_ms=0)
    assert isinstance(play(steps, (LIST, listing(3, 4)), (read(4), found(held(4)))), Lost)


def test_last_term_is_the_last() -> None:
    steps = campaign(config(), Work(), wait_ms=0, known=known(sealed(LAST)), now_ms=0)
    with pytest.raises(LedgerFull, match="new name"):
        play(steps)


def test_last_term_can_still_say_that_a_tick_is_done() -> None:
    memory = known(sealed(LAST, done=TICK))
    steps = campaign(config(), Work(tick=TICK), wait_ms=0, known=memory, now_ms=0)
    assert isinstance(play(steps), Lost)
