"""Which errors of the job a candidate of the demo survives."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from compaction import InputsWithheld, Summary
from compaction.manifest import CorruptManifest
from compaction.writer import KeyTaken
from s3leader import BucketUnusable, Election, LeadershipLost, StaleToken, StoreUnavailable
from s3leader.testing import MemoryStore, election
from s3leader_demo import candidate
from tests.compaction.fake_s3 import s3_error

MAY_PASS = [
    LeadershipLost(term=1, why="a test"),
    StaleToken(key="manifest", token=1, written_token=2),
    StoreUnavailable("no answer"),
    InputsWithheld(Summary(term=1, withheld=1)),
    s3_error("GetObject", "SlowDown", 503),
    ReadTimeoutError(endpoint_url="s3"),
]
NEED_A_HUMAN = [
    BucketUnusable("denied", action="s3:PutObject", resource="*", code="AccessDenied"),
    CorruptManifest("a test"),
    KeyTaken("part"),
]


def campaign(monkeypatch: pytest.MonkeyPatch, error: Exception, *, times: int = 1) -> int:
    """Run a candidate whose first terms end in `error`; return how many terms it leads."""
    store, ends, terms = MemoryStore(), deque([error] * times), 0

    def start(name: str, *, bucket: str, **options: Any) -> Election:
        assert bucket == "locks"
        return election(name, store=store, **options)

    def compact(*_: Any, **__: Any) -> None:
        nonlocal terms
        terms += 1
        if ends:
            raise ends.popleft()

    monkeypatch.setattr(candidate, "exit_with_parent", lambda pipe: None)
    monkeypatch.setattr(candidate, "connections", lambda bucket: (None, None))
    monkeypatch.setattr(candidate, "Election", start)
    monkeypatch.setattr(candidate, "compact", compact)
    candidate.main("0", "demo", "locks", "data", "2026-11-23T06:00:00Z")
    return terms


@pytest.mark.parametrize("error", MAY_PASS, ids=lambda error: type(error).__name__)
def test_candidate_campaigns_again_after_an_error_that_may_pass(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    assert campaign(monkeypatch, error) == 2


def test_candidate_gives_the_tick_up_after_twenty_terms(monkeypatch: pytest.MonkeyPatch) -> None:
    assert campaign(monkeypatch, StoreUnavailable("no answer"), times=100) == 20


@pytest.mark.parametrize("error", NEED_A_HUMAN, ids=lambda error: type(error).__name__)
def test_candidate_ends_with_an_error_that_needs_a_human(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    with pytest.raises(type(error)):
        campaign(monkeypatch, error)
