"""The checks of the demo's third part, on ledgers that break a promise."""

from dataclasses import replace

import pytest

from s3leader import Lock
from s3leader_demo.several_legs import LEGS, check

STATE = {"terms": [*range(1, LEGS + 1)]}
LOCKS = [
    Lock(term=leg, leg=leg, expired=True, outcome="continued", state=STATE)
    for leg in range(1, LEGS + 1)
]
FINE = [*LOCKS[:-1], replace(LOCKS[-1], outcome="completed")]


def violations(locks: list[Lock], kills: int = 1) -> list[str]:
    return [each for found in check(locks, kills=kills) for each in found.violations]


def test_tick_that_each_leg_worked_for_once_has_no_violations() -> None:
    assert violations(FINE) == []


@pytest.mark.parametrize("kills", [0, 2])
def test_another_number_of_killed_legs_is_found(kills: int) -> None:
    assert violations(FINE, kills) == [f"{kills} processes died"]


@pytest.mark.parametrize(
    ("locks", "violation"),
    [
        (LOCKS, "outcomes are continued"),
        ([FINE[-1], *FINE[1:]], "outcomes are completed, continued"),
        ([*FINE[:2], *FINE[1:]], "legs [1, 2, 2, 3"),
        ([*FINE[:-1], replace(FINE[-1], state={})], "names terms None"),
    ],
    ids=["not completed", "completed twice", "a leg twice", "a leg without work"],
)
def test_broken_promise_is_found(locks: list[Lock], violation: str) -> None:
    assert violation in " ".join(violations(locks))
