"""The model of costs is held to what elections send: each case, and whole campaigns."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from s3leader import Election, Term
from s3leader._core.config import usual_poll_ms
from s3leader._core.lock import Lock
from s3leader._core.requests import Create, List, Read, StoreRequest, Tag
from s3leader_cli.check.cost import requests as costs
from s3leader_cli.check.cost.model import Plan, requests_by_purpose
from s3leader_cli.check.cost.requests import Requests
from tests.fast.s3leader.one_bucket import (
    FOLDER,
    LAPSE,
    TICK,
    InterferingStore,
    OneBucket,
    key,
    lost,
    won,
)

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def bucket() -> OneBucket:
    """A bucket in which a leader has ended the first term."""
    bucket = OneBucket()
    bucket.prove_store()
    return bucket


def sent(bucket: OneBucket, *calls: Callable[[], object]) -> Requests:
    """Count the requests of the calls."""
    bucket.forget_requests()
    for call in calls:
        call()
    kinds = [type(request) for request in bucket.store.requests]
    lists, gets, tags = kinds.count(List), kinds.count(Read), kinds.count(Tag)
    return Requests(lists=lists, gets=gets, tags=tags, puts=len(kinds) - lists - gets - tags)


def warm(bucket: OneBucket) -> Election:
    election = bucket.election()
    won(election.campaign()).resign("failed")
    return election


def race(bucket: OneBucket, contenders: int, tick: object = None) -> list[Term]:
    """Let cold contenders look at once: each of them but the last is beaten by the next one."""
    terms: list[Term] = []

    def contend(left: int) -> None:
        def before(request: StoreRequest) -> None:
            nonlocal left
            if isinstance(request, Create) and left > 1:
                contend(left - 1)
                left = 1

        store = InterferingStore(bucket, before)
        result = bucket.election(store=store).campaign(tick)  # type: ignore[arg-type]
        terms.extend([result] if isinstance(result, Term) else [])

    contend(contenders)
    return terms


def test_a_win() -> None:
    for make, cost in ((OneBucket.election, costs.WIN_COLD), (warm, costs.WIN_WARM)):
        bucket = OneBucket()
        bucket.prove_store()
        election = make(bucket)
        assert sent(bucket, election.campaign) == cost


def test_a_resignation_and_a_continuation(bucket: OneBucket) -> None:
    assert sent(bucket, won(warm(bucket).campaign()).resign) == costs.RESIGN
    assert sent(bucket, won(warm(bucket).campaign(TICK)).continue_later) == costs.RESIGN


def test_a_renewal_and_a_checkpoint(bucket: OneBucket) -> None:
    term = won(bucket.election().campaign())
    assert sent(bucket, term.renew) == costs.RENEW
    assert sent(bucket, lambda: term.save({"after": 1})) == costs.RENEW


def test_a_loss(bucket: OneBucket) -> None:
    election = warm(bucket)
    won(bucket.election().campaign())
    assert sent(bucket, lambda: lost(election.campaign())) == costs.LOSE_WARM


def test_a_loss_in_a_race(bucket: OneBucket) -> None:
    both = sent(bucket, lambda: race(bucket, 2))
    assert both == costs.LOSE_COLD + costs.WIN_COLD


def test_a_takeover(bucket: OneBucket) -> None:
    won(bucket.election().campaign())
    bucket.pass_time(LAPSE)
    assert sent(bucket, bucket.election().campaign) == costs.TAKE_OVER + costs.WIN_COLD


def fill(bucket: OneBucket, locks: int) -> None:
    for term in range(2, locks + 1):
        sealed = Lock(term=term, expired=True, nonce=f"n{term}", proved=True, swept=term - 1)
        bucket.store.put(key(term), sealed.encode())


def test_a_cold_start_on_a_long_ledger(bucket: OneBucket) -> None:
    fill(bucket, 1400)
    bucket.store.put(FOLDER + "hint.json", b'{"term": 1000}')
    expecting = bucket.election(long_ledger=True)
    assert sent(bucket, expecting.campaign) == costs.win(warm=False, kept=1400)


def test_a_cold_start_on_a_short_one(bucket: OneBucket) -> None:
    fill(bucket, costs.LONG_LEDGER)
    found = sent(bucket, bucket.election().campaign)
    assert found == costs.win(warm=False, kept=costs.LONG_LEDGER)


def test_a_hint(bucket: OneBucket) -> None:
    fill(bucket, costs.HINT_EVERY - 1)
    bucket.store.put(FOLDER + "hint.json", b'{"term": 1}')
    term = won(bucket.election().campaign())
    assert sent(bucket, term.resign) == costs.RESIGN + costs.HINT


def test_a_standby_looks_as_often_as_the_default_says(bucket: OneBucket) -> None:
    """Pauses are drawn from half of a poll to all of it; here all are as long as they may be."""
    leader = won(bucket.election(lease=HOUR).campaign())
    looks = sent(bucket, lambda: bucket.election().campaign(wait=timedelta(minutes=10))).gets
    assert looks == 300 + 1  # and the first
    assert set(bucket.slept) == {Plan(ticks=None).pause / 0.75}
    leader.resign()


@pytest.mark.parametrize("lease_s", [1, 2, 5, 9, 10, 30, 900])
def test_a_standby_looks_as_often_as_its_lease_says(lease_s: int) -> None:
    poll_ms = usual_poll_ms(lease_s * 1000)
    assert Plan(ticks=None, lease=lease_s).pause == pytest.approx(0.75 * poll_ms / 1000)


def of_a_few_ticks(**facts: float) -> Plan:
    """Ticks that are too few for hints and for long lists, which have tests of their own."""
    return Plan(ticks=8, **facts)  # type: ignore[arg-type]


def without_hints(plan: Plan) -> Requests:
    found = requests_by_purpose(plan)
    del found["hints"]
    return sum(found.values(), Requests())


@pytest.mark.parametrize("contenders", [1, 2, 5])
def test_a_schedule_costs_what_its_contenders_send(bucket: OneBucket, contenders: int) -> None:
    def ticks() -> None:
        for minute in range(8):
            [term] = race(bucket, contenders, TICK + minute * MINUTE)
            term.resign()
            bucket.pass_time(MINUTE)

    assert sent(bucket, ticks) == without_hints(of_a_few_ticks(contenders=contenders))


def test_a_lone_warm_contender_costs_three_requests_a_tick(bucket: OneBucket) -> None:
    election = warm(bucket)

    def ticks() -> None:
        for minute in range(8):
            won(election.campaign(TICK + minute * MINUTE)).resign()

    assert sent(bucket, ticks) == without_hints(of_a_few_ticks(contenders=1, warm=1))


def test_legs_renewals_and_checkpoints_cost_what_they_send(bucket: OneBucket) -> None:
    """25 s of work in two terms, a lease of 12 s: three renewals in each."""

    def complete(term: Term) -> None:
        term.save({"done": 1})
        term.resign()

    def ticks() -> None:
        for minute in range(8):
            for end in (Term.continue_later, complete):
                term = won(bucket.election().campaign(TICK + minute * MINUTE))
                for _ in range(3):
                    term.renew()
                end(term)

    plan = of_a_few_ticks(contenders=1, legs=2, duration=25, lease=12, checkpoints=1)
    assert sent(bucket, ticks) == without_hints(plan)


def test_leaders_that_die_cost_a_takeover_and_another_term(bucket: OneBucket) -> None:
    """Each tick's first leader dies, so half of the terms fail."""

    def ticks() -> None:
        for minute in range(8):
            won(bucket.election().campaign(TICK + minute * MINUTE))
            bucket.pass_time(LAPSE)
            won(bucket.election().campaign(TICK + minute * MINUTE)).resign()

    found = sent(bucket, ticks)
    assert found == without_hints(of_a_few_ticks(contenders=1, failures=0.5))


def test_a_lock_is_as_long_as_the_model_says(bucket: OneBucket) -> None:
    from s3leader_cli.check.cost import model  # noqa: PLC0415

    holder = "billing-nightly-function/3f2a9c41-7a55-4d27-9d3c-7f3b0a1c9b11/9f4c1a2b"
    term = won(bucket.election(candidate=holder).campaign(TICK))
    term.resign()
    size = len(bucket.store.body(key(term.number)))
    assert 0.6 * model._LOCK_BYTES < size < model._LOCK_BYTES
