"""A candidate that expects a long ledger reads the hint first. It costs requests where it is wrong,
or where the ledger is short, and it leads to the same lock.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3leader._core.ledger import extent, find_head, history
from s3leader._core.requests import Answer, List, Listed, Read, StoreAnswer, StoreRequest
from s3leader._io.driver import Driver
from s3leader._io.memory_store import MemoryStore
from tests.fast.s3leader._core.protocol.script import (
    HINT,
    HOUR_MS,
    LIST,
    LOST,
    T0,
    UNUSABLE_HINT_BODIES,
    UNUSABLE_HINTS,
    Exchange,
    after,
    config,
    found,
    key,
    known,
    listing,
    missing,
    page,
    pause,
    play,
    read,
    sealed,
)

LONG = config(long_ledger=True)


def hint(term: int) -> Exchange:
    return (Read(HINT), found(b'{"term": %d}' % term))


def lock(term: int, *, at: int = T0) -> Exchange:
    return (read(term), found(sealed(term), at=at))


@pytest.mark.parametrize(
    ("hinted", "pages", "highest"),
    [
        pytest.param(500, [(after(499), listing(500, 501))], 501, id="below the highest"),
        pytest.param(500, [(after(499), listing(500))], 500, id="at the highest"),
        pytest.param(500, [(after(499), listing(730))], 730, id="at a lock that is deleted"),
        pytest.param(2, [(after(1), listing(2))], 2, id="at the second lock"),
        pytest.param(1, [(LIST, listing(1, 2))], 2, id="at the first lock"),
        pytest.param(
            500,
            [(after(499), listing(500, 501, goes_on="x")), (page("x", 499), listing(502))],
            502,
            id="a page below the highest",
        ),
        pytest.param(
            500,
            [(after(499), listing(goes_on="x")), (page("x", 499), listing(501))],
            501,
            id="an empty page that is not the last",
        ),
        pytest.param(
            500,
            [(after(499), listing(501, goes_on="x")), (page("x", 499), listing())],
            501,
            id="an empty last page",
        ),
        pytest.param(
            501,
            [(after(500), listing()), (LIST, listing(499, 500))],
            500,
            id="one beyond the highest",
        ),
        pytest.param(
            9_999_999_999,
            [
                (after(9_999_999_998), listing()),
                (LIST, listing(1, goes_on="2")),
                (page("2"), listing(2)),
            ],
            2,
            id="far beyond the highest",
        ),
    ],
)
def test_listing_begins_just_below_the_hint(
    hinted: int, pages: list[Exchange], highest: int
) -> None:
    head = play(find_head(LONG), hint(hinted), *pages, lock(highest))
    assert head.term == highest


@pytest.mark.parametrize("answer", UNUSABLE_HINTS.values(), ids=UNUSABLE_HINTS)
def test_without_a_usable_hint_all_pages_are_listed(answer: Answer | Exception) -> None:
    pages = ((LIST, listing(1, 2, goes_on="2")), (page("2"), listing(3)))
    assert play(find_head(LONG), (Read(HINT), answer), *pages, lock(3)).term == 3


def test_unanswered_read_of_the_hint_is_repeated() -> None:
    tries: tuple[Exchange, ...] = ((Read(HINT), LOST), pause(50), hint(500))
    assert play(find_head(LONG), *tries, (after(499), listing(500)), lock(500)).term == 500


@pytest.mark.parametrize("hinted", [None, 600], ids=["no hint", "a hint of another election"])
def test_an_empty_ledger_is_proved_empty(hinted: int | None) -> None:
    beginning: tuple[Exchange, ...] = ((Read(HINT), missing()),)
    if hinted is not None:
        beginning = (hint(hinted), (after(hinted - 1), listing(at=T0)))
    head = play(find_head(LONG), *beginning, (LIST, listing(at=T0 + 1000)))
    assert (head.lock, head.proved_highest_at_ms) == (None, T0 + (1000 if hinted is None else 0))


def test_highest_lock_is_proved_by_the_page_that_showed_it_and_not_by_the_hint() -> None:
    pages = ((after(499), listing(at=T0)), (LIST, listing(4, at=T0 + HOUR_MS)))
    head = play(find_head(LONG), hint(500), *pages, lock(4, at=T0 + HOUR_MS + 1000))
    assert head.proved_highest_at_ms == T0 + HOUR_MS


def test_hint_is_not_read_by_a_candidate_that_knows_a_lock() -> None:
    steps = find_head(LONG, known(sealed(1)))
    assert play(steps, (after(1), listing(3)), lock(3)).term == 3


def test_lock_that_is_deleted_before_it_is_read_costs_another_look() -> None:
    first = (hint(500), (after(499), listing(500)), (read(500), missing()), pause(50))
    assert (
        play(find_head(LONG), *first, hint(500), (after(499), listing(502)), lock(502)).term == 502
    )


def test_history_begins_at_the_hint_too() -> None:
    locks = play(history(LONG, 1), hint(500), (after(499), listing(500, 501)), lock(501))
    assert [each.term for each in locks] == [501]


def test_extent_of_several_pages_reads_the_hint_next() -> None:
    """Its first page has shown that the ledger is long, whatever the configuration says."""
    pages = ((LIST, listing(3, goes_on="2")), hint(500), (after(499), listing(500, 501)))
    assert play(extent(config()), *pages) == range(3, 502)


class PagedStore:
    """A store with locks of `terms` and a hint. Its pages hold `size` keys, and the numbers of
    lists in `empty` are answered by pages that hold none and go on.
    """

    def __init__(self, terms: set[int], hint: bytes | None, size: int, empty: set[int]) -> None:
        self._store, self._size, self._empty, self._lists = MemoryStore(), size, empty, 0
        for term in terms:
            self._store.put(key(term), sealed(term).encode())
        if hint is not None:
            self._store.put(HINT, hint)

    def perform(self, request: StoreRequest) -> StoreAnswer:
        if not isinstance(request, List):
            return self._store.perform(request)
        self._lists += 1
        begin = (request.start_after or "") if request.token is None else request.token[2:]
        left = [each for each in self._store.keys() if LIST.prefix < each > begin]  # noqa: SIM118
        if self._lists in self._empty and (request.token or "")[:2] != "e:":
            return Listed((), truncated=True, date_ms=T0, next_token="e:" + begin)
        shown = tuple(left[: self._size])
        token = "p:" + shown[-1] if len(left) > len(shown) else None
        return Listed(shown, token is not None, T0, token)


hinted_terms = st.integers(-1, 60) | st.just(9_999_999_999)
hints = (
    st.none() | st.sampled_from(UNUSABLE_HINT_BODIES) | hinted_terms.map(b'{"term": %d}'.__mod__)
)


@given(
    terms=st.sets(st.integers(1, 50)),
    body=hints,
    size=st.integers(1, 7),
    empty=st.sets(st.integers(1, 9)),
    long_ledger=st.booleans(),
)
def test_in_either_order_and_whatever_the_hint_says_the_highest_lock_is_found(
    *, terms: set[int], body: bytes | None, size: int, empty: set[int], long_ledger: bool
) -> None:
    driver = Driver(
        store=PagedStore(terms, body, size, empty),
        clock_ms=lambda: 0,
        sleep=lambda _: None,
        uniform=lambda low, _: low,
    )
    head = driver.run(find_head(config(long_ledger=long_ledger)))
    assert head.term == max(terms, default=0)
