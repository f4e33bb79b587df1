"""The emulator with S3 and DynamoDB that all libraries share, and the front before it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from local_cloud.cloud import LocalCloud
from s3leader_bench.peers.environment import ROOT
from s3leader_bench.peers.process import PeerProcess
from s3leader_bench.peers.registry import Peer, Table
from s3leader_bench.stub.process import Stub

BUCKET: Final = "peers"
CANDIDATE, HOLDER = ROLES = "CANDIDATE", "HOLDER"  # they are counted apart


class Emulator:
    """Starts children whose requests go through the front, and counts what they send."""

    def __init__(self, front: Stub, directory: Path) -> None:
        self.front = front
        self._directory = directory

    def child(self, peer: Peer, python: Path, role: str = CANDIDATE) -> PeerProcess:
        """Return a new process of a library; its key id says whose requests are counted."""
        command = [str(python), "-m", "s3leader_bench.peers.child", peer.adapter]
        log = self._directory / f"{peer.adapter}.log"
        return PeerProcess(peer.name, command, self.environment(peer, role), log)

    def counts(self, peer: Peer, role: str = CANDIDATE) -> dict[str, int]:
        """Return the requests of a library's processes since the last call."""
        return dict(self.front.counts(_key_id(peer, role)))

    def environment(self, peer: Peer, role: str = CANDIDATE) -> Mapping[str, str]:
        """Return the whole environment of a process whose requests are counted for a library."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        return {
            **kept,
            **self.front.env,
            "AWS_ACCESS_KEY_ID": _key_id(peer, role),
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "HOME": str(self._directory),
            "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "scripts", ROOT / "lambda_src"))),
            "PYTHONWARNINGS": "ignore",
            "BENCH_BUCKET": BUCKET,
        }


@contextmanager
def emulator(peers: Sequence[Peer]) -> Iterator[Emulator]:
    """Run ministack with a bucket and the tables of these libraries, and a front before it."""
    with tempfile.TemporaryDirectory(prefix="s3leader-bench-") as folder:
        directory = Path(folder)
        with LocalCloud(directory) as cloud:
            cloud.client("s3").create_bucket(Bucket=BUCKET)
            for table in {peer.table for peer in peers if peer.table is not None}:
                _create(cloud.client("dynamodb"), table)
            with Stub(cloud.settings["AWS_ENDPOINT_URL"]) as front:
                yield Emulator(front, directory)


def _create(dynamodb: Any, table: Table) -> None:  # noqa: ANN401 - LocalCloud's clients are untyped
    dynamodb.create_table(
        TableName=table.name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": kind} for name, kind in table.keys
        ],
        KeySchema=[
            {"AttributeName": name, "KeyType": kind}
            for (name, _), kind in zip(table.keys, ("HASH", "RANGE"), strict=False)
        ],
    )


def _key_id(peer: Peer, role: str) -> str:
    return f"{role}_{peer.adapter}".upper()
