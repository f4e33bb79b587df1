"""Every fenced resource refuses stale writers, and applies each write once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.fencing import scenarios
from tests.contract.fencing.resources import Resource


def test_a_stale_writer_is_refused_with_both_tokens(resource: Resource) -> None:
    scenarios.stale_before_its_write(resource)


def test_a_stale_writer_that_stops_within_its_write_does_no_harm(resource: Resource) -> None:
    scenarios.stale_within_its_write(resource)


def test_writers_with_equal_tokens_both_write_and_lose_nothing(resource: Resource) -> None:
    scenarios.equal_tokens(resource)


def test_terms_that_write_at_once_leave_their_entries_in_order(resource: Resource) -> None:
    scenarios.terms_in_parallel(resource)


FAULTY = [
    scenarios.answers_lost,
    scenarios.answer_lost_and_clone_writes,
    scenarios.late_copy_of_a_stale_write,
    scenarios.late_copy_of_an_own_write,
]


@pytest.mark.parametrize("scenario", FAULTY, ids=lambda each: each.__name__)
def test_lost_answers_and_late_copies_do_no_harm(resource: Resource, scenario: Any) -> None:
    scenario(resource)
