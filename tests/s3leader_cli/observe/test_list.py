"""`s3leader list` over the memory store."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from s3leader import BucketUnusable
from s3leader._core.requests import Read
from s3leader_cli.observe.find import Found, find_elections
from tests.s3leader_cli.observe.conftest import TICK, Bucket


def names(bucket: Bucket) -> dict[str, str]:
    return {row["election"]: row["state"] for row in bucket.json("list")["elections"]}


def test_each_election_is_shown_with_its_state(bucket: Bucket) -> None:
    bucket.lead("nightly").resign()
    bucket.lead("team/a/hourly")
    bucket.pass_time(40)
    bucket.lead("team/b").resign(outcome="failed")
    bucket.lead("weekly")
    assert names(bucket) == {
        "nightly": "completed", "team/a/hourly": "lapsed", "team/b": "failed", "weekly": "held",
    }  # fmt: skip


def test_a_leader_is_shown_with_term_tick_and_lease(bucket: Bucket) -> None:
    bucket.lead()
    bucket.pass_time(10)
    assert bucket.json("list")["elections"] == [{
        "election": "nightly", "state": "held", "leader": "c1", "term": 1, "tick": TICK,
        "since": "2026-11-23T06:00:01Z", "lease_left_seconds": 20.0, "problem": None,
    }]  # fmt: skip


@pytest.mark.parametrize(("seconds", "shown"), [(10, "20 s"), (30, "0 s"), (75, "ended 45 s ago")])
def test_a_lease_that_has_ended_is_not_shown_as_a_negative_rest(
    bucket: Bucket, seconds: int, shown: str
) -> None:
    bucket.lead()
    bucket.pass_time(seconds)
    _, out, _ = bucket.run("list")
    assert out.splitlines()[1].rstrip().endswith(f"  {shown}")


def test_corrupt_and_unreadable_elections_do_not_hide_the_others(bucket: Bucket) -> None:
    for name in ("a", "b", "c"):
        bucket.lead(name).resign()
    bucket.put(1, "[]", "a")
    bucket.meets["b"] = BucketUnusable("denied", action="s3:GetObject", resource="x", code="403")
    assert names(bucket) == {"a": "corrupt", "b": "unreadable", "c": "completed"}
    code, out, _ = bucket.run("list")
    assert (code, "b: denied" in out, "a: expected a JSON object" in out) == (1, True, True)


def test_an_empty_bucket_says_where_it_looked(bucket: Bucket) -> None:
    code, out, err = bucket.run("list")
    assert (code, out, "under the prefix 'elections/'" in err) == (0, "", True)


def test_objects_that_are_no_locks_are_no_elections(bucket: Bucket) -> None:
    for key in ("a/data.json", "b/lock_1.json", "lock_0000000001.json", "c d/lock_0000000001.json"):
        bucket.store.put(f"elections/{key}", b"{}")
    assert names(bucket) == {}


@pytest.mark.parametrize("page_size", [1, 2, 3, 7, 50])
def test_all_are_found_whatever_a_page_holds(
    make_bucket: Callable[[int], Bucket], page_size: int
) -> None:
    bucket, draw = make_bucket(page_size), random.Random(page_size)  # noqa: S311 - a test
    expected = {}
    for name in ("a", "a/b", "a/n", "b/c/d", "m", "zz/y", *(f"e{n}" for n in range(40))):
        expected[name] = draw.randint(1, 12)
        for term in range(1, expected[name] + 1):
            bucket.put(term, "{}", name)
        bucket.store.put(f"elections/{name}/hint.json", b"{}")
        bucket.store.put(f"elections/{name}/part-7", b"")
    found = find_elections("elections/", bucket.list_keys)
    assert [each.name for each in found] == sorted(expected)
    assert all(each.highest in {None, expected[each.name]} for each in found)


def test_the_locks_of_an_election_are_passed_over(make_bucket: Callable[[int], Bucket]) -> None:
    bucket = make_bucket(10)
    for term in range(1, 500):
        bucket.put(term, "{}", "long")
    bucket.put(3, "{}", "short")
    found = find_elections("elections/", bucket.list_keys)
    assert found == [Found(name="long", highest=None), Found(name="short", highest=3)]
    assert bucket.lists < 10


def test_an_election_of_more_than_a_page_is_read_at_its_highest_term(
    make_bucket: Callable[[int], Bucket],
) -> None:
    bucket = make_bucket(3)
    for term in range(1, 9):
        bucket.put(term, {"expired": True, "outcome": "failed"})
    assert [row["term"] for row in bucket.json("list")["elections"]] == [8]


def test_the_highest_term_is_read_in_one_request(bucket: Bucket) -> None:
    for outcome in ("failed", "resigned", "completed"):
        bucket.lead().resign(outcome=outcome)
    bucket.store.requests.clear()
    [row] = bucket.json("list")["elections"]
    assert (row["term"], row["state"]) == (3, "completed")
    reads = [each.key for each in bucket.store.requests if isinstance(each, Read)]
    assert reads == ["elections/nightly/lock_0000000003.json"]
    assert len(bucket.store.requests) == bucket.lists - 2 + len(reads)  # two were of folders
