"""Each check fails on a store that lacks what it checks, and all pass on one that lacks nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from s3leader._core.requests import (
    Applied,
    Conflict,
    Create,
    Found,
    Read,
    Replace,
    Store,
    Tag,
)
from s3leader.testing import MemoryStore
from s3leader_cli.certify.check import Scale, Subject
from s3leader_cli.certify.checks import CHECKS
from s3leader_cli.certify.inspection import examine
from s3leader_cli.certify.racers import ThreadRacers
from s3leader_cli.certify.report import Outcome
from tests.s3leader_cli.certify.broken_stores import (
    Extras,
    LateLists,
    Racy,
    StaleReads,
    answering,
    found_as,
    jumping,
    keys_as,
    last_segment,
    listed_as,
    lists_asked_as,
    low_token,
    quoted,
    retagging,
    shortened,
    undated,
    whole,
)

SCALE = Scale(
    rounds=3, increments=2, terms=6, samples=1, connections=2, pages=True, processes=1,
    threads=4, race_s=0.0,
)  # fmt: skip
INVENTED = Found(b"", '"1"', 0, 0)
HOUR_MS = 3_600_000


def subject(store: Store, extras: Extras | None = None) -> Subject:
    return Subject(
        store=store,
        dated=store,
        connect=lambda: store,
        folder="certify/",
        racers=ThreadRacers(store, 4),
        scale=SCALE,
        extras=extras or Extras(),
        sleep=lambda _: None,
    )


def outcome(name: str, examined: Subject) -> Outcome:
    (check,) = (check for check in CHECKS if check.name == name)
    return examine(check, examined).outcome


BROKEN: dict[str, Callable[[], Store]] = {
    "bytes": lambda: found_as(shortened),
    "slashes": lambda: keys_as(last_segment),
    "unusual keys": lambda: keys_as(lambda key: key.partition("?")[0][:12]),
    "create on an existing key": lambda: MemoryStore(ignores={Create}),
    "swap on the last ETag": lambda: answering(Replace, Conflict(0)),
    "swap on an old ETag": lambda: MemoryStore(ignores={Replace}),
    "swap of a missing key": lambda: MemoryStore(ignores={Replace}),
    "missing key": lambda: answering(Read, INVENTED),
    "reads see writes": StaleReads,
    "order": lambda: listed_as(lambda page: replace(page, keys=page.keys[::-1])),
    "prefix": lambda: lists_asked_as(lambda one: replace(one, prefix="")),
    "StartAfter": lambda: lists_asked_as(lambda one: replace(one, start_after=None)),
    "lists see creates": LateLists,
    "unusual keys in lists": lambda: listed_as(quoted),
    "second page": lambda: listed_as(whole),
    "Date": undated,
    "Date advances": lambda: MemoryStore(clock_ms=lambda: 1000),
    "Last-Modified": lambda: found_as(
        lambda found: replace(found, modified_ms=found.modified_ms - HOUR_MS)
    ),
    "Last-Modified advances": lambda: found_as(lambda found: replace(found, modified_ms=1000)),
    "skew": jumping,
    "tags change nothing else": retagging,
    "tags need an object": lambda: answering(Tag, Applied("", 0)),
    "one create wins": Racy,
    "one swap wins": Racy,
    "no increment is lost": Racy,
    "fenced writes": lambda: found_as(low_token),
    "lost answers": lambda: MemoryStore(ignores={Create}),
    "terms in turn": lambda: MemoryStore(ignores={Replace}),
    "one leader for each tick": Racy,
    "unprotected counter": Racy,
}
BEYOND = {
    "codes of refusals": Extras(codes=["412 PreconditionFailed", "400 InvalidRequest", "501"]),
    "tags are kept": Extras(kept={}),
}


def test_each_check_has_a_store_that_fails_it() -> None:
    assert {check.name for check in CHECKS} == {*BROKEN, *BEYOND}


@pytest.mark.parametrize("name", BROKEN)
def test_check_fails_on_a_store_with_its_fault(name: str) -> None:
    assert outcome(name, subject(BROKEN[name]())) is Outcome.FAIL


@pytest.mark.parametrize("name", BEYOND)
def test_check_fails_where_the_server_says_otherwise(name: str) -> None:
    assert outcome(name, subject(MemoryStore(), BEYOND[name])) is Outcome.FAIL


def test_clock_that_jumps_fails() -> None:
    assert outcome("Date advances", subject(jumping())) is Outcome.FAIL


@pytest.mark.parametrize("name", [check.name for check in CHECKS])
def test_check_passes_on_the_memory_store(name: str) -> None:
    time_ms = iter(range(1_795_000_000_000, 10**14, 50))
    slow = "advance" in name  # by the real clock these two would wait for its next second
    store = MemoryStore(clock_ms=lambda: next(time_ms)) if slow else MemoryStore()
    assert outcome(name, subject(store)) is Outcome.PASS
