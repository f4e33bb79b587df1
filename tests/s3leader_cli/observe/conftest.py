"""Commands on a bucket with several elections, in memory."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from s3leader import Election, Term, testing
from s3leader._core.requests import List, Listed
from s3leader._io.memory_store import MemoryStore
from s3leader_cli.__main__ import main
from s3leader_cli.observe.find import Page
from s3leader_cli.options import BucketPlace, ElectionPlace

TICK = "2026-11-23T06:00:00Z"
START = datetime(2026, 11, 23, 6, 0, 1, tzinfo=UTC)


class Bucket:
    """Runs commands on a bucket; S3, the candidates and this machine share one clock."""

    def __init__(self, capsys: pytest.CaptureFixture[str], page_size: int = 1000) -> None:
        self.clock = testing.FakeClock(START)
        self.store = MemoryStore(clock_ms=self.clock.read_ms, page_size=page_size)
        self.capsys = capsys
        self.lists = 0
        self.meets: dict[str, Exception] = {}

    def election(self, name: str = "nightly", candidate: str = "c1") -> Election:
        if name in self.meets:
            raise self.meets[name]
        return testing.election(name, store=self.store, clock=self.clock, candidate=candidate)

    def lead(self, name: str = "nightly", tick: str = TICK, candidate: str = "c1") -> Term:
        term = self.election(name, candidate).campaign(tick=tick)
        assert isinstance(term, Term)
        return term

    def put(self, term: int, body: dict[str, Any] | str, name: str = "nightly") -> None:
        text = body if isinstance(body, str) else json.dumps({"term": term, **body})
        self.store.put(f"elections/{name}/lock_{term:010d}.json", text.encode())

    def run(self, *words: str) -> tuple[int, str, str]:
        def elect(place: ElectionPlace) -> Election:
            return self.election(place.election)

        code = main([*words, "--bucket", "locks"], elect=elect)
        out, err = self.capsys.readouterr()
        return code, out, err

    def json(self, *words: str) -> Any:
        return json.loads(self.run(*words, "--json")[1])

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(timedelta(seconds=seconds))

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.read_ms() / 1000, UTC)

    def list_keys(self, prefix: str, after: str, folders: bool) -> Page:  # noqa: FBT001 - a callback
        self.lists += 1
        if folders:
            names = {
                prefix + key.removeprefix(prefix).split("/")[0] + "/"
                for key in self.store.keys()  # noqa: SIM118 - no dict
                if key.startswith(prefix) and "/" in key.removeprefix(prefix)
            }
            return Page(keys=(), folders=tuple(sorted(names)), more=False)
        page = self.store.perform(List(prefix, after or None))
        assert isinstance(page, Listed)
        return Page(keys=page.keys, more=page.truncated)


@pytest.fixture
def make_bucket(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[[int], Bucket]:
    def make(page_size: int) -> Bucket:
        bucket = Bucket(capsys, page_size)
        monkeypatch.setenv("COLUMNS", "200")

        def keys_of(_: BucketPlace) -> Callable[[str, str, bool], Page]:
            return bucket.list_keys

        monkeypatch.setattr("s3leader_cli.aws.keys.keys_of", keys_of)
        for module in ("times", "observe.missed", "observe.watch"):
            monkeypatch.setattr(f"s3leader_cli.{module}.now", bucket.now)
        return bucket

    return make


@pytest.fixture
def bucket(make_bucket: Callable[[int], Bucket]) -> Bucket:
    return make_bucket(1000)
