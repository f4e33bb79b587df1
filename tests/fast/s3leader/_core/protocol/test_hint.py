"""The hint keeps a cold start cheap, and can do nothing worse than cost requests."""

from __future__ import annotations

import pytest

from s3leader._core.candidate import LedgerHead, Steps
from s3leader._core.holding import Resigned, resign
from s3leader._core.ledger import find_head
from s3leader._core.requests import Create, Read, Replace
from s3leader.errors import BucketUnusable
from tests.fast.s3leader._core.protocol.script import (
    HINT,
    LIST,
    LOST,
    Exchange,
    after,
    applied,
    at,
    config,
    conflict,
    found,
    holding,
    known,
    listing,
    mine,
    missing,
    page,
    pause,
    play,
    put,
    read,
    sealed,
)

PAGE = range(1, 1001)
FIRST: Exchange = (LIST, listing(*PAGE, goes_on="2"))


def hint(body: bytes) -> Exchange:
    return (Read(HINT), found(body, etag="H"))


def cold() -> Steps[LedgerHead]:
    return find_head(config())


def test_one_page_of_locks_needs_no_hint() -> None:
    assert play(cold(), (LIST, listing(*PAGE)), (read(1000), found(sealed(1000)))).term == 1000


def test_cold_start_with_many_pages_jumps_to_where_the_hint_points() -> None:
    seen = play(
        cold(),
        FIRST,
        hint(b'{"term": 4500}'),
        (after(4499), listing(4500, 4501, 4502)),
        (read(4502), found(sealed(4502))),
    )
    assert seen.term == 4502


def test_missing_hint_costs_a_list_for_each_page() -> None:
    seen = play(
        cold(),
        FIRST,
        (Read(HINT), missing()),
        (page("2"), listing(*range(1001, 2001), goes_on="3")),
        (page("3"), listing(2001)),
        (read(2001), found(sealed(2001))),
    )
    assert seen.term == 2001


def test_hint_that_may_not_be_read_is_done_without() -> None:
    refusal = BucketUnusable("no", action="s3:GetObject", resource="arn", code="AccessDenied")
    seen = play(
        cold(),
        FIRST,
        (Read(HINT), refusal),
        (page("2"), listing(1001)),
        (read(1001), found(sealed(1001))),
    )
    assert seen.term == 1001


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'"term"',
        b'{"term": null}',
        b'{"term": "1500"}',
        b'{"term": -1}',
        b'{"term": 1.5e3}',
        b'{"term": 10000000000}',
        b'{"term": 1' + b"0" * 5000 + b"}",
        b"[" * 100_000,
        b'{"term": 12}',  # stale
        b'{"term": 0}',
    ],
    ids=lambda body: repr(body[:20]),
)
def test_useless_hint_is_passed_over(body: bytes) -> None:
    exchanges: tuple[Exchange, ...] = (
        (page("2"), listing(1001)),
        (read(1001), found(sealed(1001))),
    )
    assert play(cold(), FIRST, hint(body), *exchanges).term == 1001


def test_hint_beyond_the_highest_lock_is_seen_through() -> None:
    seen = play(
        cold(),
        FIRST,
        hint(b'{"term": 9999999999}'),
        (after(9999999998), listing()),
        (page("2"), listing(1001, 1002)),
        (read(1002), found(sealed(1002))),
    )
    assert seen.term == 1002


def test_hint_beyond_the_highest_lock_of_a_full_page_is_seen_through() -> None:
    seen = play(
        cold(),
        FIRST,
        hint(b'{"term": 4500}'),
        (after(4499), listing()),
        (page("2"), listing()),
        (read(1000), found(sealed(1000))),
    )
    assert seen.term == 1000


def test_hint_at_the_highest_lock_finds_it() -> None:
    seen = play(
        cold(),
        FIRST,
        hint(b'{"term": 4500}'),
        (after(4499), listing(4500)),
        (read(4500), found(sealed(4500))),
    )
    assert seen.term == 4500


def test_stale_hint_costs_a_list_for_each_page_that_followed() -> None:
    seen = play(
        cold(),
        FIRST,
        hint(b'{"term": 2000}'),
        (after(1999), listing(*range(2000, 3000), goes_on="x")),
        (page("x", 1999), listing(3000)),
        (read(3000), found(sealed(3000))),
    )
    assert seen.term == 3000


def test_unanswered_hint_is_asked_for_again() -> None:
    seen = play(
        cold(),
        FIRST,
        (Read(HINT), LOST),
        pause(50),
        hint(b'{"term": 4500}'),
        (after(4499), listing(4500)),
        (read(4500), found(sealed(4500))),
    )
    assert seen.term == 4500


def test_candidate_that_knows_a_lock_needs_no_hint() -> None:
    steps = find_head(config(), known(sealed(4)))
    pages: tuple[Exchange, ...] = (
        (after(4), listing(*range(5, 1005), goes_on="x")),
        (page("x", 4), listing(1005)),
    )
    assert play(steps, *pages, (read(1005), found(sealed(1005)))).term == 1005


# -------------------------------------------------------------------------------- writing it


def resigning(term: int) -> Steps[Resigned]:
    lock = mine(term, "n0", swept=term - 1)
    return resign(config(), holding(lock), outcome="completed", reason=None, now_ms=0)


def seal(term: int) -> Exchange:
    lock = mine(term, "n0", swept=term - 1)
    return (put(lock.seal(nonce="n1", outcome="completed", ended_at=at(-1000)), "E1"), applied())


BODY = b'{"term": 1500}'


def test_leader_of_every_five_hundredth_term_creates_the_hint() -> None:
    exchanges: tuple[Exchange, ...] = (
        (Read(HINT), missing()),
        (Create(HINT, BODY), applied()),
        seal(1500),
    )
    assert play(resigning(1500), *exchanges).sweep_error is None


def test_hint_is_rewritten_on_the_condition_that_nobody_else_did() -> None:
    exchanges: tuple[Exchange, ...] = (
        hint(b'{"term": 1000}'),
        (Replace(HINT, BODY, "H"), conflict()),
    )
    assert play(resigning(1500), *exchanges, seal(1500)).sweep_error is None


def test_hint_of_a_later_term_is_left_alone() -> None:
    assert play(resigning(1500), hint(b'{"term": 2000}'), seal(1500)).sweep_error is None


def test_corrupt_hint_is_rewritten() -> None:
    exchanges: tuple[Exchange, ...] = (hint(b"?"), (Replace(HINT, BODY, "H"), applied()))
    assert play(resigning(1500), *exchanges, seal(1500)).sweep_error is None


def test_hint_whose_answer_is_lost_keeps_nobody_from_resigning() -> None:
    assert play(resigning(1500), (Read(HINT), LOST), seal(1500)).sweep_error is None
