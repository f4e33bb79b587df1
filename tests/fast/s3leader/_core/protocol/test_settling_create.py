"""R5 for a create: its writer reads the lock until it is known who leads."""

from __future__ import annotations

from dataclasses import replace

import pytest

from s3leader._core.holding import Holding
from s3leader._core.protocol import Won
from s3leader.errors import StoreUnavailable
from tests.fast.s3leader._core.protocol.script import (
    LEASE_MS,
    LOST,
    T0,
    Exchange,
    applied,
    at,
    conflict,
    create,
    found,
    held,
    known,
    lost,
    mine,
    missing,
    pause,
    read,
    sealed,
)
from tests.fast.s3leader._core.protocol.script import won as won_from

WRITE = create(mine(5))
REFUSED: Exchange = (WRITE, conflict())


def won(*exchanges: Exchange, start_ms: int = 0) -> Won:
    return won_from(*exchanges, memory=known(sealed(4)), start_ms=start_ms)


def test_unknown_create_is_sent_again_and_its_deadline_counts_from_the_first_send() -> None:
    exchanges = ((WRITE, LOST, 2_000), pause(25), (WRITE, applied(T0 + 2_000)))
    assert won(*exchanges, start_ms=100).holding.deadline_ms == 100 + LEASE_MS


def test_unknown_create_that_was_applied_is_recognised_by_its_nonce() -> None:
    """The term began when S3 last modified the lock; S3's clock is that of the last answer."""
    answer = found(WRITE.body, at=T0 + 3_000, age_ms=3_000, etag="E5")
    result = won((WRITE, LOST, 3_000), pause(25), (*REFUSED, 0), (read(5), answer, 0))
    assert result.holding == Holding(
        lock=replace(mine(5), started_at=at(0)),
        etag="E5",
        deadline_ms=LEASE_MS,
        date_ms=T0 + 3_000,
        received_ms=3_050,
    )


def test_create_that_a_proxy_sent_twice_is_won_though_the_first_answer_is_a_conflict() -> None:
    answer = found(WRITE.body, at=T0 + 2_000, age_ms=1_000, etag="E5")
    holding = won((*REFUSED, 1_000), (read(5), answer, 1_000), start_ms=100).holding
    assert (holding.etag, holding.deadline_ms) == ("E5", 100 + LEASE_MS)


@pytest.mark.parametrize("body", [held(5), b'{"expired": false}'], ids=["another", "none"])
@pytest.mark.parametrize("before", [(), ((WRITE, LOST), pause(25))], ids=["first", "second"])
def test_create_is_lost_if_the_lock_has_another_nonce(
    body: bytes, before: tuple[Exchange, ...]
) -> None:
    assert lost(*before, REFUSED, (read(5), found(body)), memory=known(sealed(4))).why == "held"


def test_writer_tries_again_while_its_read_fails_too() -> None:
    again = (pause(50), REFUSED, (read(5), found(WRITE.body)))
    won((WRITE, LOST), pause(25), REFUSED, (read(5), LOST), *again)


def test_create_is_tried_again_if_the_rivals_lock_is_gone() -> None:
    won(REFUSED, (read(5), missing()), pause(25), (WRITE, applied()))


def test_pauses_between_the_tries_double_up_to_a_second() -> None:
    tries: list[Exchange] = []
    for low_ms in (25, 50, 100, 200, 400, 800, 1000, 1000):
        tries += [(WRITE, LOST), pause(low_ms)]
    won(*tries, (WRITE, applied()))


def test_create_is_given_up_after_its_lease_and_not_before() -> None:
    """The error names the last cause that S3 gave."""
    tries: tuple[Exchange, ...] = (
        (WRITE, LOST, LEASE_MS - 1_000),
        pause(25),
        (WRITE, LOST, 1_000 - 50 - 1),
        pause(50),
        (*REFUSED, 0),
        (read(5), missing(), 0),
    )
    with pytest.raises(StoreUnavailable, match=r"0005\.json .*last answer: the answer was lost"):
        won(*tries)
