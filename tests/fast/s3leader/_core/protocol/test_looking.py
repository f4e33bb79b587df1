"""Reading the ledger: history, and requests whose answers do not come."""

from __future__ import annotations

import pytest

from s3leader._core.ledger import find_head, history
from s3leader.errors import StoreUnavailable
from tests.fast.s3leader._core.protocol.script import (
    LIST,
    LOST,
    Exchange,
    config,
    found,
    held,
    listing,
    missing,
    pause,
    play,
    read,
    sealed,
)


def test_history_reads_the_newest_first_and_no_more_than_asked_for() -> None:
    exchanges: tuple[Exchange, ...] = (
        (LIST, listing(1, 2, 3)),
        (read(3), found(held(3))),
        (read(2), found(sealed(2))),
    )
    assert [lock.term for lock in play(history(config(), 2), *exchanges)] == [3, 2]


def test_history_leaves_out_what_the_lifecycle_rule_deleted() -> None:
    exchanges: tuple[Exchange, ...] = (
        (LIST, listing(1, 3)),
        (read(3), found(held(3))),
        (read(2), missing()),
        (read(1), found(sealed(1))),
    )
    assert [lock.term for lock in play(history(config(), 20), *exchanges)] == [3, 1]


def test_corrupt_lock_stands_in_the_history_with_what_is_wrong() -> None:
    exchanges: tuple[Exchange, ...] = (
        (LIST, listing(1, 2)),
        (read(2), found(b"?")),
        (read(1), found(sealed(1))),
    )
    first, second = play(history(config(), 20), *exchanges)
    assert (first.term, second.problem) == (2, None)
    assert first.problem is not None
    assert "expected JSON" in first.problem


def test_history_of_nothing_is_empty() -> None:
    assert play(history(config(), 20), (LIST, listing())) == []


def test_unanswered_look_is_repeated_with_growing_pauses() -> None:
    exchanges: list[Exchange] = []
    for low_ms in (50, 100, 200, 400):
        exchanges += [(LIST, LOST), pause(low_ms)]
    assert play(find_head(config()), *exchanges, (LIST, listing())).term == 0


def test_look_that_stays_unanswered_is_store_unavailable() -> None:
    exchanges: list[Exchange] = []
    for low_ms in (50, 100, 200, 400):
        exchanges += [(LIST, LOST), pause(low_ms)]
    with pytest.raises(StoreUnavailable, match="5 tries"):
        play(find_head(config()), *exchanges, (LIST, LOST))


def test_store_that_lists_what_it_does_not_have_is_given_up() -> None:
    exchanges: list[Exchange] = []
    for _ in range(5):
        exchanges += [(LIST, listing(4)), (read(4), missing()), pause(50)]
    with pytest.raises(StoreUnavailable, match="expected S3 to return a lock that it lists"):
        play(find_head(config()), *exchanges)
