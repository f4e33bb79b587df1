"""The header is parsed strictly, and a refusal says what is wrong to people and to programs."""

from __future__ import annotations

import json

import pytest

from s3leader._core.fencing_header import (
    FencingToken,
    Problem,
    parse_headers,
    stale,
    stale_token,
    token_required,
)
from s3leader.errors import InvalidArgument

GOOD = '34;election="nightly/credits"'


def test_a_token_is_formatted_as_a_structured_field() -> None:
    assert FencingToken("nightly/credits", 34).format() == GOOD


@pytest.mark.parametrize("value", [GOOD, f"  {GOOD} ", GOOD.replace(";", ";  ")])
def test_what_is_formatted_is_parsed_with_spaces_where_the_rfc_has_them(value: str) -> None:
    assert FencingToken.parse(value) == FencingToken("nightly/credits", 34)


MALFORMED = [
    "",
    "34",
    '0;election="e"',
    '-3;election="e"',
    '034;election="e"',
    '3.0;election="e"',
    '1000000000000000;election="e"',
    '\u0663;election="e"',
    "34;election=e",
    '34;election=""',
    '34;election="e',
    '34; election = "e"',
    '34;election="a//b"',
    '34;election="lock_1"',
    '34;election="e";election="f"',
    '34;election="e";more',
    '34;\telection="e"',
    '34;election="e"\n',
    f"{GOOD}, {GOOD}",
]


@pytest.mark.parametrize("value", MALFORMED)
def test_anything_else_is_refused(value: str) -> None:
    with pytest.raises(InvalidArgument):
        FencingToken.parse(value)


@pytest.mark.parametrize("values", [[GOOD, GOOD], ["x"], [""]])
def test_a_malformed_or_repeated_header_is_a_bad_request(values: list[str]) -> None:
    answer = parse_headers(values, "nightly/credits")
    assert isinstance(answer, Problem)
    assert (answer.status, answer.error) == (400, "MalformedToken")


def test_a_token_of_another_election_is_a_bad_request_that_names_both() -> None:
    answer = parse_headers([GOOD], "other")
    assert isinstance(answer, Problem)
    assert (answer.status, answer.error) == (400, "WrongElection")
    assert "'other'" in answer.detail
    assert "'nightly/credits'" in answer.detail


@pytest.mark.parametrize(("token", "election"), [(0, "e"), (True, "e"), (1, 'e"'), (1, "")])
def test_what_is_no_token_is_not_formatted(token: int, election: str) -> None:
    with pytest.raises(InvalidArgument):
        FencingToken(election, token).format()


def test_a_refusal_names_both_numbers_and_is_read_back_as_the_error() -> None:
    body = stale("e", 3, 5).body()
    members = json.loads(body)
    assert (members["status"], members["token"], members["written_token"]) == (409, 3, 5)
    error = stale_token(409, body)
    assert error is not None
    assert (error.token, error.written_token) == (3, 5)


OTHERS = [
    (200, stale("e", 3, 5).body()),
    (409, b""),
    (409, b"[]"),
    (409, b"[" * 100_000),
    (409, b'{"error": "Conflict"}'),
    (409, b'{"error": "StaleToken", "token": "3", "written_token": 5}'),
    (428, token_required("e").body()),
]


@pytest.mark.parametrize(("status", "body"), OTHERS, ids=range(len(OTHERS)))
def test_other_answers_are_not_taken_for_a_refusal(status: int, body: bytes) -> None:
    assert stale_token(status, body) is None


def test_a_problem_is_sent_as_one_and_is_not_cached() -> None:
    problem = token_required("e")
    assert problem.status == 428
    assert dict(problem.headers()) == {
        "Content-Type": "application/problem+json",
        "Content-Length": str(len(problem.body())),
        "Cache-Control": "no-store",
    }
