"""The last moment of a write that gets no answer, and bodies of any kind."""

from __future__ import annotations

import pytest

from s3leader.errors import LeadershipLost
from s3leader.holding import Holding
from s3leader.ledger import Steps
from s3leader.protocol import renew
from tests.protocol.script import Exchange, conflict, found, holding, mine, play, put, read, rules

FIRST = mine(5, "n0")
RENEWAL = put(FIRST.renewed(nonce="n1"), "E1")


def renewal() -> Steps[Holding]:
    return renew(rules(), holding(FIRST))


@pytest.mark.parametrize(
    "body",
    [b"[]", b"[1]", b'"n1"', b"7", b"null", b"true", b"", b"\xff", b"[" * 100_000, b'{"nonce": 1}'],
    ids=lambda body: body[:9].decode("latin-1"),
)
def test_body_that_names_no_nonce_is_somebody_elses(body: bytes) -> None:
    exchanges: tuple[Exchange, ...] = ((RENEWAL, conflict()), (read(5), found(body, etag="E9")))
    with pytest.raises(LeadershipLost):
        play(renewal(), *exchanges)
