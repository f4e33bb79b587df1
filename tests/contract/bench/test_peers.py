"""What s3leader and other libraries send on the emulator, each through its adapter and the front.

The other libraries are no dependencies; their tests are skipped where `scripts/bench --peers` has
not installed them.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from s3leader_bench.peers import environment
from s3leader_bench.peers.emulator import HOLDER, Emulator, emulator
from s3leader_bench.peers.measuring import LONG_S, Measuring
from s3leader_bench.peers.registry import ALL, OURS, OURS_COLD, PEERS, Peer
from s3leader_bench.sections.peers import usual

READ = "consistent GetItem"
WON_AND_LOST = {
    OURS: ({"PUT": 2, "tag": 1}, {"PUT": 1, "GET": 1}),
    OURS_COLD: ({"LIST": 1, "GET": 1, "PUT": 2, "tag": 1}, {"LIST": 1, "GET": 1}),
}
OF_PEERS = {
    "python-dynamodb-lock": ({READ: 1, "PutItem": 1, "DeleteItem": 1}, {READ: 1}),
    "dynamo-dlm": ({"PutItem": 1, "DeleteItem": 1}, {"PutItem": 1}),
    "dynalock": ({"PutItem": 1, "DeleteItem": 1}, {"PutItem": 1}),
    "s3-locks": ({"GET": 1, "PUT": 2}, {"GET": 1}),
    "aws-lambda-powertools": ({"PutItem": 1, "UpdateItem": 1}, {"PutItem": 1}),
    "lynk": ({"PutItem": 1, "DeleteItem": 1}, {"PutItem": 1, READ: 1}),
    "stormlock": ({"PutItem": 1, "DeleteItem": 1}, {"PutItem": 1, READ: 1}),
    "dynamodblock": (
        {"DescribeTable": 1, "Query": 2, "PutItem": 1, "DeleteItem": 1},
        {"DescribeTable": 1, "Query": 1},
    ),
    "dyndbmutex": ({"DescribeTable": 3, "PutItem": 3}, {"DescribeTable": 2, "PutItem": 2}),
}


@pytest.fixture(scope="module")
def server() -> Iterator[Emulator]:
    with emulator(ALL) as running:
        yield running


def won_and_lost(server: Emulator, peer: Peer, python: Path) -> tuple[dict[str, float], ...]:
    measuring = Measuring(server, [peer], python)
    rounds = [measuring.rounds(case, 0, 1, lambda: None) for case in ("win", "loss")]
    return tuple(dict(usual(found[peer.name])) for found in rounds)


@pytest.mark.parametrize("peer", WON_AND_LOST, ids=lambda peer: peer.name)
def test_s3leader_sends_no_more_than_before(server: Emulator, peer: Peer) -> None:
    assert won_and_lost(server, peer, Path(sys.executable)) == WON_AND_LOST[peer]


def test_a_killed_leader_is_succeeded_with_the_counted_requests(server: Emulator) -> None:
    measuring = Measuring(server, [OURS, OURS_COLD], Path(sys.executable))
    found = measuring.takeovers(1)
    assert [dict(found[peer.name][0].requests) for peer in (OURS, OURS_COLD)] == [
        {"GET": 1, "PUT": 4, "tag": 2},
        {"LIST": 1, "GET": 1, "PUT": 3, "tag": 2},
    ]


def test_requests_of_a_holder_are_not_counted_as_its_candidates(server: Emulator) -> None:
    with server.child(OURS, Path(sys.executable), HOLDER) as holder:
        server.counts(OURS)
        holder.ask("hold", name="counted-apart", lease=LONG_S)
        assert server.counts(OURS) == {}
        assert server.counts(OURS, HOLDER)["PUT"] >= 1


@pytest.mark.skipif(
    not environment.is_ready(), reason="`scripts/bench --peers` has not installed the libraries"
)
@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.package)
def test_another_library_sends_what_is_published(server: Emulator, peer: Peer) -> None:
    assert won_and_lost(server, peer, environment.python()) == OF_PEERS[peer.package]


@pytest.mark.skipif(
    not environment.is_ready(), reason="`scripts/bench --peers` has not installed the libraries"
)
def test_the_surprising_statements_about_other_libraries_are_true(server: Emulator) -> None:
    script = Path(__file__).with_name("surprises.py")
    names = re.findall(r"^def (\w+)", script.read_text(), re.MULTILINE)
    command = [str(environment.python()), str(script), *names]
    env = server.environment(OURS)
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert json.loads(done.stdout or "null") == dict.fromkeys(names, True), done.stderr
