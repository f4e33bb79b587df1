"""The codec reads what it writes; any other body that cannot be trusted is a `CorruptLock`."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from s3leader._core.lock import MAX_LEASE_MS, Lock, decode_lock
from s3leader.errors import CorruptLock

TERM = 42
KEY = "elections/e/lock_0000000042.json"
KNOWN = set(json.loads(Lock(term=1).encode()))

texts = st.text(st.characters(exclude_categories=()), max_size=30)  # lone surrogates included
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(texts, values, max_size=4)
zones = st.integers(-23 * 60, 23 * 60).map(lambda m: timezone(timedelta(minutes=m)))
EARLIEST, LATEST = (datetime(year, 1, 1) for year in (2, 9998))  # noqa: DTZ001 - Hypothesis adds zones
times = st.datetimes(EARLIEST, LATEST, timezones=zones).map(lambda time: time.astimezone(UTC))
counts = st.integers(0, 10**12)
locks = st.builds(
    Lock,
    term=st.just(TERM),
    expired=st.booleans(),
    nonce=st.none() | texts,
    holder=st.none() | texts,
    lease_ms=st.none() | st.integers(1, MAX_LEASE_MS),
    renewals=counts,
    started_at=st.none() | times,
    ended_at=st.none() | times,
    tick=st.none() | times,
    done=st.none() | times,
    attempt=counts,
    swept=counts,
    outcome=st.none() | texts,
    reason=st.none() | texts,
    state=objects,
    extra=objects.map(lambda it: {k: v for k, v in it.items() if k not in KNOWN}),
)


def decoded(body: bytes | dict[str, Any]) -> Lock:
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return decode_lock(body, key=KEY, term=TERM, etag="E")


def problem(body: bytes | dict[str, Any]) -> str:
    with pytest.raises(CorruptLock) as caught:
        decoded(body)
    return caught.value.problem


@given(locks)
def test_lock_is_read_as_it_was_written_and_written_as_it_was_read(lock: Lock) -> None:
    again = decoded(lock.encode())
    assert (again, again.encode()) == (lock, lock.encode())


@given(st.binary(max_size=200))
@example(b"\xef\xbb\xbf{}")
@example(b"\xff\xfe{\x00}\x00")
@example(b"\x00" * 4)
def test_any_bytes_are_a_lock_or_corrupt(body: bytes) -> None:
    with suppress(CorruptLock):
        assert isinstance(decoded(body), Lock)


@given(st.dictionaries(st.sampled_from(sorted(KNOWN)), values | times.map(str)))
def test_any_values_of_known_keys_are_a_lock_or_corrupt(body: dict[str, Any]) -> None:
    with suppress(CorruptLock):
        assert isinstance(decoded(body), Lock)


@given(locks, texts)
def test_any_unsealed_lock_can_be_sealed_and_read_again(lock: Lock, reason: str) -> None:
    sealed = decoded(lock.encode()).seal(nonce="n", outcome="deposed", reason=reason, ended_at=None)
    assert decoded(sealed.encode()) == sealed


def test_body_is_ascii_in_the_documented_order() -> None:
    body = Lock(term=TERM, holder="Zoë", extra={"theirs": 1}).encode()
    assert body.isascii()
    assert list(json.loads(body)) == [
        "format", "expired", "term", "nonce", "holder", "lease_ms", "renewals", "started_at",
        "ended_at", "tick", "done", "attempt", "attempts", "attempts_dropped", "swept", "proved",
        "leg", "repeat", "repeat_reason", "outcome", "reason", "state", "theirs",
    ]  # fmt: skip


def test_times_are_written_in_utc_with_a_z() -> None:
    tick = datetime(2026, 11, 23, 7, tzinfo=timezone(timedelta(hours=1)))
    assert json.loads(Lock(term=TERM, tick=tick).encode())["tick"] == "2026-11-23T06:00:00Z"


def test_bare_lock_of_the_original_scheme_is_a_lock() -> None:
    assert decoded(b'{"expired": false}') == Lock(term=TERM, renewals=0, attempt=1, swept=0)


def test_of_duplicate_keys_the_last_counts() -> None:
    assert decoded(b'{"expired": false, "expired": true}').sealed


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("format", "1", "number from 1 up"),
        ("format", None, "number from 1 up"),
        ("format", 2, "update s3leader"),
        ("expired", None, "true or false"),
        ("expired", 0, "true or false"),
        ("term", 43, "under the name of term 42"),
        ("term", True, "number from 1 up"),
        ("nonce", 1, "a text"),
        ("lease_ms", 30000.0, "number from 1 up"),
        ("renewals", None, "number from 0 up"),
        ("outcome", {}, "a text"),
        ("leg", 0, "number from 1 up"),
        ("repeat", "yes", "true or false"),
        ("repeat_reason", True, "a text"),
        ("state", None, "a JSON object"),
        ("state", [], "a JSON object"),
        ("attempts", [], "a JSON object"),
        ("started_at", 5, "not an ISO 8601 text"),
        ("ended_at", "yesterday", "not an ISO 8601"),
        ("tick", "2026-11-23T06:00:00", "no time zone"),
        ("done", "0001-01-01T00:00:00+14:00", "out of range"),
        ("tick", "\ud800", "not an ISO 8601"),
    ],
)
def test_wrong_value_is_named_with_its_key(key: str, value: object, says: str) -> None:
    text = problem({key: value})
    assert key in text
    assert says in text


@pytest.mark.parametrize("body", [b"null", b"[]", b'"x"'])
def test_json_that_is_no_object_is_corrupt(body: bytes) -> None:
    assert f"expected a JSON object, got {body.decode()}" in problem(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{'expired': false}",
        b'{"state": {"x": NaN}}',
        b'{"x": -Infinity}',
        b'{"x": "\xff"}',
        b'{"expired": false} {}',
        b'{"x": ' + b"9" * 5_000 + b"}",
        b'{"x": ' + b"[" * 100_000,
        b'{"x": ' + b"[" * 100 + b"]" * 100 + b"}",
    ],
    ids=lambda body: repr(body[:24]),
)
def test_body_that_is_no_json_is_corrupt(body: bytes) -> None:
    assert "JSON" in problem(body)


def test_json_may_be_nested_99_deep_within_a_key() -> None:
    assert list(decoded(b'{"x": ' + b"[" * 99 + b"]" * 99 + b"}").extra) == ["x"]


@pytest.mark.parametrize("number", [b"1e999", b"-1e999"])
def test_number_that_json_cannot_hold_is_corrupt(number: bytes) -> None:
    assert "out of range" in problem(b'{"state": {"x": ' + number + b"}}")


def test_error_carries_what_was_read_and_says_what_to_do() -> None:
    with pytest.raises(CorruptLock, match=r"lock_0000000042\.json.*force=True.*term 43") as caught:
        decoded(b"?")
    error = caught.value
    assert (error.key, error.term, error.etag, error.body) == (KEY, TERM, "E", b"?")
