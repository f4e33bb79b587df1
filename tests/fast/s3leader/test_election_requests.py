"""What an election costs: each row of the table in DESIGN, as the exact list of requests."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from s3leader import Election
from s3leader._core.lock import Lock
from s3leader._core.requests import Create, Read, Replace, StoreRequest
from tests.fast.s3leader.one_bucket import (
    FOLDER,
    LAPSE,
    LATER,
    LIST,
    TICK,
    InterferingStore,
    OneBucket,
    after,
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


def test_cold_start_on_a_long_ledger_costs_two_more(bucket: OneBucket) -> None:
    for term in range(1, 2_203):
        sealed = Lock(term=term, expired=True, nonce=f"n{term}", proved=True)
        bucket.store.put(f"{FOLDER}lock_{term:010d}.json", sealed.encode())
    bucket.store.put(FOLDER + "hint.json", b'{"term": 2000}')
    hint = Read(FOLDER + "hint.json")
    asked = costs(bucket, bucket.election().campaign)
    assert asked == [LIST, hint, after(1999), read(2202), (Create, 2203)]


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
