"""Reading the ledger: pages as S3 may send them, requests without an answer, the history."""

from __future__ import annotations

from datetime import datetime

import pytest

from s3leader._core.ledger import extent, find_head, history
from s3leader._core.lock import Lock
from s3leader._core.requests import Answer, List, Listed, Read
from s3leader.errors import StoreUnavailable
from tests.fast.s3leader._core.protocol.script import (
    FOLDER,
    HINT,
    HOUR_MS,
    LIST,
    LOST,
    T0,
    Exchange,
    after,
    at,
    config,
    found,
    held,
    known,
    listing,
    missing,
    page,
    pause,
    play,
    read,
    sealed,
)

NO_HINT: Exchange = (Read(HINT), missing())
LATE = T0 + HOUR_MS


def test_pages_without_locks_are_not_the_end_of_the_list() -> None:
    foreign = Listed((FOLDER + "lock_notes.txt",), truncated=True, date_ms=T0, next_token="2")
    head = play(
        find_head(config()),
        (LIST, foreign),
        NO_HINT,
        (page("2"), listing(goes_on="3")),
        (page("3"), listing(goes_on="4")),
        (page("4"), listing(7)),
        (read(7), found(sealed(7))),
    )
    assert head.term == 7


def test_empty_pages_alone_are_an_empty_ledger() -> None:
    pages: tuple[Exchange, ...] = ((LIST, listing(goes_on="2")), NO_HINT, (page("2"), listing()))
    assert play(find_head(config()), *pages).lock is None


@pytest.mark.parametrize(
    ("second_page", "highest", "proved_at_ms"),
    [
        # It may begin beyond the next lock's key, and so does not show that lock.
        pytest.param(listing(at=LATE), 4, T0, id="empty"),
        pytest.param(listing(5, at=LATE), 5, LATE, id="a higher lock"),
    ],
)
def test_highest_lock_is_proved_by_the_page_that_showed_it(
    second_page: Listed, highest: int, proved_at_ms: int
) -> None:
    head = play(
        find_head(config()),
        (LIST, listing(4, goes_on="2", at=T0)),
        NO_HINT,
        (page("2"), second_page),
        (read(highest), found(sealed(highest), at=LATE + 1000)),
    )
    assert (head.term, head.proved_highest_at_ms) == (highest, proved_at_ms)


def test_known_lock_is_proved_highest_by_the_first_of_several_pages() -> None:
    pages: tuple[Exchange, ...] = (
        (after(4), listing(goes_on="2", at=T0 + 1000)),
        (page("2", 4), listing(at=T0 + 2000)),
    )
    head = play(find_head(config(), known(sealed(4))), *pages)
    assert (head.term, head.proved_highest_at_ms) == (4, T0 + 1000)


def test_page_that_is_followed_by_itself_is_an_error() -> None:
    again: tuple[Exchange, ...] = (NO_HINT, (page("2"), listing(goes_on="2")))
    with pytest.raises(StoreUnavailable, match="expected a new continuation token"):
        play(find_head(config()), (LIST, listing(4, goes_on="2")), *again)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (missing(), "answered Missing.* to a List"),
        (Listed((), truncated=True, date_ms=T0), "contradicts its continuation token"),
        (Listed((), truncated=False, date_ms=T0, next_token="2"), "contradicts its continuation"),
    ],
    ids=["not a page", "truncated without a token", "a token without more"],
)
def test_answer_that_no_store_may_give_is_an_error(answer: Answer, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        play(find_head(config()), (LIST, answer))


TRIES: list[Exchange] = [
    exchange for low_ms in (50, 100, 200, 400) for exchange in ((LIST, LOST), pause(low_ms))
]


def test_unanswered_list_is_repeated_after_pauses_that_double() -> None:
    assert play(find_head(config()), *TRIES, (LIST, listing())).term == 0


def test_list_without_an_answer_to_five_tries_is_store_unavailable() -> None:
    with pytest.raises(StoreUnavailable, match=r"5 tries .*the last: the answer was lost\)"):
        play(find_head(config()), *TRIES, (LIST, LOST))


def test_store_that_lists_what_it_does_not_have_is_store_unavailable() -> None:
    tries: list[Exchange] = [(LIST, listing(4)), (read(4), missing()), pause(50)]
    with pytest.raises(StoreUnavailable, match="expected S3 to return a lock that it lists"):
        play(find_head(config()), *tries * 5)


def test_lock_that_is_gone_when_it_is_read_makes_the_candidate_list_from_the_start() -> None:
    head = play(
        find_head(config(), known(sealed(4))),
        (after(4), listing(5)),
        (read(5), missing()),
        pause(50),
        (LIST, listing(6)),
        (read(6), found(held(6))),
    )
    assert head.term == 6


def test_history_reads_the_newest_first_and_no_more_than_asked_for() -> None:
    reads: tuple[Exchange, ...] = ((read(3), found(held(3))), (read(2), found(sealed(2))))
    locks = play(history(config(), 2), (LIST, listing(1, 2, 3)), *reads)
    assert [lock.term for lock in locks] == [3, 2]


def test_history_omits_deleted_locks_and_shows_what_is_wrong_with_corrupt_ones() -> None:
    first, second = play(
        history(config(), 20),
        (LIST, listing(1, 3)),
        (read(3), found(b"?")),
        (read(2), missing()),
        (read(1), found(sealed(1))),
    )
    assert (first.term, second.term, second.problem) == (3, 1, None)
    assert "expected JSON" in str(first.problem)


def test_history_of_an_empty_ledger_is_empty() -> None:
    assert play(history(config(), 20), (LIST, listing())) == []


def test_history_before_a_term_reads_a_few_without_a_list() -> None:
    reads: tuple[Exchange, ...] = ((read(6), found(sealed(6))), (read(5), missing()))
    assert [lock.term for lock in play(history(config(), 2, before=7), *reads)] == [6]


@pytest.mark.parametrize(("limit", "before"), [(12, 13), (12, 3)])
def test_history_before_a_term_reads_up_to_twelve_without_a_list(limit: int, before: int) -> None:
    reads: list[Exchange] = [(read(term), found(sealed(term))) for term in range(before - 1, 0, -1)]
    assert len(play(history(config(), limit, before=before), *reads)) == before - 1


@pytest.mark.parametrize(
    ("limit", "before", "listed"), [(13, 14, LIST), (13, 5, LIST), (13, 15, after(1))]
)
def test_history_before_a_term_lists_more_from_the_first_one_on(
    limit: int, before: int, listed: List
) -> None:
    assert play(history(config(), limit, before=before), (listed, listing())) == []


def test_history_before_a_term_does_not_show_that_term() -> None:
    reads: tuple[Exchange, ...] = ((after(9), listing(29, 30)), (read(29), found(sealed(29))))
    assert [lock.term for lock in play(history(config(), 20, before=30), *reads)] == [29]


@pytest.mark.parametrize("last", [(29,), (27, 31)], ids=["the last one", "a later one"])
def test_history_before_a_term_lists_pages_until_one_shows_the_last(last: tuple[int, ...]) -> None:
    below = [term for term in last if term < 30]
    locks = play(
        history(config(), 20, before=30),
        (after(9), listing(goes_on="2")),
        (page("2", 9), listing(11, 28, goes_on="3") if last == (29,) else listing(goes_on="3")),
        (page("3", 9), listing(*last, goes_on="4")),
        *((read(term), missing()) for term in (*below, *([28, 11] if last == (29,) else []))),
    )
    assert locks == []


def test_history_of_pages_that_are_followed_by_themselves_is_an_error() -> None:
    again: tuple[Exchange, ...] = (
        (after(9), listing(goes_on="2")),
        (page("2", 9), listing(goes_on="2")),
    )
    with pytest.raises(StoreUnavailable, match="expected a new continuation token"):
        play(history(config(), 20, before=30), *again)


def test_history_before_a_term_lists_many_and_reads_only_those_that_exist() -> None:
    locks = play(
        history(config(), 20, before=30),
        (List(LIST.prefix, config().key(9)), listing(11, 28, 31)),
        (read(28), found(sealed(28))),
        (read(11), found(sealed(11))),
    )
    assert [lock.term for lock in locks] == [28, 11]


def test_the_extent_of_a_ledger_is_listed() -> None:
    assert play(extent(config()), (LIST, listing(3, 7))) == range(3, 8)
    assert not play(extent(config()), (LIST, listing()))


def test_the_extent_of_a_ledger_of_several_pages_begins_with_the_first_of_them() -> None:
    first: Exchange = (LIST, listing(3, 7, goes_on="2"))
    pages: tuple[Exchange, ...] = (first, NO_HINT, first, (page("2"), listing(9)))
    assert play(extent(config()), *pages) == range(3, 10)


@pytest.mark.parametrize(
    ("body", "started_at", "ended_at"),
    [
        pytest.param(b'{"expired": true}', None, at(-5_000), id="sealed"),
        pytest.param(b'{"expired": false}', at(-5_000), None, id="unsealed"),
        pytest.param(
            sealed(4, started_at=at(-60_000), ended_at=at(-10_000)),
            at(-60_000),
            at(-10_000),
            id="with its own times",
        ),
    ],
)
def test_last_modified_stands_in_for_a_missing_start_or_end(
    body: Lock | bytes, started_at: datetime | None, ended_at: datetime | None
) -> None:
    reads: tuple[Exchange, ...] = ((LIST, listing(4)), (read(4), found(body, age_ms=5_000)))
    [lock] = play(history(config(), 1), *reads)
    assert (lock.started_at, lock.ended_at) == (started_at, ended_at)
