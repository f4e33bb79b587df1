"""What answers with whole seconds prove about clocks."""

from datetime import timedelta

import pytest

from s3leader_cli.check.doctor.clocks import Sample, check_clocks, spread

SKEW = timedelta(seconds=3)


def sample(offset: float, at: float, trip: float = 0.02) -> Sample:
    """An answer at a moment of the stopwatch, by a clock that is `offset` ahead of it."""
    shown = float(int(1_800_000_000 + at + offset))
    return Sample(sent=at - trip / 2, received=at + trip / 2, date=shown, address=str(offset))


def many(*offsets: float) -> list[Sample]:
    return [sample(offset, at / 7) for offset in offsets for at in range(40)]


def level(*offsets: float, skew: timedelta = SKEW) -> str:
    [found] = check_clocks(many(*offsets), 0, skew)
    return found.level


@pytest.mark.parametrize("apart", [0.0, 0.7, 2.0, 5.0])
def test_the_spread_is_bounded_from_both_sides(apart: float) -> None:
    found = spread(many(0, apart))
    assert apart - 0.35 <= found.least <= apart <= found.most <= apart + 2.1


def test_slow_answers_prove_no_difference() -> None:
    slow = [sample(0, at / 7, trip=6) for at in range(40)]
    assert spread(slow).least == 0


@pytest.mark.parametrize(
    ("apart", "expected"), [(0, "ok"), (0.4, "ok"), (1.0, "warning"), (2.5, "problem")]
)
def test_the_allowance_has_room_for_the_spread_and_for_rounding(
    apart: float, expected: str
) -> None:
    assert level(0, apart) == expected


def test_a_larger_allowance_has_more_room() -> None:
    assert level(0, 2.5, skew=timedelta(seconds=10)) == "ok"


def test_the_remedy_is_an_allowance_that_suffices() -> None:
    [found] = check_clocks(many(0, 4.0), 0, SKEW)
    assert "clock_skew=6 s" in found.do
    assert level(0, 4.0, skew=timedelta(seconds=6)) != "problem"


def test_few_answers_prove_nothing() -> None:
    [found] = check_clocks(many(0)[:2], 38, SKEW)
    assert (found.level, "only 2 of 40" in found.what) == ("cannot tell", True)
    assert "run this again" in found.do


def test_connections_without_an_answer_are_counted_and_must_be_the_fewer() -> None:
    [found] = check_clocks(many(0), 5, SKEW)
    assert (found.level, "(5 others gave none)" in found.what) == ("ok", True)
    [found] = check_clocks(many(0), 41, SKEW)
    assert (found.level, "only 40 of 81" in found.what) == ("cannot tell", True)
