from __future__ import annotations

import pytest

from s3leader_bench.prices import Prices


def dollars(**requests: float) -> float:
    return Prices().dollars(requests) * 1e6


def test_s3_charges_lists_and_tags_as_puts() -> None:
    assert dollars(LIST=1) == dollars(tag=1) == dollars(PUT=1) == 5.0


def test_s3_charges_nothing_for_deletes() -> None:
    assert dollars(DELETE=3) == 0


def test_each_write_of_dynamodb_is_a_unit() -> None:
    assert dollars(PutItem=1) == dollars(UpdateItem=1) == dollars(DeleteItem=1) == 0.625


def test_a_consistent_read_costs_twice_another() -> None:
    found = [Prices().dollars({kind: 1}) for kind in ("GetItem", "consistent GetItem")]
    assert found == pytest.approx([0.0625e-6, 0.125e-6])


def test_a_transaction_costs_two_units_an_item() -> None:
    found = Prices().dollars({"TransactWriteItems of 3": 2})
    assert found == pytest.approx(2 * 3 * 2 * 0.625e-6)


@pytest.mark.parametrize("kind", ["PutItem over 1 KB", "BatchWriteItem", "POST"])
def test_a_kind_without_a_known_price_is_an_error(kind: str) -> None:
    with pytest.raises(RuntimeError, match=f"no price is known .*{kind}"):
        Prices().dollars({kind: 1})


def test_prices_can_be_given() -> None:
    assert Prices.parsed(["write=1.25", "get=0.5"]) == Prices(write=1.25, get=0.5)


@pytest.mark.parametrize("setting", ["putt=5", "put", "put=cheap", "put=-1", "put=nan", ""])
def test_a_wrong_price_is_refused_with_what_is_expected(setting: str) -> None:
    with pytest.raises(ValueError, match=r"expected a price like put=5\.0, of put, get, write"):
        Prices.parsed([setting])
