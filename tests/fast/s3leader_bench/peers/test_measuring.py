from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from s3leader_bench.peers.measuring import Measuring
from s3leader_bench.peers.registry import ALL, OURS, Peer

NO_EMULATOR: Any = None
HOURS_S = 36_000


def measuring() -> Measuring:
    return Measuring(NO_EMULATOR, ALL, Path("python"))


def test_all_are_measured_at_the_same_time() -> None:
    assert measuring()._of_all(lambda peer: peer.package)[OURS.name] == "s3leader"


def test_a_library_that_fails_ends_the_pauses_of_the_others() -> None:
    one = measuring()

    def measure(peer: Peer) -> None:
        if peer is ALL[-1]:
            raise ValueError("this library failed")
        one._pause(HOURS_S)

    with pytest.raises(ValueError, match="this library failed"):
        one._of_all(measure)


def test_pauses_go_on_in_the_next_measurement() -> None:
    one = measuring()
    one._of_all(lambda _: None)
    one._of_all(lambda _: one._pause(0))


def test_names_are_not_used_twice() -> None:
    one = measuring()
    assert len({one._new_name(peer) for peer in ALL for _ in range(2)}) == 2 * len(ALL)
