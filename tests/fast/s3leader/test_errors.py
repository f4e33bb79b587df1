"""Errors and results as text, for people."""

from __future__ import annotations

import pytest

from s3leader import NotElected
from s3leader.errors import describe_error
from tests.fast.s3leader.one_bucket import LAPSE, TICK, OneBucket, lost, won


class Unprintable(Exception):  # noqa: N818 - the type's name is what is shown
    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("error", "described"),
    [
        (ValueError("no"), "ValueError: no"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (TimeoutError(""), "TimeoutError"),
        (Unprintable(), "Unprintable"),
    ],
)
def test_an_error_without_a_text_is_described_by_its_type_alone(
    error: BaseException, described: str
) -> None:
    assert describe_error(error) == described


SECRET = "http://user:s%3Acr@t@127.0.0.1:1"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f'on "{SECRET}/locks?a=b@c"', 'on "http://127.0.0.1:1/locks?a=b@c"'),
        ("postgresql://job:secret@db/x and s3://locks/a@b", "postgresql://db/x and s3://locks/a@b"),
        ("job@example.com, user:secret@host", "job@example.com, user:secret@host"),
    ],
)
def test_an_error_is_described_without_the_credentials_of_a_url(text: str, shown: str) -> None:
    assert describe_error(ValueError(text)) == f"ValueError: {shown}"


def test_a_term_shows_its_election_its_number_and_whether_it_is_held() -> None:
    bucket = OneBucket()
    term = won(bucket.election().campaign(TICK))
    shown = [repr(term)]
    bucket.pass_time(LAPSE)
    shown.append(repr(term))
    term.resign("failed")
    shown.append(repr(term))
    assert shown == [
        f"Term(elections/e number 1, {state})" for state in ("held", "not held", "failed")
    ]


def test_a_lost_campaign_shows_why_and_to_which_term() -> None:
    bucket = OneBucket()
    won(bucket.election().campaign(TICK))
    result = lost(bucket.election().campaign(TICK))
    assert repr(result) == "NotElected(held, term 1 of 'c1', requests=2)"
    vacant = NotElected(reason="beaten", lock=None, requests=3)
    assert repr(vacant) == "NotElected(beaten, no lock, requests=3)"
