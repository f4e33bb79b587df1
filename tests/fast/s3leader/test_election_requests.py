"""What an election costs: each row of the table in DESIGN, as the exact list of requests."""

from __future__ import annotations

import pytest

from s3leader import Election
from s3leader._core.lock import Lock
from s3leader._core.requests import Create, List, Read, Replace, StoreRequest
from tests.fast.s3leader.one_bucket import (
    FOLDER,
    LAPSE,
    LATER,
    LIST,
    TICK,
    Meddled,
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


def warm(bucket: OneBucket) -> Election:
    """A candidate that led term 1 and remembers that it is sealed."""
    election = bucket.election()
    won(election.campaign()).resign("failed")
    bucket.forget_requests()
    return election


def test_win_warm_costs_one_put(bucket: OneBucket) -> None:
    won(warm(bucket).campaign())
    assert bucket.asked() == [(Create, 2)]


def test_afterwards_cost_one_tag_and_one_put(bucket: OneBucket) -> None:
    term = won(warm(bucket).campaign())
    bucket.forget_requests()
    term.resign()
    assert bucket.asked() == [tag(1), (Replace, 2)]


def test_win_cold_costs_list_get_put(bucket: OneBucket) -> None:
    warm(bucket)
    won(bucket.election().campaign())
    assert bucket.asked() == [LIST, read(1), (Create, 2)]


def test_first_win_ever_costs_list_put_and_the_two_probes(bucket: OneBucket) -> None:
    won(bucket.election().campaign())
    assert bucket.asked() == [LIST, (Create, 1), (Create, 1), (Replace, 1)]


def test_store_is_proved_again_until_a_leader_has_ended_a_term(bucket: OneBucket) -> None:
    won(bucket.election().campaign())
    bucket.pass_time(LAPSE)  # it dies before its next write
    won(bucket.election().campaign()).resign("resigned")
    bucket.forget_requests()
    won(bucket.election().campaign())
    assert bucket.asked() == [LIST, read(2), (Create, 3)]


def test_first_term_has_nothing_to_tag_afterwards(bucket: OneBucket) -> None:
    term = won(bucket.election().campaign())
    bucket.forget_requests()
    term.resign()
    assert bucket.asked() == [(Replace, 1)]


def test_taking_over_costs_one_put_more(bucket: OneBucket) -> None:
    won(warm(bucket).campaign(TICK))
    bucket.pass_time(LAPSE)
    won(bucket.election().campaign(LATER)).resign()
    won(bucket.election().campaign())
    bucket.pass_time(LAPSE)
    bucket.forget_requests()
    won(bucket.election().campaign())
    assert bucket.asked() == [LIST, read(4), (Replace, 4), (Create, 5)]


def test_taking_over_from_a_first_leader_that_crashed_costs_the_probes_too(
    bucket: OneBucket,
) -> None:
    won(bucket.election().campaign())
    bucket.pass_time(LAPSE)
    bucket.forget_requests()
    won(bucket.election().campaign())
    probes = [(Create, 2), (Replace, 2)]
    assert bucket.asked() == [LIST, read(1), (Replace, 1), (Create, 2), *probes]


def test_taking_over_costs_the_same_afterwards(bucket: OneBucket) -> None:
    won(bucket.election().campaign())
    bucket.pass_time(LAPSE)
    term = won(bucket.election().campaign())
    bucket.forget_requests()
    term.resign()
    assert bucket.asked() == [tag(1), (Replace, 2)]


def test_lose_cold_costs_list_get(bucket: OneBucket) -> None:
    won(bucket.election().campaign())
    bucket.forget_requests()
    lost(bucket.election().campaign())
    assert bucket.asked() == [LIST, read(1)]


def test_lose_warm_to_a_new_holder_costs_put_get(bucket: OneBucket) -> None:
    election = warm(bucket)
    won(bucket.election().campaign())
    bucket.forget_requests()
    lost(election.campaign())
    assert bucket.asked() == [(Create, 2), read(2)]


def test_lose_cold_in_a_race_costs_list_get_put_get(bucket: OneBucket) -> None:
    warm(bucket)

    def faster(request: StoreRequest) -> None:
        if isinstance(request, Create):
            bucket.store.perform(Create(request.key, Lock(term=2, nonce="rival").encode()))

    slower = bucket.election(store=Meddled(bucket, faster))
    assert lost(slower.campaign()).reason == "beaten"
    asked = [request for request in bucket.asked() if request != (Create, 2)]
    assert asked == [LIST, read(1), read(2)]


def test_lose_warm_to_a_known_holder_costs_list_get(bucket: OneBucket) -> None:
    won(bucket.election().campaign())
    election = bucket.election()
    lost(election.campaign())
    bucket.forget_requests()
    lost(election.campaign())
    assert bucket.asked() == [after(1), read(1)]


def test_losing_costs_nothing_afterwards(bucket: OneBucket) -> None:
    term = won(bucket.election().campaign())
    lost(bucket.election().campaign())
    bucket.forget_requests()
    assert (bucket.asked(), term.held) == ([], True)


def test_tick_known_to_be_done_costs_nothing(bucket: OneBucket) -> None:
    election = bucket.election()
    won(election.campaign(TICK)).resign()
    bucket.forget_requests()
    assert lost(election.campaign(TICK)).reason == "done"
    assert bucket.asked() == []


def test_tick_found_done_by_a_cold_candidate_costs_list_get(bucket: OneBucket) -> None:
    won(bucket.election().campaign(TICK)).resign()
    bucket.forget_requests()
    assert lost(bucket.election().campaign(TICK)).reason == "done"
    assert bucket.asked() == [LIST, read(1)]


def test_renewing_and_saving_cost_one_put_each(bucket: OneBucket) -> None:
    term = won(bucket.election().campaign())
    bucket.forget_requests()
    term.renew()
    term.save({"a": 1})
    assert bucket.asked() == [(Replace, 1), (Replace, 1)]


def test_held_and_ensure_held_cost_nothing(bucket: OneBucket) -> None:
    term = won(bucket.election().campaign())
    bucket.forget_requests()
    term.ensure_held()
    term.remaining()
    assert (bucket.asked(), term.held) == ([], True)


def test_observing_costs_list_get(bucket: OneBucket) -> None:
    won(bucket.election().campaign())
    bucket.forget_requests()
    bucket.election().observe()
    assert bucket.asked() == [LIST, read(1)]


def test_cold_start_on_a_long_ledger_costs_two_more(bucket: OneBucket) -> None:
    for term in range(1, 2_203):
        bucket.store.perform(Create(f"{FOLDER}lock_{term:010d}.json", sealed(term)))
    bucket.store.perform(Create(FOLDER + "hint.json", b'{"term": 2000}'))
    bucket.forget_requests()
    won(bucket.election().campaign())
    hint = Read(FOLDER + "hint.json")
    assert bucket.asked() == [LIST, hint, after(1999), read(2202), (Create, 2203)]


def sealed(term: int) -> bytes:
    return Lock(term=term, expired=True, nonce=f"n{term}", proved=True).encode()


def test_warm_cost_does_not_grow_with_the_terms_that_others_led(bucket: OneBucket) -> None:
    election = warm(bucket)
    other = bucket.election()
    for _ in range(20):
        won(other.campaign()).resign("resigned")
    bucket.forget_requests()
    won(election.campaign())
    news: list[object] = [(Create, 2), read(2), after(2), read(21), (Create, 22)]
    assert bucket.asked() == news


def test_term_and_not_elected_count_their_requests(bucket: OneBucket) -> None:
    term = won(bucket.election().campaign())
    beaten = lost(bucket.election().campaign())
    assert (term.requests, beaten.requests) == (4, 2)
    term.renew()
    term.resign()
    assert term.requests == 6


def test_election_sends_nothing_until_a_method_is_called(bucket: OneBucket) -> None:
    bucket.election()
    assert bucket.asked() == []


def test_every_lock_is_under_the_elections_prefix(bucket: OneBucket) -> None:
    won(bucket.election(prefix="a/b/").campaign(LATER))
    assert bucket.store.requests[0] == List("a/b/e/lock_")
    assert bucket.store.keys() == ("a/b/e/lock_0000000001.json",)
