"""Bucket policies that protect locks, their equivalents, and those that do not."""

from typing import Any

import pytest

from s3leader_cli.check.doctor.policy import Place, check_policy, denies_unconditional_writes

ARN = "arn:aws:s3:::locks"
WHERE = Place(bucket_arn=ARN, prefix="elections/", election="nightly")
NULL = {"Null": {"s3:if-match": "true", "s3:if-none-match": "true"}}


def deny(actions: Any, keys: str, condition: Any = None, **other: Any) -> dict[str, Any]:
    statement = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": actions}
    statement |= {"Resource": f"{ARN}/{keys}"} | other
    return statement if condition is None else statement | {"Condition": condition}


WRITES = deny("s3:PutObject", "elections/*", NULL)
DELETES = deny(["s3:DeleteObject", "s3:DeleteObjectVersion"], "elections/*/lock_*")
TLS = deny("s3:*", "", {"Bool": {"aws:SecureTransport": "false"}}, Resource=[ARN, f"{ARN}/*"])


def levels(*statements: dict[str, Any]) -> list[str]:
    """The levels for writes, deletes and TLS, and of denials that candidates meet."""
    return [each.level for each in check_policy({"Statement": [*statements]}, WHERE)]


def test_the_statements_of_a_lock_bucket_protect_locks() -> None:
    assert levels(TLS, WRITES, DELETES) == ["ok", "ok", "ok"]


def test_without_a_policy_nothing_is_protected() -> None:
    found = list(check_policy(None, WHERE))
    assert [each.level for each in found] == ["problem", "warning", "warning"]


def test_the_statement_to_add_protects() -> None:
    import json  # noqa: PLC0415

    adds = [each.do.partition(": ")[2] for each in check_policy(None, WHERE)]
    assert levels(*map(json.loads, adds)) == ["ok", "ok", "ok"]


@pytest.mark.parametrize(
    "writes",
    [
        WRITES | {"Principal": "*"},
        WRITES | {"Action": ["s3:Get*", "s3:Put*"]},
        WRITES | {"Action": "s3:putobject"},
        WRITES | {"Resource": "*"},
        WRITES | {"Resource": f"{ARN}/elections/*/lock_??????????.json"},
        WRITES | {"Condition": {"Null": {"S3:If-Match": ["true"], "s3:If-None-Match": "True"}}},
        deny(None, "", NULL, NotAction="s3:Get*", Action=None) | {"Resource": "*"},
        {key: value for key, value in WRITES.items() if key != "Resource"}
        | {"NotResource": f"{ARN}/reports/*"},
    ],
)
def test_an_equivalent_statement_is_accepted(writes: dict[str, Any]) -> None:
    given = {key: value for key, value in writes.items() if value is not None}
    assert levels(TLS, given, DELETES)[0] == "ok"


@pytest.mark.parametrize(
    "writes",
    [
        WRITES | {"Effect": "Allow"},
        WRITES | {"Principal": {"AWS": "arn:aws:iam::111122223333:role/x"}},
        WRITES | {"Action": "s3:PutObjectAcl"},
        WRITES | {"Resource": f"{ARN}/elections/other/*"},
        WRITES | {"Resource": "arn:aws:s3:::another/elections/*"},
        WRITES | {"Condition": {"Null": {"s3:if-match": "false", "s3:if-none-match": "true"}}},
    ],
)
def test_a_statement_that_does_not_cover_locks_is_not(writes: dict[str, Any]) -> None:
    assert levels(TLS, writes, DELETES)[0] == "problem"


def test_a_condition_that_is_not_understood_is_not_guessed() -> None:
    condition = {"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
    unclear = [DELETES | {"Condition": condition}, WRITES, TLS]
    assert levels(*unclear) == ["ok", "cannot tell", "ok"]


@pytest.mark.parametrize(
    "condition",
    [
        {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
        {"StringNotLikeIfExists": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/admin"}},
        {"Null": {"aws:PrincipalTag/team": "true"}},
    ],
    ids=str,
)
def test_a_denial_that_some_people_escape_is_no_protection(condition: dict[str, Any]) -> None:
    """A person with MFA, the role or the tag sends a request that has the key."""
    assert levels(WRITES, DELETES | {"Condition": condition}, TLS)[1] == "cannot tell"


@pytest.mark.parametrize(
    "condition",
    [
        {"Null": {"s3:x-amz-server-side-encryption": "true"}},
        {"StringNotEqualsIfExists": {"s3:x-amz-server-side-encryption": "aws:kms"}},
    ],
    ids=str,
)
def test_a_demand_for_a_header_does_not_deny_candidates_that_may_send_it(
    condition: dict[str, Any],
) -> None:
    header = deny("s3:PutObject", "*", condition)
    assert "problem" not in levels(TLS, WRITES, DELETES, header)


def test_a_denial_that_candidates_may_meet_is_not_passed_over() -> None:
    elsewhere = {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}
    policy = [TLS, WRITES, DELETES, deny("s3:GetObject", "*", elsewhere)]
    [*protected, found] = check_policy({"Statement": policy}, WHERE)
    assert [each.level for each in protected] == ["ok", "ok", "ok"]
    assert (found.level, "s3:GetObject" in found.what) == ("cannot tell", True)


def test_one_of_both_deletes_is_not_enough() -> None:
    assert levels(WRITES, DELETES | {"Action": "s3:DeleteObject"}, TLS) == ["ok", "warning", "ok"]


def test_a_policy_that_denies_what_candidates_need_is_a_problem() -> None:
    creates_only = {"Null": {"s3:if-none-match": "true"}}
    found = list(check_policy({"Statement": [WRITES | {"Condition": creates_only}]}, WHERE))
    assert found[-1].level == "problem"
    assert "s3:PutObject" in found[-1].what
    assert "with if-match" in found[-1].what


def test_a_denial_of_everything_is_noticed() -> None:
    found = list(check_policy({"Statement": [deny("s3:*", "*")]}, WHERE))
    assert [each.level for each in found].count("problem") == 4  # all needs but the bucket's list


def test_multipart_uploads_are_impossible_where_writes_need_a_condition() -> None:
    assert denies_unconditional_writes({"Statement": [WRITES]}, WHERE)
    assert not denies_unconditional_writes({"Statement": [DELETES]}, WHERE)


def test_a_single_statement_needs_no_list() -> None:
    found = list(check_policy({"Statement": WRITES}, WHERE))
    assert found[0].level == "ok"
