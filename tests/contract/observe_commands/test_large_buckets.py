"""The commands as processes on a bucket with fifty thousand terms and a thousand elections."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.contract.observe_commands.table_server import TableServer, lock_of, serving
from tests.contract.servers import Server

TERMS, ELECTIONS = 50_000, 1000
LONG, MANY, FEW = "long/", "many/", "few/"


def body(key: str) -> bytes:
    if "broken-7/" in key:
        return b"[]"
    if key.endswith("hint.json"):
        return b'{"term": 49500}'
    return lock_of(int(key.rpartition("_")[2].removesuffix(".json")))


@pytest.fixture(scope="module")
def table() -> Iterator[TableServer]:
    keys = [f"{LONG}nightly/lock_{term:010d}.json" for term in range(1, TERMS + 1)]
    keys.append(f"{LONG}nightly/hint.json")
    keys += [f"{FEW}{name}/lock_{7:010d}.json" for name in ("a", "b", "c/d")]
    for number in range(ELECTIONS):
        name = "broken-7" if number == 7 else f"team-{number % 9}/job-{number}"
        keys += [f"{MANY}{name}/lock_{term:010d}.json" for term in range(1, 31)]
    with serving(keys, body) as server:
        yield server


@pytest.fixture
def server(table: TableServer) -> Iterator[TableServer]:
    table.requests.clear()
    yield table
    table.denied = ()


def environment(server: TableServer) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return kept | Server(server.endpoint).env | {"PYTHONPATH": os.pathsep.join(sys.path)}


def run(server: TableServer, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "s3leader_cli", *words, "--bucket", "locks"],
        check=False, capture_output=True, text=True, env=environment(server),
    )  # fmt: skip


def test_the_newest_of_fifty_thousand_terms_cost_a_read_each(server: TableServer) -> None:
    done = run(server, "history", "nightly", "--prefix", LONG, "--limit", "40", "--ndjson")
    terms = [json.loads(line)["term"] for line in done.stdout.splitlines()]
    assert (done.returncode, terms) == (0, [*range(TERMS, TERMS - 40, -1)])
    assert server.requests == {"LIST": 2, "GET": 41}  # one of them of the hint


def test_since_reads_no_further_back_than_it_must(server: TableServer) -> None:
    since = "2026-12-05T15:00:00Z"  # term 49,860
    words = ("--since", since, "--outcome", "completed", "--json")
    done = run(server, "history", "nightly", "--prefix", LONG, *words)
    assert [each["term"] for each in json.loads(done.stdout)["terms"]][-1] == 49_860
    assert server.requests["GET"] < 1000


def test_a_reader_that_closes_the_pipe_ends_the_reading(server: TableServer) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "s3leader_cli", "history", "nightly", "--bucket", "locks",
         "--prefix", LONG, "--all", "--ndjson"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(server),
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["term"] == TERMS
        process.stdout.close()
        assert (process.wait(), process.stderr.read()) == (0, "")
    assert server.requests["GET"] < TERMS / 10


def test_a_thousand_elections_cost_about_a_thousand_requests(server: TableServer) -> None:
    done = run(server, "list", "--prefix", MANY, "--json")
    states = [row["state"] for row in json.loads(done.stdout)["elections"]]
    assert (len(states), states.count("completed"), states.count("corrupt")) == (1000, 999, 1)
    assert done.returncode == 1  # for the corrupt one
    assert server.requests["GET"] < 1200
    assert server.requests["LIST"] < 200


def test_without_the_right_to_list_it_says_which_is_missing(server: TableServer) -> None:
    server.denied = (MANY,)
    done = run(server, "list", "--prefix", MANY)
    assert (done.returncode, "S3 denied s3:ListBucket on arn:aws:s3:::locks" in done.stderr) == (
        1, True,
    )  # fmt: skip


def test_elections_that_may_not_be_read_do_not_hide_others(server: TableServer) -> None:
    server.denied = (f"{FEW}b/",)
    done = run(server, "list", "--prefix", FEW, "--json")
    rows = {row["election"]: row for row in json.loads(done.stdout)["elections"]}
    assert {name: row["state"] for name, row in rows.items()} == {
        "a": "completed", "b": "unreadable", "c/d": "completed",
    }  # fmt: skip
    assert (done.returncode, "s3:GetObject" in rows["b"]["problem"]) == (1, True)


def test_watch_draws_the_state_on_a_terminal_until_ctrl_c(server: TableServer) -> None:
    terminal, its_output = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "s3leader_cli", "watch", "a", "--bucket", "locks", "--prefix", FEW],
        stdout=its_output, stderr=subprocess.PIPE, env=environment(server) | {"TERM": "xterm"},
    ) as process:  # fmt: skip
        os.close(its_output)
        drawn = b""
        while b"job-1 led term 7" not in drawn:
            drawn += os.read(terminal, 4096)
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130
    os.close(terminal)
    assert b"completed" in drawn


def test_a_prefix_without_elections_is_empty(server: TableServer) -> None:
    done = run(server, "list", "--prefix", "nothing/")
    assert (done.returncode, "there is no election in bucket locks" in done.stderr) == (0, True)
