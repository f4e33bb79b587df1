"""A corrupt lock elects no leader and is not overwritten."""

from __future__ import annotations

from typing import Any

import pytest

from s3leader.errors import CorruptLock
from tests.fast.s3leader._core.protocol.script import (
    LIST,
    LOST,
    Exchange,
    conflict,
    contend,
    create,
    found,
    held,
    known,
    listing,
    looked,
    lost,
    mine,
    pause,
    read,
    sealed,
)

CREATE_5 = create(mine(5))
DEEP = b'{"nonce": "n1", "x": ' + b"[" * 100_000
WARM = {"memory": known(sealed(4))}


@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b'{"expired": 1}', b'{"term": 5}'])
def test_corrupt_lock_ends_the_campaign_and_nothing_is_written(body: bytes) -> None:
    with pytest.raises(CorruptLock, match=r"elections/e/lock_0000000004\.json") as caught:
        contend((LIST, listing(4)), (read(4), found(body, age_ms=10**9, etag="bad")))
    assert (caught.value.term, caught.value.etag, caught.value.body) == (4, "bad", body)


@pytest.mark.parametrize(
    ("exchanges", "how"),
    [
        pytest.param(
            (*looked(held(4)), pause(1000), (read(4), found(b"?"))),
            {"wait_ms": 60_000},
            id="while waiting",
        ),
        pytest.param(((CREATE_5, conflict()), (read(5), found(b"?"))), WARM, id="after a conflict"),
        pytest.param(((read(4), found(b"?")),), {"memory": known(held(4))}, id="when remembered"),
        pytest.param(
            ((CREATE_5, LOST), pause(25), (CREATE_5, conflict()), (read(5), found(DEEP))),
            WARM,
            id="with the nonce of one's own write",
        ),
    ],
)
def test_lock_found_corrupt_later_ends_the_campaign(
    exchanges: tuple[Exchange, ...], how: dict[str, Any]
) -> None:
    with pytest.raises(CorruptLock):
        contend(*exchanges, **how)


def test_corrupt_lock_below_the_highest_is_not_read() -> None:
    lost((LIST, listing(3, 4)), (read(4), found(held(4))))
