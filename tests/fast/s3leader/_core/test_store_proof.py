"""Probes without an answer."""

from __future__ import annotations

from s3leader._core.requests import Replace
from s3leader._core.store_proof import IMPOSSIBLE_ETAG, prove_store
from tests.fast.s3leader._core.protocol.script import (
    LATENCY_MS,
    LOST,
    Exchange,
    config,
    conflict,
    create,
    holding,
    key,
    mine,
    pause,
    play,
)

LOCK = mine(1)
CREATE = create(LOCK)
SWAP = Replace(key(1), LOCK.encode(), IMPOSSIBLE_ETAG)


def test_pauses_between_the_tries_of_a_probe_double_up_to_a_second() -> None:
    pauses_ms = [25, 50, 100, 200, 400, 800, 1000, 1000]
    tries: list[Exchange] = []
    for pause_ms in pauses_ms:
        tries += [(CREATE, LOST), pause(pause_ms)]
    answers: tuple[Exchange, ...] = ((CREATE, conflict()), (SWAP, conflict()))
    now_ms = play(prove_store(config(), holding(LOCK), CREATE), *tries, *answers)
    assert now_ms == 2 * sum(pauses_ms) + LATENCY_MS * (len(pauses_ms) + 2)
