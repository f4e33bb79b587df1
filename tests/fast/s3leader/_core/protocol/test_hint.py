"""The hint keeps a cold start cheap. At worst a wrong one costs requests."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from s3leader._core.ledger import find_head
from s3leader._core.requests import Answer, Read
from tests.fast.s3leader._core.protocol.script import (
    HINT,
    LIST,
    LOST,
    UNUSABLE_HINTS,
    Exchange,
    after,
    config,
    found,
    known,
    listing,
    page,
    pause,
    play,
    read,
    sealed,
)


def cold(first: Sequence[int], *exchanges: Exchange, highest: int) -> None:
    """A cold start finds `highest` by `exchanges` after the first of several pages."""
    last = (read(highest), found(sealed(highest)))
    head = play(find_head(config()), (LIST, listing(*first, goes_on="2")), *exchanges, last)
    assert head.term == highest


@pytest.mark.parametrize(
    ("first", "hint", "pages", "highest"),
    [
        pytest.param([1], 500, [(after(499), listing(500, 501))], 501, id="below the highest"),
        pytest.param([1], 500, [(after(499), listing(500))], 500, id="at the highest"),
        pytest.param([2, 3], 5, [(after(4), listing(5))], 5, id="just beyond the page"),
        pytest.param([], 2, [(after(1), listing(2))], 2, id="page without locks"),
        pytest.param([2, 3], 4, [(page("2"), listing(4))], 4, id="at the next page"),
        pytest.param([9], 5, [(page("2"), listing(10))], 10, id="within the page"),
        pytest.param([], 1, [(page("2"), listing(1))], 1, id="first lock"),
        pytest.param(
            [1],
            20,
            [(after(19), listing(20, 21, goes_on="x")), (page("x", 19), listing(30))],
            30,
            id="a page below the highest",
        ),
        pytest.param(
            [1],
            9_999_999_999,
            [(after(9_999_999_998), listing()), (page("2"), listing(2, 3))],
            3,
            id="beyond the highest",
        ),
        pytest.param(
            [1], 500, [(after(499), listing()), (page("2"), listing())], 1, id="no more locks"
        ),
        pytest.param(
            [1],
            500,
            [(after(499), listing(goes_on="x")), (page("x", 499), listing(501))],
            501,
            id="an empty page that is not the last",
        ),
        pytest.param(
            [1],
            500,
            [(after(499), listing(501, goes_on="x")), (page("x", 499), listing())],
            501,
            id="an empty last page",
        ),
    ],
)
def test_hint_is_followed_to_the_highest_lock(
    first: list[int], hint: int, pages: list[Exchange], highest: int
) -> None:
    cold(first, (Read(HINT), found(b'{"term": %d}' % hint)), *pages, highest=highest)


@pytest.mark.parametrize("answer", UNUSABLE_HINTS.values(), ids=UNUSABLE_HINTS)
def test_without_a_usable_hint_all_pages_are_listed(answer: Answer | Exception) -> None:
    pages = ((page("2"), listing(3, goes_on="3")), (page("3"), listing(4)))
    cold([1, 2], (Read(HINT), answer), *pages, highest=4)


def test_unanswered_read_of_the_hint_is_repeated() -> None:
    hint = (Read(HINT), found(b'{"term": 500}'))
    cold([1], (Read(HINT), LOST), pause(50), hint, (after(499), listing(500)), highest=500)


def test_hint_is_not_read_if_one_page_has_all_locks() -> None:
    reads = ((LIST, listing(1, 2)), (read(2), found(sealed(2))))
    assert play(find_head(config()), *reads).term == 2


def test_hint_is_not_read_by_a_candidate_that_knows_a_lock() -> None:
    pages = ((after(1), listing(2, goes_on="x")), (page("x", 1), listing(3)))
    steps = find_head(config(), known(sealed(1)))
    assert play(steps, *pages, (read(3), found(sealed(3)))).term == 3
