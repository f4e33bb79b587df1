"""The `s3leader` command in this process, over the memory store, whose clock the tests set."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from s3leader import Election, Term, testing
from s3leader._core.requests import Create
from s3leader._io.memory_store import MemoryStore
from s3leader_cli.__main__ import main
from s3leader_cli.options import ElectionPlace

TICK = "2026-11-23T06:00:00Z"
START = datetime(2026, 11, 23, 6, 0, 1, tzinfo=UTC)
FIRST, SECOND = (f"elections/nightly/lock_000000000{n}.json" for n in (1, 2))


class Cli:
    """Runs commands on one bucket; S3 and all candidates share one clock."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.clock = testing.FakeClock(START)
        self.store = MemoryStore(clock_ms=self.clock.read_ms)
        self.capsys = capsys
        self.asked: list[str] = []
        self.meanwhile: Callable[[], object] = lambda: None

    def election(
        self, candidate: str = "operator", lease: timedelta = timedelta(seconds=30)
    ) -> Election:
        return testing.election(
            "nightly", store=self.store, clock=self.clock, candidate=candidate, lease=lease
        )

    def lead(self, candidate: str = "c1") -> Term:
        term = self.election(candidate=candidate).campaign(tick=TICK)
        assert isinstance(term, Term)
        return term

    def run(self, *argv: str, answer: str | None = None) -> tuple[int, str, str]:
        def elect(options: ElectionPlace) -> Election:
            return self.election(lease=options.lease)

        def ask(question: str) -> str:
            self.asked.append(question)
            self.meanwhile()
            return answer or ""

        command, *rest = argv
        words = [command, "nightly", "--bucket", "locks", *rest]
        code = main(words, elect=elect, ask=None if answer is None else ask)
        out, err = self.capsys.readouterr()
        return code, out, err

    def status(self) -> dict[str, Any]:
        _, out, _ = self.run("status", "--json")
        report: dict[str, Any] = json.loads(out)
        return report

    def corrupt(self) -> None:
        self.store.perform(Create(FIRST, b"[]"))

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(timedelta(seconds=seconds))
