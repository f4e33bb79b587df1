"""Six hundred random walks: at most one leader, rising tokens, no tick done twice, and so on."""

from __future__ import annotations

import pytest

from tests.fast.s3leader._core.protocol.walk import Walk

BATCH = 300


@pytest.mark.parametrize("first", range(0, 600, BATCH))
def test_no_random_walk_breaks_a_rule(first: int) -> None:
    for seed in range(first, first + BATCH):
        walk = Walk(seed)
        try:
            walk.run()
        except Exception as error:
            error.add_note(f"seed {seed}")
            raise


def test_walks_see_terms_won_and_taken_over() -> None:
    """A walk in which nothing happens proves nothing."""
    assert sum(len(walk.tokens) for walk in map(_walked, range(50))) > 200


def _walked(seed: int) -> Walk:
    walk = Walk(seed)
    walk.run()
    return walk
