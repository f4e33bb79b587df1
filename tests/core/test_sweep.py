"""When a sweep stops, and what the hint says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from s3leader.protocol import Sealed, resign
from tests.protocol.script import Exchange, applied, at, holding, mine, play, put, rules, tag

TAGGED = applied(etag="")


def resigned(lease_ms: int, tagged_ms: int, terms: range) -> Sealed:
    """Term 9 resigns; its first tag is answered after `tagged_ms`."""
    lock = mine(9, "n0", swept=4)
    tags: list[Exchange] = [(tag(term), TAGGED) for term in terms]
    tags[0] = (*tags[0][:2], tagged_ms)
    sealed = replace(lock, swept=terms[-1]).seal(
        nonce="n1", outcome="completed", ended_at=at(-1000)
    )
    return play(
        resign(
            replace(rules(), lease_ms=lease_ms),
            holding(lock, deadline_ms=lease_ms),
            outcome="completed",
            reason=None,
            now_ms=0,
        ),
        *tags,
        (put(sealed, "E1"), applied()),
    )


@pytest.mark.parametrize(
    ("lease_ms", "stop_ms"), [(8_000, 6_000), (20_000, 15_000), (60_000, 55_000)]
)
def test_sweep_leaves_a_quarter_of_the_lease_to_resign_in_or_five_seconds(
    lease_ms: int, stop_ms: int
) -> None:
    assert resigned(lease_ms, stop_ms, range(5, 6)).hindrance is None
    assert resigned(lease_ms, stop_ms - 1000, range(5, 9)).hindrance is None
