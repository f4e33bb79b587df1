"""When a sweep stops, and what the hint says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from s3leader._core.holding import Resigned, resign
from s3leader._core.requests import Read
from tests.fast.s3leader._core.protocol.script import (
    HINT,
    LEASE_MS,
    Exchange,
    applied,
    at,
    config,
    found,
    holding,
    mine,
    play,
    put,
    tag,
)

TAGGED = applied(etag="")


def resigned(lease_ms: int, tagged_ms: int, terms: range) -> Resigned:
    """Term 9 resigns; its first tag is answered after `tagged_ms`."""
    lock = mine(9, "n0", swept=4)
    tags: list[Exchange] = [(tag(term), TAGGED) for term in terms]
    tags[0] = (*tags[0][:2], tagged_ms)
    sealed = replace(lock, swept=terms[-1]).seal(
        nonce="n1", outcome="completed", ended_at=at(-1000)
    )
    return play(
        resign(
            replace(config(), lease_ms=lease_ms),
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
    assert resigned(lease_ms, stop_ms, range(5, 6)).sweep_error is None
    assert resigned(lease_ms, stop_ms - 1, range(5, 7)).sweep_error is None


def test_leader_sweeps_up_to_its_last_millisecond() -> None:
    lock = mine(9, "n0", swept=4)
    now_ms = LEASE_MS - 1
    sealed = replace(lock, swept=5).seal(
        nonce="n1", outcome="completed", ended_at=at(LEASE_MS - 1_000)
    )
    steps = resign(config(), holding(lock), outcome="completed", reason=None, now_ms=now_ms)
    exchanges: tuple[Exchange, ...] = ((tag(5), TAGGED), (put(sealed, "E1"), applied()))
    assert play(steps, *exchanges, start_ms=now_ms).sweep_error is None


def test_hint_that_names_this_term_already_is_left_alone() -> None:
    lock = mine(500, "n0", swept=499)
    sealed = lock.seal(nonce="n1", outcome="completed", ended_at=at(-1000))
    steps = resign(config(), holding(lock), outcome="completed", reason=None, now_ms=0)
    hint = (Read(HINT), found(b'{"term": 500}'))
    assert play(steps, hint, (put(sealed, "E1"), applied())).sweep_error is None
