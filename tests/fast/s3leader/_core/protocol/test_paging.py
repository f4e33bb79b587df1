"""Pages as S3 may send them: few keys, none, or foreign ones, and more to come."""

from __future__ import annotations

from dataclasses import replace

import pytest

from s3leader._core.candidate import LedgerHead, Steps
from s3leader._core.ledger import find_head
from s3leader._core.lock import Lock
from s3leader._core.next_lock import Work
from s3leader._core.protocol import Lost, Won, campaign
from s3leader._core.requests import Create, List, Listed, Read, StoreAnswer, StoreRequest
from s3leader._core.times import from_ms
from s3leader._io.memory_store import MemoryStore
from s3leader.errors import StoreUnavailable
from tests.fast.s3leader._core.protocol.script import (
    FOLDER,
    HINT,
    HOUR_MS,
    LIST,
    T0,
    Exchange,
    after,
    applied,
    config,
    create,
    found,
    held,
    known,
    listing,
    mine,
    missing,
    page,
    play,
    proofs,
    put,
    read,
    sealed,
)
from tests.fast.s3leader._core.protocol.stepper import Stepper

NO_HINT: Exchange = (Read(HINT), missing())


def cold() -> Steps[LedgerHead]:
    return find_head(config())


def test_empty_page_that_goes_on_is_not_the_end() -> None:
    exchanges: tuple[Exchange, ...] = ((LIST, listing(goes_on="2")), NO_HINT)
    seen = play(cold(), *exchanges, (page("2"), listing(7)), (read(7), found(sealed(7))))
    assert seen.term == 7


def test_several_empty_pages_are_not_the_end() -> None:
    exchanges: tuple[Exchange, ...] = (
        (LIST, listing(goes_on="2")),
        NO_HINT,
        (page("2"), listing(goes_on="3")),
        (page("3"), listing(goes_on="4")),
        (page("4"), listing()),
    )
    assert play(cold(), *exchanges).lock is None


def test_page_of_foreign_keys_that_goes_on_is_not_the_end() -> None:
    foreign = Listed((FOLDER + "lock_notes.txt",), truncated=True, date_ms=T0, next_token="2")
    exchanges: tuple[Exchange, ...] = ((LIST, foreign), NO_HINT)
    seen = play(cold(), *exchanges, (page("2"), listing(7)), (read(7), found(sealed(7))))
    assert seen.term == 7


def test_empty_page_after_the_hint_that_goes_on_does_not_refute_the_hint() -> None:
    seen = play(
        cold(),
        (LIST, listing(1, goes_on="2")),
        (Read(HINT), found(b'{"term": 500}')),
        (after(499), listing(goes_on="x")),
        (page("x", 499), listing(501)),
        (read(501), found(sealed(501))),
    )
    assert seen.term == 501


def test_hint_below_the_locks_of_the_first_page_is_passed_over() -> None:
    seen = play(
        cold(),
        (LIST, listing(900, goes_on="2")),
        (Read(HINT), found(b'{"term": 500}')),
        (page("2"), listing(901)),
        (read(901), found(sealed(901))),
    )
    assert seen.term == 901


def test_highest_lock_is_proved_by_the_page_that_showed_it_and_by_no_later_one() -> None:
    """The next page may begin beyond the next lock's key, so it does not show that lock."""
    seen = play(
        cold(),
        (LIST, listing(4, goes_on="2", at=T0)),
        NO_HINT,
        (page("2"), listing(at=T0 + HOUR_MS)),
        (read(4), found(sealed(4), at=T0 + HOUR_MS)),
    )
    assert seen.proved_highest_at_ms == T0


def test_known_lock_is_proved_highest_by_the_first_of_several_pages() -> None:
    seen = play(
        find_head(config(), known(sealed(4))),
        (after(4), listing(goes_on="2", at=T0 + 1000)),
        (page("2", 4), listing(at=T0 + 2000)),
    )
    assert (seen.term, seen.proved_highest_at_ms) == (4, T0 + 1000)


def test_win_an_hour_after_the_page_that_proved_it_is_void() -> None:
    now = T0 + HOUR_MS
    lock = mine(5, started_at=None)
    result = play(
        campaign(config(), Work(), wait_ms=0, known=None, now_ms=0),
        (LIST, listing(4, goes_on="2")),
        NO_HINT,
        (page("2"), listing(at=now)),
        (read(4), found(sealed(4), at=now)),
        (create(lock), applied(now, "E5")),
        (put(_void(now), "E5"), applied(now)),
        (LIST, listing(80, at=now)),
        (read(80), found(held(80), at=now)),
    )
    assert isinstance(result, Lost)


def _void(now: int) -> Lock:
    lock = mine(5, started_at=from_ms(now), attempt=0)
    why = "void: the proof that this number was next is too old"
    return lock.seal(nonce="n2", outcome="resigned", reason=why, ended_at=from_ms(now))


def test_page_that_is_followed_by_itself_is_an_error_and_not_an_endless_list() -> None:
    exchanges: tuple[Exchange, ...] = (
        (LIST, listing(4, goes_on="2")),
        NO_HINT,
        (page("2"), listing(goes_on="2")),
    )
    with pytest.raises(StoreUnavailable, match="expected a new continuation token"):
        play(cold(), *exchanges)


@pytest.mark.parametrize("token", [None, "2"])
def test_page_that_does_not_say_where_it_goes_on_is_not_believed(token: str | None) -> None:
    answer = Listed((), truncated=token is None, date_ms=T0, next_token=token)
    with pytest.raises(TypeError, match="contradicts its continuation token"):
        play(cold(), (LIST, answer))


def test_later_page_with_a_higher_lock_is_the_proof() -> None:
    seen = play(
        cold(),
        (LIST, listing(4, goes_on="2", at=T0)),
        NO_HINT,
        (page("2"), listing(5, at=T0 + 1000)),
        (read(5), found(sealed(5), at=T0 + 2000)),
    )
    assert (seen.term, seen.proved_highest_at_ms) == (5, T0 + 1000)


def test_empty_last_page_after_locks_beyond_the_hint_is_the_end() -> None:
    seen = play(
        cold(),
        (LIST, listing(1, goes_on="2")),
        (Read(HINT), found(b'{"term": 500}')),
        (after(499), listing(501, goes_on="x")),
        (page("x", 499), listing()),
        (read(501), found(sealed(501))),
    )
    assert seen.term == 501


class Sparse:
    """A bucket whose every page has at most one key, and before each such page an empty one."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def perform(self, request: StoreRequest) -> StoreAnswer:
        if not isinstance(request, List):
            return self._store.perform(request)
        if request.token is None or not request.token.startswith("full "):
            token = request.token or f"continues after {request.start_after or ''}"
            return Listed((), truncated=True, date_ms=T0, next_token=f"full {token}")
        return self._store.perform(replace(request, token=request.token.removeprefix("full ")))


@pytest.mark.parametrize("terms", [0, 1, 5])
def test_campaign_over_sparse_pages_wins_the_next_term(terms: int) -> None:
    store = MemoryStore(clock_ms=lambda: T0, page_size=1)
    for term in range(1, terms + 1):
        store.perform(Create(f"{FOLDER}lock_{term:010d}.json", sealed(term).encode()))
    steps = campaign(config(), Work(), wait_ms=0, known=None, now_ms=0)
    result = Stepper(steps, Sparse(store)).run()
    assert isinstance(result, Won)
    assert result.holding.lock.term == terms + 1


def test_proofs_follow_a_first_win_on_an_empty_listing_of_two_pages() -> None:
    result = play(
        campaign(config(), Work(), wait_ms=0, known=None, now_ms=0),
        (LIST, listing(goes_on="2")),
        NO_HINT,
        (page("2"), listing()),
        (create(mine(1)), applied()),
        *proofs(mine(1)),
    )
    assert isinstance(result, Won)
