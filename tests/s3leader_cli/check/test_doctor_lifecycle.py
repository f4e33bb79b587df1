"""Lifecycle rules that are safe for locks, and those that are not."""

from typing import Any

import pytest

from s3leader_cli.check.doctor.lifecycle import (
    aborts_uploads,
    check_lifecycle,
    deletes_after_days,
    deletes_old_versions,
)

PREFIX = "elections/"
FOLDER = "elections/nightly/"
SUPERSEDED = {"Key": "superseded", "Value": "true"}


def rule(found: dict[str, Any], **actions: Any) -> dict[str, Any]:
    return {"ID": "r", "Status": "Enabled", "Filter": found, **actions}


def tagged(prefix: str = PREFIX, days: int = 30, **more: Any) -> dict[str, Any]:
    found = {"And": {"Prefix": prefix, "Tags": [SUPERSEDED]}}
    return rule(found, Expiration={"Days": days}, **more)


def levels(*rules: dict[str, Any]) -> list[str]:
    return [each.level for each in check_lifecycle(rules, FOLDER, PREFIX)]


def what(*rules: dict[str, Any]) -> str:
    return "; ".join(each.what for each in check_lifecycle(rules, FOLDER, PREFIX))


def test_a_rule_by_the_tag_is_safe() -> None:
    assert levels(tagged()) == ["ok"]


@pytest.mark.parametrize(
    "found",
    [
        {"Tag": SUPERSEDED},
        {"And": {"Prefix": FOLDER, "Tags": [SUPERSEDED]}},
        {"And": {"Prefix": "", "Tags": [SUPERSEDED]}},
    ],
)
def test_every_form_of_the_rule_is_understood(found: dict[str, Any]) -> None:
    assert levels(rule(found, Expiration={"Days": 2})) == ["ok"]


def test_without_a_rule_locks_are_never_deleted() -> None:
    assert [each.level for each in check_lifecycle(None, FOLDER, PREFIX)] == ["warning"]
    assert levels(tagged() | {"Status": "Disabled"}) == ["warning"]


def test_a_rule_for_another_election_does_not_count() -> None:
    assert levels(tagged("elections/other/")) == ["warning"]


def test_a_history_of_one_day_is_short() -> None:
    assert levels(tagged(days=1)) == ["warning"]


@pytest.mark.parametrize(
    "found",
    [{}, {"Prefix": "elections/"}, {"Prefix": "elections/nightly/lock_"}, {"Prefix": "e"}],
)
def test_a_rule_by_age_deletes_the_highest_lock(found: dict[str, str]) -> None:
    by_age = rule(found, Expiration={"Days": 365})
    assert levels(tagged(), by_age) == ["problem"]
    assert "the highest one too" in what(tagged(), by_age)


def test_a_rule_in_the_old_form_is_understood() -> None:
    old = {"ID": "r", "Status": "Enabled", "Prefix": "elections/", "Expiration": {"Days": 9}}
    assert levels(tagged(), old) == ["problem"]


def test_a_rule_by_age_elsewhere_is_safe() -> None:
    assert levels(tagged(), rule({"Prefix": "reports/"}, Expiration={"Days": 1})) == ["ok"]


def test_a_rule_for_objects_larger_than_any_lock_is_safe() -> None:
    large = {"And": {"Prefix": "", "ObjectSizeGreaterThan": 1_000_000}}
    assert levels(tagged(), rule(large, Expiration={"Days": 1})) == ["ok"]
    small = {"And": {"Prefix": "", "ObjectSizeGreaterThan": 100}}
    assert levels(tagged(), rule(small, Expiration={"Days": 1})) == ["problem"]


def test_a_rule_by_a_tag_that_no_lock_has_is_safe() -> None:
    archive = [{"Days": 1, "StorageClass": "GLACIER"}]
    found = {"Tag": {"Key": "team", "Value": "x"}}
    other = rule(found, Expiration={"Days": 1}, Transitions=archive)
    assert levels(tagged(), other) == ["ok"]


def test_a_rule_that_deletes_at_a_date_deletes_young_locks() -> None:
    dated = rule({"Tag": SUPERSEDED}, Expiration={"Date": "2027-01-01"})
    assert levels(tagged(), dated) == ["problem"]


def test_an_archived_highest_lock_stops_the_election() -> None:
    glacier: dict[str, Any] = {"Transitions": [{"Days": 1, "StorageClass": "GLACIER"}]}
    assert levels(tagged(), rule({}, **glacier)) == ["problem"]
    assert levels(tagged(**glacier)) == ["warning"]


def test_a_cheaper_class_costs_more_for_locks() -> None:
    infrequent = {"Transitions": [{"Days": 30, "StorageClass": "STANDARD_IA"}]}
    assert levels(tagged(), rule({}, **infrequent)) == ["warning"]


def test_the_history_and_what_else_is_cleaned_up_are_found() -> None:
    versions = rule({"Prefix": PREFIX}, NoncurrentVersionExpiration={"NoncurrentDays": 1})
    uploads = rule({}, AbortIncompleteMultipartUpload={"DaysAfterInitiation": 1})
    rules = [tagged(days=9), versions, uploads]
    assert (deletes_after_days(rules, FOLDER), deletes_after_days([versions], FOLDER)) == (9, None)
    assert (deletes_old_versions(rules, FOLDER), deletes_old_versions([uploads], FOLDER)) == (
        True,
        False,
    )
    assert (aborts_uploads(rules, FOLDER), aborts_uploads([versions], FOLDER)) == (True, False)
    assert levels(*rules) == ["ok"]
