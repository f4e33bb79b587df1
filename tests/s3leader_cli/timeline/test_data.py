import json
from datetime import timedelta
from typing import Any

import pytest

from tests.s3leader_cli.timeline.ledgers import START, at, data_of, drawn, term

SECOND = 1000
BASE = round(START.timestamp() * SECOND)


def test_terms_are_drawn_in_the_order_of_their_numbers() -> None:
    assert data_of(term(2), term(1), term(3))["terms"]["term"] == [1, 2, 3]


@pytest.mark.parametrize("outcome", ["completed", "failed", "resigned", "deposed", "continued"])
def test_a_sealed_term_has_its_outcome(outcome: str) -> None:
    assert drawn(term(1, outcome)) == [outcome]


@pytest.mark.parametrize("outcome", [None, "held", "lapsed", "unheard of"])
def test_a_sealed_term_without_a_known_outcome_is_sealed(outcome: str | None) -> None:
    assert drawn(term(1, outcome, expired=True)) == ["sealed"]


@pytest.mark.parametrize("standing", ["held", "lapsed"])
def test_the_highest_term_has_its_standing_until_it_is_sealed(standing: Any) -> None:
    assert drawn(term(1), term(2, None), standing=standing) == ["completed", standing]


def test_a_corrupt_lock_is_drawn_where_the_term_before_it_ended() -> None:
    data = data_of(term(1), {"term": 2, "problem": "expected a JSON object, got []"})
    assert (data["terms"]["start"][1], data["terms"]["reason"][1]) == (
        BASE + 81 * SECOND,
        "expected a JSON object, got []",
    )


def test_a_corrupt_first_lock_is_drawn_where_the_next_term_starts() -> None:
    data = data_of({"term": 1, "problem": "it is not JSON"}, term(2))
    assert data["terms"]["start"] == [BASE + 121 * SECOND] * 2


def test_an_election_whose_only_lock_is_corrupt_is_drawn_at_the_time_of_the_page() -> None:
    data = data_of({"term": 1, "problem": "it is not JSON"})
    assert data["terms"]["start"] == [BASE]


def test_an_unsealed_term_lasts_until_it_was_seen() -> None:
    assert data_of(term(1, None))["terms"]["end"] == [BASE + 85 * SECOND]


def test_a_lock_of_the_original_scheme_is_drawn_when_it_was_last_modified() -> None:
    data = data_of({"term": 1, "expired": True, "modified_at": at(7)})
    assert (data["terms"]["start"], data["groups"]) == ([BASE + 7 * SECOND], ["unnamed"])


def test_legs_of_a_tick_are_linked() -> None:
    tick = at(60)
    data = data_of(term(1, "continued", tick=tick), term(2, tick=tick, leg=2))
    assert data["links"] == [[0, 1, "leg"]]


def test_another_tick_after_a_continued_term_is_no_leg_of_it() -> None:
    assert data_of(term(1, "continued"), term(2))["links"] == []


def test_a_takeover_links_a_deposed_term_to_its_successor() -> None:
    assert data_of(term(1, "deposed"), term(2))["links"] == [[0, 1, "takeover"]]


def test_terms_with_a_gap_between_their_numbers_are_not_linked() -> None:
    assert data_of(term(1, "deposed"), term(3))["links"] == []


def test_missed_ticks_are_sorted_and_counted_once() -> None:
    ticks = [START + timedelta(minutes=minutes) for minutes in (5, 3, 5)]
    assert data_of(term(1), missed=ticks)["missed"] == [BASE + 180 * SECOND, BASE + 300 * SECOND]


def test_a_tick_that_a_term_was_led_for_is_not_missed() -> None:
    assert data_of(term(1), missed=[START + timedelta(minutes=1)])["missed"] == []


def test_the_axis_spans_missed_ticks_too() -> None:
    _, last = data_of(term(1), missed=[START + timedelta(hours=5)])["range"]
    assert last > BASE + 5 * 3600 * SECOND


def test_an_election_without_terms_has_an_axis() -> None:
    first, last = data_of()["range"]
    assert first < BASE < last


def test_a_large_state_is_shortened() -> None:
    state = data_of(term(1, state={"seen": "x" * 200_000}))["terms"]["state"][0]
    assert (len(state) < 700, "(200,012 characters)" in state) == (True, True)


def test_the_states_of_many_terms_are_shortened_more() -> None:
    terms = [term(number, state={"seen": "x" * 2000}) for number in range(1, 20_001)]
    assert len("".join(data_of(*terms)["terms"]["state"])) < 6_000_000


def test_characters_that_change_how_text_is_read_are_escaped() -> None:
    data = data_of(term(1, holder="a\u202eb", reason="c\u2028d"), election="e\x1b[31m")
    shown = (data["terms"]["holder"], data["terms"]["reason"], data["groups"], data["election"])
    assert shown == (["a\\u202eb"], ["c\\u2028d"], ["a\\u202eb"], "e\\x1b[31m")


def test_the_data_are_plain_json() -> None:
    data = data_of(term(1), term(2, "failed"), term(3, None))
    assert json.loads(json.dumps(data)) == data
