"""What an election may be called and made with; each error repeats the value it refuses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3leader._core.config import Config, check_name, check_prefix, check_tick, check_wait
from s3leader.errors import InvalidArgument, S3LeaderError

GOOD: dict[str, Any] = {
    "name": "nightly",
    "prefix": "elections/",
    "lease": timedelta(seconds=30),
    "clock_skew": timedelta(seconds=3),
    "max_attempts": None,
    "candidate": "me",
}
letters = st.sampled_from("ABCxyz019._-")
segments = (
    st.text(letters, min_size=1, max_size=100)
    .filter(lambda s: s not in {".", ".."})
    .filter(lambda s: not s.startswith("lock_"))
)


def config(**other: Any) -> Config:
    return Config(**{**GOOD, **other})


# ------------------------------------------------------------------------------------- names


@given(st.lists(segments, min_size=1, max_size=4))
def test_good_segments_make_a_good_name(parts: list[str]) -> None:
    check_name("/".join(parts))


@given(st.lists(segments, max_size=4))
def test_good_segments_make_a_good_prefix(parts: list[str]) -> None:
    check_prefix("".join(f"{part}/" for part in parts))


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "a/",
        "/a",
        "a//b",
        ".",
        "..",
        "a/../b",
        "a b",
        "a\n",
        "naïve",
        "a*",
        "a%2F",
        "x" * 101,
        "lock_0000000001.json",
        "a/lock_",
    ],
)
def test_bad_name_is_refused_and_repeated(name: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        config(name=name)
    assert repr(name) in str(caught.value)


@given(st.text(max_size=5))
def test_name_with_any_other_character_is_refused(text: str) -> None:
    if all(letter.isascii() and (letter.isalnum() or letter in "._-/") for letter in text):
        return
    with pytest.raises(InvalidArgument):
        check_name(text)


@pytest.mark.parametrize("prefix", ["/", "a", "a/b", "/a/", "a//", "a b/", "./", "lock_/"])
def test_bad_prefix_is_refused_and_repeated(prefix: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        config(prefix=prefix)
    assert repr(prefix) in str(caught.value)


def test_prefix_may_be_empty() -> None:
    assert config(prefix="").folder == "nightly/"


def test_folder_is_prefix_and_name_and_a_slash() -> None:
    assert config(prefix="a/b/", name="c/d").folder == "a/b/c/d/"


def test_folder_that_leaves_no_room_in_a_key_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="901 characters"):
        config(prefix="p" * 100 + "/", name="/".join(["x" * 99] * 8))


# ------------------------------------------------------------------------------------- ticks


@pytest.mark.parametrize(
    "tick",
    [
        "2026-11-23T06:00:00Z",
        "2026-11-23T06:00Z",
        "2026-11-23T07:00:00+01:00",
        "2026-11-22T20:30:00-09:30",
        datetime(2026, 11, 23, 6, tzinfo=UTC),
        datetime(2026, 11, 23, 11, 45, tzinfo=timezone(timedelta(hours=5, minutes=45))),
    ],
    ids=str,
)
def test_tick_is_kept_in_utc(tick: str | datetime) -> None:
    kept = check_tick(tick)
    assert kept == datetime(2026, 11, 23, 6, tzinfo=UTC)
    assert kept is not None
    assert kept.tzinfo is UTC


def test_no_tick_is_no_tick() -> None:
    assert check_tick(None) is None


@pytest.mark.parametrize(
    "tick",
    [
        "",
        "today",
        "2026-11-23",
        "2026-11-23T06:00:00",
        "2026-13-23T06:00:00Z",
        "1795413600",
        "0001-01-01T00:00:00+01:00",
        "<aws.scheduler.scheduled-time>",
        datetime(2026, 11, 23, 6),  # noqa: DTZ001 - that is what is refused
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-1))),
    ],
    ids=str,
)
def test_bad_tick_is_refused_and_repeated(tick: str | datetime) -> None:
    with pytest.raises(InvalidArgument) as caught:
        check_tick(tick)
    assert repr(tick) in str(caught.value)


@pytest.mark.parametrize("tick", [5, 5.0, b"2026-11-23T06:00:00Z", ["x"], False])
def test_tick_of_another_type_is_refused(tick: Any) -> None:
    with pytest.raises(InvalidArgument, match="tick is"):
        check_tick(tick)


def test_tick_keeps_its_microseconds() -> None:
    kept = check_tick("2026-11-23T06:00:00.000001Z")
    assert kept is not None
    assert kept.microsecond == 1


# --------------------------------------------------------------------------------- durations


@pytest.mark.parametrize("seconds", [1, 30, 24 * 3600])
def test_lease_from_a_second_to_a_day_is_good(seconds: int) -> None:
    assert config(lease=timedelta(seconds=seconds)).lease == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("lease", timedelta(0)),
        ("lease", timedelta(milliseconds=999)),
        ("lease", timedelta(days=1, milliseconds=1)),
        ("lease", timedelta(seconds=-30)),
        ("clock_skew", timedelta(0)),
        ("clock_skew", timedelta(milliseconds=999)),
        ("clock_skew", timedelta(days=2)),
        ("max_attempts", 0),
        ("max_attempts", -1),
        ("candidate", ""),
        ("candidate", "x" * 201),
        ("candidate", "two\nlines"),
    ],
)
def test_value_out_of_range_is_refused_and_repeated(field: str, value: object) -> None:
    with pytest.raises(InvalidArgument) as caught:
        config(**{field: value})
    assert field in str(caught.value)
    shown = repr(value) if isinstance(value, str) else str(value)
    assert shown in str(caught.value)


def test_negative_wait_is_refused_and_repeated() -> None:
    with pytest.raises(InvalidArgument, match="-1 day, 23:59:59"):
        check_wait(timedelta(seconds=-1))


def test_wait_is_counted_in_milliseconds() -> None:
    assert check_wait(timedelta(seconds=1, microseconds=1_999)) == 1_001


def test_refusals_are_value_errors_and_s3leaders_own() -> None:
    assert issubclass(InvalidArgument, ValueError)
    assert issubclass(InvalidArgument, S3LeaderError)


def test_candidate_config_holds_what_the_configuration_says() -> None:
    made = config(max_attempts=3).candidate_config(lambda: "n")
    facts = (
        made.folder,
        made.candidate,
        made.lease_ms,
        made.clock_skew_ms,
        made.max_attempts,
    )
    assert facts == ("elections/nightly/", "me", 30_000, 3_000, 3)
    assert made.key(42) == "elections/nightly/lock_0000000042.json"
