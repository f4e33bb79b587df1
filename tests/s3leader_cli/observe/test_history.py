"""`s3leader history` over the memory store: filters, gaps, NDJSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from s3leader._core.requests import List, Read
from s3leader_cli.observe.flat import KEYS
from s3leader_cli.reading import read_terms
from tests.s3leader_cli.observe.conftest import Bucket

FIRST = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
def hours(bucket: Bucket) -> Bucket:
    """Term N began N hours after the first midnight and took 10 minutes; every 7th failed."""
    for term in range(1, 61):
        start = FIRST + timedelta(hours=term)
        bucket.put(term, {
            "expired": True, "holder": f"job-{term % 3}", "tick": start.isoformat(),
            "started_at": start.isoformat(),
            "ended_at": (start + timedelta(minutes=10)).isoformat(),
            "outcome": "completed" if term % 7 else "failed", "state": {"rows": term},
        })  # fmt: skip
    bucket.clock.ms = int((FIRST + timedelta(hours=60, minutes=30)).timestamp() * 1000)
    return bucket


def terms(bucket: Bucket, *words: str) -> list[int]:
    return [lock["term"] for lock in bucket.json("history", "nightly", *words)["terms"]]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), [*range(60, 40, -1)]),
        (("--limit", "3"), [60, 59, 58]),
        (("--since", "2h"), [60, 59]),
        (("--since", "2.4h"), [60, 59, 58]),
        (("--since", "2026-11-22T10:10:00Z"), [60, 59, 58]),
        (("--since", "2026-11-22T10:10:01"), [60, 59]),
        (("--until", "2026-11-20T02:00:00Z"), [2, 1]),
        (("--since", "2026-11-20T03:00:00Z", "--until", "2026-11-20T04:00:00+00:00"), [4, 3]),
        (("--tick", "2026-11-20T05:00:00Z"), [5]),
        (("--outcome", "failed"), [56, 49, 42, 35, 28, 21, 14, 7]),
        (("--outcome", "failed", "--outcome", "held", "--limit", "1"), [56]),
        (("--holder", "b-1", "--limit", "2"), [58, 55]),
        (("--holder", "*-1", "--limit", "2"), [58, 55]),
        (("--holder", "-?", "--all"), []),
        (("--since", "3h", "--outcome", "failed"), []),
    ],
)
def test_filters_choose_terms(hours: Bucket, words: tuple[str, ...], expected: list[int]) -> None:
    assert terms(hours, *words) == expected


def test_all_terms_are_in_order(hours: Bucket) -> None:
    assert terms(hours, "--all") == [*range(60, 0, -1)]


def test_in_the_table_a_term_started_on_a_day_and_not_only_at_a_time(hours: Bucket) -> None:
    """`status` shows the same times in the same form."""
    _, out, _ = hours.run("history", "nightly", "--limit", "1")
    assert out.count("2026-11-22 12:00:00Z") == len(("tick", "started"))


def test_deleted_locks_are_a_gap_and_not_the_end(hours: Bucket) -> None:
    for term in range(5, 58):
        hours.store.delete(f"elections/nightly/lock_{term:010d}.json")
    assert terms(hours, "--limit", "5") == [60, 59, 58, 4, 3]


def test_a_limit_reads_no_more_than_it_shows(hours: Bucket) -> None:
    hours.store.requests.clear()
    terms(hours, "--limit", "5")
    assert [type(each) for each in hours.store.requests] == [List, *[Read] * 5]


def test_reading_ends_soon_after_since_is_passed(bucket: Bucket) -> None:
    for term in range(1, 3001):
        at = (FIRST + timedelta(hours=term)).isoformat()
        bucket.put(term, {"expired": True, "started_at": at, "ended_at": at})
    since = (FIRST + timedelta(hours=2990)).isoformat()
    bucket.store.requests.clear()
    assert len(terms(bucket, "--since", since)) == 11
    assert len(bucket.store.requests) < 500


def test_what_a_reader_does_not_take_is_not_read(hours: Bucket) -> None:
    election = hours.election()
    hours.store.requests.clear()
    read = read_terms(election, range(1, 61), wanted=7)
    assert [next(read).term for _ in range(7)] == [60, 59, 58, 57, 56, 55, 54]
    read.close()
    assert len(hours.store.requests) == 10


def test_a_line_of_ndjson_has_the_documented_keys(hours: Bucket) -> None:
    hours.put(61, "[]")
    _, out, _ = hours.run("history", "nightly", "--ndjson", "--limit", "2")
    corrupt, flat = map(json.loads, out.splitlines())
    assert tuple(flat) == tuple(corrupt) == KEYS
    assert (corrupt["outcome"], flat["seconds"], flat["state"]) == (
        "corrupt",
        600.0,
        '{"rows": 60}',
    )
    assert all(value is None or isinstance(value, str | int | float) for value in flat.values())


def test_duckdb_reads_the_lines(hours: Bucket, tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb", reason="duckdb has no wheel for this platform")
    hours.put(61, "[]")
    lines = tmp_path / "terms.ndjson"
    lines.write_text(hours.run("history", "nightly", "--ndjson", "--all")[1])
    query = "select outcome, count(*), sum(seconds), max(started_at) from read_json(?) group by 1"
    rows = {row[0]: row[1:] for row in duckdb.execute(query, [str(lines)]).fetchall()}
    assert rows["failed"] == (8, 4800.0, datetime(2026, 11, 22, 8, tzinfo=UTC))
    assert rows["corrupt"] == (1, None, None)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--since", "yesterday"), "how long ago it was, such as 90m, 2h or 3d, got 'yesterday'"),
        (("--tick", "2h"), "expected a time such as 2026-11-23T06:00:00Z, got '2h'"),
        (("--outcome", "won"), "'won' is not one of"),
        (("--all", "--limit", "3"), "expected --limit or --all, got both"),
    ],
)
def test_bad_filters_are_usage_errors(bucket: Bucket, words: tuple[str, ...], says: str) -> None:
    code, _, err = bucket.run("history", "nightly", *words)
    assert (code, says in " ".join(err.split())) == (2, True)


def test_a_filter_that_nothing_matches_says_what_there_is(hours: Bucket) -> None:
    code, out, _ = hours.run("history", "nightly", "--holder", "nobody")
    assert (code, out) == (0, "No term of nightly matches; it has terms 1 to 60.\n")


def test_a_mistyped_name_prints_no_line_and_exits_with_code_3(bucket: Bucket) -> None:
    code, out, err = bucket.run("history", "nightli", "--ndjson")
    assert (code, out, "is the name right?" in err) == (3, "", True)
