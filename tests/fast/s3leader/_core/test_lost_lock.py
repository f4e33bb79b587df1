"""What a holder that has lost its lock says of who changed it, as far as the lock shows it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from s3leader._core.conditional_write import WriteConflict
from s3leader._core.lock import Lock
from s3leader._core.lost_lock import who_changed
from s3leader._core.requests import Conflict, Found, Missing, Reply, StoreAnswer

OWN = Lock(term=5, nonce="n", holder="c1", lease_ms=30_000)


def said(answer: StoreAnswer) -> str:
    return who_changed(OWN, WriteConflict(reply=Reply(answer, sent_ms=0, received_ms=0)))


def found(lock: Lock | bytes) -> str:
    body = lock.encode() if isinstance(lock, Lock) else lock
    return said(Found(body=body, etag="E", modified_ms=0, date_ms=0))


def deposed(reason: str | None) -> str:
    return found(OWN.seal(nonce="r", outcome="deposed", reason=reason))


def test_the_successor_is_named() -> None:
    assert deposed("lapsed; sealed by c2") == (
        "its lease had run out, and candidate c2 sealed its lock"
    )


@pytest.mark.parametrize(
    ("reason", "shown"), [("it hangs", "it hangs"), (None, "none given"), ("lapsed", "lapsed")]
)
def test_an_operator_is_not_called_a_candidate_and_the_reason_is_shown(
    reason: str | None, shown: str
) -> None:
    assert deposed(reason) == f"an operator deposed it (reason: {shown})"


@pytest.mark.parametrize(
    ("facts", "shown"),
    [
        ({"expired": True, "outcome": "completed"}, "another process sealed its lock as completed"),
        ({"expired": True}, "another process sealed its lock as expired"),
        ({"holder": "c2"}, "another process wrote its lock, which names c2 as its holder"),
        ({"holder": None}, "another process wrote its lock, which names nobody as its holder"),
    ],
)
def test_a_lock_that_nobody_deposed_shows_what_it_says(facts: dict[str, Any], shown: str) -> None:
    assert found(replace(OWN, nonce="r", **facts)) == shown


def test_a_lock_that_is_gone_or_unreadable_is_said_to_be_so() -> None:
    assert said(Missing(date_ms=0)) == "its lock was deleted"
    assert found(b"[]").startswith("its lock was overwritten and cannot be read: expected a JSON")
    assert said(Conflict(date_ms=0)) == "another writer changed its lock"
