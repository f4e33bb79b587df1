"""`s3leader watch` as a process on an embedded server, while a leader is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest

from s3leader import Election, Term
from s3leader._io.boto3_client import make_boto3_client
from tests.contract.servers import Server

BUCKET = "watched"
TICK = "2026-11-23T06:00:00Z"
LEADER = """\
import sys, time
from datetime import timedelta
from s3leader import Election
election = Election("nightly", bucket=sys.argv[1], lease=timedelta(seconds=2), candidate="dies")
term = election.campaign(tick=sys.argv[2])
print(term.number, flush=True)
time.sleep(1000)
"""


@pytest.fixture
def environment(ministack: Server, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    for variable, value in ministack.env.items():
        monkeypatch.setenv(variable, value)
    make_boto3_client(30, "us-east-1").create_bucket(Bucket=f"{BUCKET}-empty")
    make_boto3_client(30, "us-east-1").create_bucket(Bucket=BUCKET)
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return kept | ministack.env | {"PYTHONPATH": os.pathsep.join(sys.path)}


@pytest.fixture
def watch(environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    words = ["watch", "nightly", "--bucket", BUCKET, "--interval", "0.2", "--json"]
    with subprocess.Popen(
        [sys.executable, "-m", "s3leader_cli", *words],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        yield process
        process.kill()


def test_a_leader_that_is_killed_is_seen_lapsing_lapsed_and_taken_over(
    watch: subprocess.Popen[str], environment: dict[str, str]
) -> None:
    assert watch.stdout is not None
    assert watch.stderr is not None
    assert "Waiting for its first term" in watch.stderr.readline()
    with subprocess.Popen(
        [sys.executable, "-c", LEADER, BUCKET, TICK], env=environment, stdout=subprocess.PIPE
    ) as leader:
        assert leader.stdout is not None
        assert leader.stdout.readline() == b"1\n"
        leader.kill()
    lines = map(json.loads, watch.stdout)
    assert next(lines)["holder"] == "dies"
    seen = next(lines)["event"]
    if seen == "lapsing":  # not on a machine that stands still for three seconds
        seen = next(lines)["event"]
    assert seen == "lapsed"
    term = Election(
        "nightly", bucket=BUCKET, lease=timedelta(seconds=30), candidate="next"
    ).campaign(tick=TICK)
    assert isinstance(term, Term)
    ended, leads = next(lines), next(lines)
    assert (ended["outcome"], leads["holder"], leads["took_over"]) == ("deposed", "next", True)
    watch.send_signal(signal.SIGINT)
    assert watch.wait() == 130
    assert "interrupted" in watch.stderr.read()


def test_the_elections_of_a_bucket_are_listed(environment: dict[str, str]) -> None:
    def listed(bucket: str) -> list[tuple[str, str]]:
        words = ["list", "--bucket", bucket, "--json"]
        done = subprocess.run(
            [sys.executable, "-m", "s3leader_cli", *words],
            env=environment, stdout=subprocess.PIPE, check=True,
        )  # fmt: skip
        rows = json.loads(done.stdout)["elections"]
        return [(row["election"], row["state"]) for row in rows]

    for name in ("team/weekly", "team/a/hourly"):
        term = Election(name, bucket=BUCKET).campaign()
        assert isinstance(term, Term)
        term.resign()
    assert listed(f"{BUCKET}-empty") == []
    elections = [each for each in listed(BUCKET) if each[0] != "nightly"]
    assert elections == [("team/a/hourly", "completed"), ("team/weekly", "completed")]
