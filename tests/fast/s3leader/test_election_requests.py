"""What an election costs: each row of the table in DESIGN, as the exact list of requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from s3leader import BucketUnusable, Election
from s3leader._core.lock import Lock
from s3leader._core.requests import Create, List, Read, Replace, StoreRequest
from s3leader._io.memory_store import MemoryStore
from s3leader.aio import AsyncElection
from tests.fast.s3leader.one_bucket import (
    FOLDER,
    LAPSE,
    LATER,
    LIST,
    TICK,
    InterferingStore,
    OneBucket,
    after,
    key,
    lost,
    read,
    tag,
    won,
)


@pytest.fixture
def bucket() -> OneBucket:
    return OneBucket()


def costs(bucket: OneBucket, *calls: Callable[[], object]) -> list[object]:
    """Return the requests that the calls send."""
    bucket.forget_requests()
    for call in calls:
        call()
    return [*bucket.asked()]


def warm(bucket: OneBucket) -> Election:
    """A candidate that led term 1 and remembers that it is sealed."""
    election = bucket.election()
    won(election.campaign()).resign("failed")
    return election


def test_win_warm_costs_one_put(bucket: OneBucket) -> None:
    assert costs(bucket, warm(bucket).campaign) == [(Create, 2)]


def test_afterwards_cost_one_tag_and_one_put(bucket: OneBucket) -> None:
    term = won(warm(bucket).campaign())
    assert costs(bucket, term.resign) == [tag(1), (Replace, 2)]


def test_win_cold_costs_list_get_put(bucket: OneBucket) -> None:
    warm(bucket)
    assert costs(bucket, bucket.election().campaign) == [LIST, read(1), (Create, 2)]


def test_first_win_ever_costs_list_put_and_the_two_probes(bucket: OneBucket) -> None:
    asked = costs(bucket, bucket.election().campaign)
    assert asked == [LIST, (Create, 1), (Create, 1), (Replace, 1)]


def test_store_is_proved_again_until_a_leader_has_ended_a_term(bucket: OneBucket) -> None:
    won(bucket.election().campaign())
    bucket.pass_time(LAPSE)  # it dies before its next write
    second = won(bucket.election().campaign())
    assert second.requests == 6
    second.resign("resigned")
    assert costs(bucket, bucket.election().campaign) == [LIST, read(2), (Create, 3)]


def test_taking_over_costs_one_put_more(bucket: OneBucket) -> None:
    won(warm(bucket).campaign(TICK))
    bucket.pass_time(LAPSE)
    asked = costs(bucket, bucket.election().campaign)
    assert asked == [LIST, read(2), (Replace, 2), (Create, 3)]


def test_taking_over_from_a_first_leader_that_crashed_costs_the_probes_too(
    bucket: OneBucket,
) -> None:
    won(bucket.election().campaign())
    bucket.pass_time(LAPSE)
    probes = [(Create, 2), (Replace, 2)]
    asked = costs(bucket, bucket.election().campaign)
    assert asked == [LIST, read(1), (Replace, 1), (Create, 2), *probes]


def test_taking_over_costs_the_same_afterwards(bucket: OneBucket) -> None:
    won(bucket.election().campaign())
    bucket.pass_time(LAPSE)
    assert costs(bucket, won(bucket.election().campaign()).resign) == [tag(1), (Replace, 2)]


def test_lose_cold_costs_list_get(bucket: OneBucket) -> None:
    won(bucket.election().campaign())
    assert costs(bucket, bucket.election().campaign) == [LIST, read(1)]


def test_lose_warm_to_a_new_holder_costs_put_get(bucket: OneBucket) -> None:
    election = warm(bucket)
    won(bucket.election().campaign())
    assert costs(bucket, election.campaign) == [(Create, 2), read(2)]


def test_lose_cold_in_a_race_costs_list_get_put_get(bucket: OneBucket) -> None:
    warm(bucket)

    def faster(request: StoreRequest) -> None:
        if isinstance(request, Create):
            bucket.store.perform(Create(request.key, Lock(term=2, nonce="rival").encode()))

    asked = costs(bucket, bucket.election(store=InterferingStore(bucket, faster)).campaign)
    assert asked == [LIST, read(1), (Create, 2), (Create, 2), read(2)]  # the rival's, its own


def test_lose_warm_to_a_known_holder_costs_get(bucket: OneBucket) -> None:
    won(bucket.election().campaign())
    election = bucket.election()
    lost(election.campaign())
    assert costs(bucket, election.campaign) == [read(1)]


def test_tick_known_to_be_done_costs_nothing(bucket: OneBucket) -> None:
    election = bucket.election()
    won(election.campaign(TICK)).resign()
    assert costs(bucket, lambda: lost(election.campaign(TICK))) == []


def test_tick_found_done_by_a_cold_candidate_costs_list_get(bucket: OneBucket) -> None:
    won(bucket.election().campaign(TICK)).resign()
    asked = costs(bucket, lambda: lost(bucket.election().campaign(TICK)))
    assert asked == [LIST, read(1)]


def test_renewing_and_saving_cost_one_put_each(bucket: OneBucket) -> None:
    term = won(bucket.election().campaign())
    assert costs(bucket, term.renew, lambda: term.save({"a": 1})) == [(Replace, 1), (Replace, 1)]


def test_held_remaining_and_ensure_held_cost_nothing(bucket: OneBucket) -> None:
    term = won(bucket.election().campaign())
    assert costs(bucket, term.ensure_held, term.remaining, lambda: term.held) == []


def test_observing_costs_list_get(bucket: OneBucket) -> None:
    won(bucket.election().campaign())
    assert costs(bucket, bucket.election().observe) == [LIST, read(1)]


HINT = Read(FOLDER + "hint.json")


def lengthen(bucket: OneBucket, terms: int, hint: bytes | None) -> None:
    for term in range(1, terms + 1):
        sealed = Lock(term=term, expired=True, nonce=f"n{term}", proved=True)
        bucket.store.put(key(term), sealed.encode())
    if hint is not None:
        bucket.store.put(HINT.key, hint)


def test_cold_start_on_a_long_ledger_costs_two_more(bucket: OneBucket) -> None:
    lengthen(bucket, 2_202, b'{"term": 2000}')
    asked = costs(bucket, bucket.election().campaign)
    assert asked == [LIST, HINT, after(1999), read(2202), (Create, 2203)]


def test_cold_start_that_expects_a_long_ledger_costs_one_more(bucket: OneBucket) -> None:
    lengthen(bucket, 2_202, b'{"term": 2000}')
    asked = costs(bucket, bucket.election(long_ledger=True).campaign)
    assert asked == [HINT, after(1999), read(2202), (Create, 2203)]


def test_cold_start_that_expects_a_long_ledger_costs_one_more_on_a_short_one(
    bucket: OneBucket,
) -> None:
    warm(bucket)
    asked = costs(bucket, bucket.election(long_ledger=True).campaign)
    assert asked == [HINT, LIST, read(1), (Create, 2)]


def test_losing_cold_on_a_ledger_that_is_expected_to_be_long_costs_hint_list_get(
    bucket: OneBucket,
) -> None:
    lengthen(bucket, 1_499, b'{"term": 1000}')
    won(bucket.election().campaign())  # it writes the hint only when it resigns
    asked = costs(bucket, bucket.election(long_ledger=True).campaign)
    assert asked == [HINT, after(999), read(1500)]


def test_leader_of_every_500th_term_moves_the_hint_to_its_own_lock(bucket: OneBucket) -> None:
    lengthen(bucket, 1_499, b'{"term": 1000}')
    won(bucket.election(long_ledger=True).campaign()).resign()
    asked = costs(bucket, bucket.election(long_ledger=True).campaign)
    assert asked == [HINT, after(1499), read(1500), (Create, 1501)]


@pytest.mark.parametrize(
    "hint", [None, b"?", b'{"term": 0}'], ids=["missing", "corrupt", "of no term"]
)
def test_without_a_hint_a_ledger_that_is_expected_to_be_long_is_listed_from_its_start(
    bucket: OneBucket, hint: bytes | None
) -> None:
    lengthen(bucket, 1_202, hint)
    first, second, *others = costs(bucket, bucket.election(long_ledger=True).campaign)[1:]
    assert (first, others) == (LIST, [read(1202), (Create, 1203)])
    assert isinstance(second, List)
    assert second.token is not None


def test_hint_beyond_the_highest_lock_costs_one_list_more(bucket: OneBucket) -> None:
    lengthen(bucket, 2, b'{"term": 700}')  # that of another election
    asked = costs(bucket, bucket.election(long_ledger=True).campaign)
    assert asked == [HINT, after(699), LIST, read(2), (Create, 3)]


def test_hint_more_than_a_page_below_the_highest_lock_costs_one_list_more(
    bucket: OneBucket,
) -> None:
    lengthen(bucket, 1_602, b'{"term": 500}')
    hint, first, second, *others = costs(bucket, bucket.election(long_ledger=True).campaign)
    assert (hint, first, others) == (HINT, after(499), [read(1602), (Create, 1603)])
    assert isinstance(second, List)
    assert second.token is not None


def test_hint_that_may_not_be_read_costs_one_request(bucket: OneBucket) -> None:
    warm(bucket)

    def refuse(request: StoreRequest) -> None:
        if request == HINT:
            bucket.store.perform(request)
            raise BucketUnusable("no", action="s3:GetObject", resource="arn", code="AccessDenied")

    election = bucket.election(store=InterferingStore(bucket, refuse), long_ledger=True)
    assert costs(bucket, election.campaign) == [HINT, LIST, read(1), (Create, 2)]


def test_warm_candidate_does_not_read_the_hint(bucket: OneBucket) -> None:
    election = bucket.election(long_ledger=True)
    won(election.campaign()).resign("failed")
    assert costs(bucket, election.campaign) == [(Create, 2)]


def test_both_kinds_of_election_take_long_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStore()
    monkeypatch.setattr("s3leader._io.lock_store.lock_store", lambda *_, **__: store)
    options: dict[str, Any] = {"bucket": "locks", "long_ledger": True}
    Election("e", **options).observe()
    asyncio.run(AsyncElection("e", **options).observe())
    assert store.requests == [HINT, LIST, HINT, LIST]


def test_observing_a_long_ledger_costs_hint_list_get(bucket: OneBucket) -> None:
    lengthen(bucket, 1_502, b'{"term": 1500}')
    asked = costs(bucket, bucket.election(long_ledger=True).observe)
    assert asked == [HINT, after(1499), read(1502)]


def test_warm_cost_does_not_grow_with_the_terms_that_others_led(bucket: OneBucket) -> None:
    election = warm(bucket)
    other = bucket.election()
    for _ in range(20):
        won(other.campaign()).resign("resigned")
    asked = costs(bucket, lambda: won(election.campaign(LATER)))
    assert asked == [(Create, 2), read(2), after(2), read(21), (Create, 22)]


def test_term_and_not_elected_count_their_requests(bucket: OneBucket) -> None:
    term = won(bucket.election().campaign())
    beaten = lost(bucket.election().campaign())
    assert (term.requests, beaten.requests) == (4, 2)
    term.renew()
    term.resign()
    assert term.requests == 6
