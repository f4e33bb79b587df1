"""The ledger's edges: where a hint leads, what a store must not answer, when a term ended."""

from __future__ import annotations

from datetime import datetime

import pytest

from s3leader._core.ledger import READ_TRIES, ask, find_head, history
from s3leader._core.lock import Lock
from s3leader._core.requests import Answer, Listed, Read
from s3leader.errors import StoreUnavailable
from tests.fast.s3leader._core.protocol.script import (
    HINT,
    LIST,
    LOST,
    T0,
    Exchange,
    after,
    at,
    config,
    found,
    known,
    listing,
    missing,
    page,
    pause,
    play,
    read,
    sealed,
)


def test_error_after_the_last_try_names_the_last_cause() -> None:
    tries: list[Exchange] = []
    for attempt in range(READ_TRIES):
        tries += [(LIST, LOST), pause(50 << attempt)]
    with pytest.raises(StoreUnavailable, match=r"the last: the answer was lost\)"):
        play(ask(LIST), *tries[:-1])


# ---------------------------------------------------------------------------- where a hint leads


def hinted(term: int, *first_page: int) -> tuple[Exchange, ...]:
    hint = found(b'{"term": %d}' % term)
    return (LIST, listing(*first_page, goes_on="more")), (Read(HINT), hint)


def test_candidate_that_knows_the_first_lock_asks_for_no_hint() -> None:
    seen = play(
        find_head(config(), known(sealed(1))),
        (after(1), listing(2, goes_on="more")),
        (page("more", 1), listing(3)),
        (read(3), found(sealed(3))),
    )
    assert seen.term == 3


def test_hint_to_what_follows_the_page_saves_nothing() -> None:
    rest = (page("more"), listing(4)), (read(4), found(sealed(4)))
    assert play(find_head(config()), *hinted(4, 2, 3), *rest).term == 4


def test_hint_one_lock_further_is_followed() -> None:
    rest = (after(4), listing(5)), (read(5), found(sealed(5)))
    assert play(find_head(config()), *hinted(5, 2, 3), *rest).term == 5


def test_hint_is_followed_from_a_page_without_locks() -> None:
    rest = (after(1), listing(2)), (read(2), found(sealed(2)))
    assert play(find_head(config()), *hinted(2), *rest).term == 2


def test_hint_to_the_first_lock_leads_nowhere_new() -> None:
    rest = (page("more"), listing(1)), (read(1), found(sealed(1)))
    assert play(find_head(config()), *hinted(1), *rest).term == 1


# ------------------------------------------------------------------- what a store must not answer


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (missing(), "answered Missing.* to a List"),
        (
            Listed((), truncated=True, date_ms=T0, next_token=None),
            "contradicts its continuation token",
        ),
        (
            Listed((), truncated=False, date_ms=T0, next_token="more"),
            "contradicts its continuation token",
        ),
    ],
    ids=["not a page", "truncated without a token", "a token without more"],
)
def test_answer_that_no_store_may_give_is_an_error(answer: Answer, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        play(find_head(config()), (LIST, answer))


# ------------------------------------------------------------------------------ when a term ended


def read_back(body: Lock | bytes) -> Lock:
    """The lock as a history shows it; S3 last modified it five seconds before it showed it."""
    [lock] = play(history(config(), 1), (LIST, listing(4)), (read(4), found(body)))
    return lock


def times(lock: Lock) -> tuple[datetime | None, datetime | None]:
    return lock.started_at, lock.ended_at


def test_sealed_lock_of_the_original_scheme_ended_when_it_was_last_modified() -> None:
    assert times(read_back(b'{"expired": true}')) == (None, at(-5_000))


def test_unsealed_lock_of_the_original_scheme_has_not_ended() -> None:
    assert times(read_back(b'{"expired": false}')) == (at(-5_000), None)


def test_lock_that_says_when_it_began_and_ended_is_believed() -> None:
    body = sealed(4, started_at=at(-60_000), ended_at=at(-10_000))
    assert times(read_back(body)) == (at(-60_000), at(-10_000))
