"""Regressions in requests: what each case of `scripts/bench` sends, as a server counts it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest

from s3leader_bench.bench import Bench
from s3leader_bench.prices import Prices
from s3leader_bench.rounds import measure
from s3leader_bench.sections.cases import Cases, first_win
from s3leader_bench.sections.contenders import race
from s3leader_bench.sections.standby import Watch
from s3leader_bench.stub.process import Stub

SHORT, LONG = 10, 10**6
WIN = {"LIST": 1, "GET": 1, "PUT": 1}
# With and without a page of a thousand keys and the hint object, or with the hint alone.
EXPECTED = {
    ("win, warm", SHORT): {"PUT": 1},
    ("win, warm", LONG): {"PUT": 1},
    ("win, cold", SHORT): WIN,
    ("win, cold", LONG): {"LIST": 2, "GET": 2, "PUT": 1},
    ("win, cold, `long_ledger`", SHORT): {"LIST": 1, "GET": 2, "PUT": 1},
    ("win, cold, `long_ledger`", LONG): {"LIST": 1, "GET": 2, "PUT": 1},
    ("lose, cold, `long_ledger`", LONG): {"LIST": 1, "GET": 2},
    ("lose, warm", SHORT): {"PUT": 1, "GET": 1},
    ("lose, cold", SHORT): {"LIST": 1, "GET": 1},
    ("lose, cold", LONG): {"LIST": 2, "GET": 2},
    ("take over, cold", SHORT): {"LIST": 1, "GET": 1, "PUT": 2},
    ("resign", SHORT): {"tag": 1, "PUT": 1},
    ("resign", LONG): {"tag": 1, "PUT": 1},
    ("renew", SHORT): {"PUT": 1},
}


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with Stub() as stub, pytest.MonkeyPatch.context() as patch:
        for name, value in stub.env.items():
            patch.setenv(name, value)
        yield Bench(stub)


@pytest.mark.parametrize(("case", "terms"), EXPECTED, ids=str)
def test_a_case_sends_no_more_than_before(bench: Bench, case: str, terms: int) -> None:
    cases = Cases(bench, terms)
    prepare = (cases.all() | cases.hint_first())[case]
    assert measure(prepare, bench.stub.counts, 1).requests == EXPECTED[case, terms]


def test_a_first_win_sends_the_proofs_too(bench: Bench) -> None:
    sent = measure(first_win(bench), bench.stub.counts, 1).requests
    assert sent == {"LIST": 1, "PUT": 3}


def test_a_term_after_a_takeover_tags_the_dead_leaders_lock_and_the_one_before(
    bench: Bench,
) -> None:
    sent = measure(Cases(bench, SHORT).take_over_and_resign, bench.stub.counts, 1).requests
    assert sent == {"LIST": 1, "GET": 1, "PUT": 3, "tag": 2}


def test_a_standby_reads_once_for_each_pause(bench: Bench) -> None:
    sent = measure(Cases(bench, SHORT).standby, bench.stub.counts, 1).requests
    assert sent["LIST"] == 1
    assert sent["GET"] <= 42


def test_warm_losers_of_a_race_send_two_requests(bench: Bench) -> None:
    winner, losers, counted = race(bench, 8, warm=True)
    assert winner == 1
    assert set(losers) == {2}
    assert counted == Counter(PUT=8, GET=7)


def test_cold_losers_of_a_race_send_at_most_four_requests(bench: Bench) -> None:
    winner, losers, _ = race(bench, 8, warm=False)
    assert winner == 3
    assert max(losers) <= 4


def test_a_warm_term_costs_fifteen_dollars_a_million() -> None:
    assert Prices().dollars({"PUT": 2, "tag": 1}) * 1e6 == pytest.approx(15)


@pytest.mark.parametrize(("lease_s", "gets"), [(5, 3_600_000), (30, 1_800_000), (900, 1_800_000)])
def test_a_standby_sends_so_many_gets_a_month_and_nothing_else(lease_s: int, gets: int) -> None:
    assert Watch(timedelta(seconds=lease_s), None).gets_of_a_month() <= gets


def test_a_dead_leader_is_succeeded_soon_after_its_lapse_however_seldom_one_polls() -> None:
    watch = Watch(timedelta(seconds=30), timedelta(seconds=30))
    assert max(watch.seconds_after_crash() for _ in range(20)) <= 1.5  # virtual seconds
