"""What an election may be called and made with; each error repeats the value it refuses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3leader._core.config import Config, check_name, check_tick, check_wait, usual_poll_ms
from s3leader.errors import InvalidArgument, S3LeaderError

GOOD: dict[str, Any] = {"name": "nightly", "candidate": "me"}
A_DAY = timedelta(days=1)


def config(**other: Any) -> Config:
    return Config(**{**GOOD, **other})


@pytest.mark.parametrize(
    ("prefix", "name"),
    [("", "nightly"), ("a/b/", "c/d"), ("A.b_9-/", "x" * 100), ("p" * 99 + "/", "locks/...")],
)
def test_folder_is_prefix_name_and_a_slash(prefix: str, name: str) -> None:
    assert config(prefix=prefix, name=name).folder == f"{prefix}{name}/"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("name", name) for name in ("", "/", "a/", "/a", "a//b", ".", "a/../b", "a\n")],
        *[("name", name) for name in ("x" * 101, "lock_0000000001.json", "a/lock_")],
        *[("prefix", prefix) for prefix in ("/", "a", "a/b", "/a/", "a//", "./", "lock_/")],
        ("lease", timedelta(milliseconds=999)),
        ("lease", A_DAY + timedelta(milliseconds=1)),
        ("lease", timedelta(seconds=-30)),
        ("clock_skew", timedelta(milliseconds=999)),
        ("clock_skew", 2 * A_DAY),
        ("poll", timedelta(milliseconds=99)),
        ("poll", A_DAY + timedelta(milliseconds=1)),
        ("max_attempts", 0),
        ("max_attempts", -1),
        ("long_ledger", "true"),
        ("long_ledger", 1),
        ("long_ledger", None),
        *[(field, value) for field in ("name", "prefix", "candidate") for value in (None, 5)],
        ("candidate", ""),
        ("candidate", "x" * 201),
        ("candidate", "two\nlines"),
    ],
)
def test_invalid_value_is_refused_and_repeated(field: str, value: object) -> None:
    with pytest.raises(InvalidArgument) as caught:
        config(**{field: value})
    assert field in str(caught.value)
    assert (repr(value) if isinstance(value, str) else str(value)) in str(caught.value)


@pytest.mark.parametrize(
    ("given", "expected"), [(None, 2000), (timedelta(seconds=0.1), 100), (A_DAY, 86_400_000)]
)
def test_poll_is_taken_as_given_or_follows_from_the_lease(
    given: timedelta | None, expected: int
) -> None:
    assert config(poll=given).candidate_config(str).poll_ms == expected


@pytest.mark.parametrize(
    ("lease_s", "poll_ms"), [(1, 250), (2, 400), (5, 1000), (10, 2000), (30, 2000), (900, 2000)]
)
def test_the_usual_poll_is_a_fifth_of_the_lease_within_limits(lease_s: int, poll_ms: int) -> None:
    assert usual_poll_ms(lease_s * 1000) == poll_ms


@given(st.text(max_size=5))
def test_name_with_any_other_character_is_refused(text: str) -> None:
    if all(letter.isascii() and (letter.isalnum() or letter in "._-/") for letter in text):
        return
    with pytest.raises(InvalidArgument):
        check_name(text)


def test_folder_that_leaves_no_room_in_a_key_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="901 characters"):
        config(prefix="p" * 100 + "/", name="/".join(["x" * 99] * 8))


@pytest.mark.parametrize(
    "tick",
    [
        "2026-11-23T06:00:00Z",
        "2026-11-23T06:00Z",
        "2026-11-22T20:30:00-09:30",
        datetime(2026, 11, 23, 6, tzinfo=UTC),
        datetime(2026, 11, 23, 11, 45, tzinfo=timezone(timedelta(hours=5, minutes=45))),
    ],
    ids=str,
)
def test_tick_is_kept_in_utc(tick: str | datetime) -> None:
    kept = check_tick(tick)
    assert kept == datetime(2026, 11, 23, 6, tzinfo=UTC)
    assert kept.tzinfo is UTC


def test_no_tick_is_no_tick() -> None:
    assert check_tick(None) is None


def test_tick_keeps_its_microseconds() -> None:
    kept = check_tick("2026-11-23T06:00:00.000001Z")
    assert kept == datetime(2026, 11, 23, 6, microsecond=1, tzinfo=UTC)


@pytest.mark.parametrize(
    "tick",
    [
        "",
        "2026-11-23",
        "2026-11-23T06:00:00",
        "2026-13-23T06:00:00Z",
        "1795413600",
        "0001-01-01T00:00:00+01:00",
        "<aws.scheduler.scheduled-time>",
        datetime(2026, 11, 23, 6),  # noqa: DTZ001 - that is what is refused
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-1))),
        5.0,
        b"2026-11-23T06:00:00Z",
        False,
    ],
    ids=str,
)
def test_invalid_tick_is_refused_and_repeated(tick: Any) -> None:
    with pytest.raises(InvalidArgument) as caught:
        check_tick(tick)
    assert f"tick is {tick!r}" in str(caught.value)


def test_negative_wait_is_refused_and_repeated() -> None:
    with pytest.raises(InvalidArgument, match="-1 day, 23:59:59"):
        check_wait(timedelta(seconds=-1))


def test_wait_is_counted_in_milliseconds() -> None:
    assert check_wait(timedelta(seconds=1, microseconds=1_999)) == 1_001


def test_refusals_are_value_errors_and_s3leaders_own() -> None:
    assert issubclass(InvalidArgument, ValueError)
    assert issubclass(InvalidArgument, S3LeaderError)


@pytest.mark.parametrize("lease_s", [1, 24 * 60 * 60])
def test_candidate_config_has_what_the_configuration_says(lease_s: int) -> None:
    whole = config(lease=timedelta(seconds=lease_s), max_attempts=3)
    made = whole.candidate_config(lambda: "n")
    facts = (made.folder, made.candidate, made.lease_ms, made.clock_skew_ms, made.max_attempts)
    assert facts == ("elections/nightly/", "me", lease_s * 1000, 3_000, 3)
    assert made.key(42) == "elections/nightly/lock_0000000042.json"
