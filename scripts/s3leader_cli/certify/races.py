"""Concurrent writes to one object: exactly one of them is applied."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from s3leader._core.requests import Applied, Conflict, Create, Found, Read, Replace
from s3leader.errors import Overwritten, StaleToken, StoreUnavailable
from s3leader.testing import fenced_object

from .check import Check, CheckFailed, Costs, NotChecked, Scale, Subject

if TYPE_CHECKING:
    from s3leader._core.requests import Store, StoreAnswer

    from .racers import Line

GROUP: Final = "races"
_APPLIED: Final = "applied"
_REFUSED: Final = "refused"
_UNKNOWN: Final = "unknown"
_TWO_LEADERS: Final = "unusable: two candidates would lead at once"
_BATCH: Final = 5  # rounds between two looks at the clock
_COUNT_S: Final = 120.0
COUNTERS: Final = 8
_LARGE: Final = 200_000  # bytes


def _outcome(answer: StoreAnswer) -> str:
    if isinstance(answer, Applied):
        return _APPLIED
    return _REFUSED if isinstance(answer, Conflict) else _UNKNOWN


def _body(me: int, number: int) -> bytes:
    """Return a body that names its writer. Every other one is large, like a lock with a large
    checkpoint: a server that checks a condition and then stores the body has a wider gap there.
    """
    return str(me).encode().ljust(_LARGE if number % 2 else 1)


def create_together(store: Store, line: Line, me: int, keys: list[str]) -> list[str]:
    """Create each key at the same time as all others do."""
    outcomes = []
    for number, key in enumerate(keys):
        line()
        outcomes.append(_outcome(store.perform(Create(key, _body(me, number)))))
    return outcomes


def swap_together(store: Store, line: Line, me: int, etags: dict[str, str]) -> list[str]:
    """Replace each object, on its ETag, at the same time as all others do."""
    outcomes = []
    for number, (key, etag) in enumerate(etags.items()):
        line()
        outcomes.append(_outcome(store.perform(Replace(key, _body(me, number), etag))))
    return outcomes


@dataclass
class _Tally:
    """What rounds of a race came to."""

    rounds: int = 0
    unknown: int = 0

    def add(self, subject: Subject, key: str, outcomes: list[str]) -> None:
        """Count a round, whose winners must be one."""
        self.rounds += 1
        self.unknown += outcomes.count(_UNKNOWN)
        winners = {me for me, outcome in enumerate(outcomes) if outcome == _APPLIED}
        answer = subject.ask(Read(key))
        body = answer.body.decode().strip() if isinstance(answer, Found) else ""
        written = {int(body)} if body.isdigit() else set()
        if len(winners | written) > 1:
            seen = f"{len(winners)} of {len(outcomes)} concurrent writes were answered 200"
            if len(winners) == 1:
                seen = "a write was answered 200, and another one was stored"
            raise CheckFailed(f"{seen}, in round {self.rounds}")
        if not winners | written and _UNKNOWN not in outcomes:
            raise CheckFailed(f"round {self.rounds}: all {len(outcomes)} writes were refused")

    def describe(self, subject: Subject) -> str:
        """Return it for people."""
        racers = subject.racers
        where = f"{racers.processes} processes" if racers.processes > 1 else "threads"
        text = f"{self.rounds} rounds of {racers.number} writers in {where}"
        return text + (f", {self.unknown} answers unknown" if self.unknown else "")


def _rounds(subject: Subject, batch: Callable[[list[str]], list[list[str]]]) -> str:
    """Race for new keys, some rounds at a time; `batch` returns each writer's outcomes."""
    if subject.racers.number < 2:
        raise NotChecked("this store takes no concurrent requests")
    tally, began = _Tally(), time.monotonic()
    keys = [subject.key(f"{number}.json") for number in range(subject.scale.rounds)]
    for first in range(0, len(keys), _BATCH):
        some = keys[first : first + _BATCH]
        for key, outcomes in zip(some, zip(*batch(some), strict=True), strict=True):
            tally.add(subject, key, list(outcomes))
        if time.monotonic() - began > subject.scale.race_s:
            break
    return tally.describe(subject)


def _one_create(subject: Subject) -> str:
    return _rounds(subject, lambda keys: subject.racers.run(create_together, keys))


def _one_swap(subject: Subject) -> str:
    def batch(keys: list[str]) -> list[list[str]]:
        etags = {key: subject.write(Create(key, b"first")) for key in keys}
        return subject.racers.run(swap_together, etags)

    return _rounds(subject, batch)


def increment(store: Store, line: Line, me: int, key: str, times: int) -> int:
    """Add to this writer's own count in a shared object, and return how often that was done.

    The object says whether a write without an answer was applied. Only the first writers take part:
    each success of one makes all others try again.
    """
    line()
    if me >= COUNTERS:
        return 0
    deadline, mine = time.monotonic() + _COUNT_S, 0
    while mine < times and time.monotonic() < deadline:
        answer = store.perform(Read(key))
        if not isinstance(answer, Found):
            continue
        counts: dict[str, Any] = json.loads(answer.body)
        if counts.get(str(me), 0) not in {mine, mine + 1}:
            return mine  # an increment was lost: the sum shows it
        if counts.get(str(me), 0) == mine + 1:
            mine += 1  # the answer was lost
            continue
        body = json.dumps(counts | {str(me): mine + 1}).encode()
        mine += isinstance(store.perform(Replace(key, body, answer.etag)), Applied)
    return mine


def _counts(subject: Subject) -> str:
    if subject.racers.number < 2:
        raise NotChecked("this store takes no concurrent requests")
    key = subject.key("counter.json")
    subject.write(Create(key, b"{}"))
    began = time.monotonic()
    done = subject.racers.run(increment, key, subject.scale.increments)
    took = time.monotonic() - began
    total = sum(json.loads(subject.read(key).body).values())
    if total != sum(done):
        raise CheckFailed(f"{sum(done)} increments were answered 200, and {total} were stored")
    if total == 0:
        raise CheckFailed(f"no writer could increment a counter within {_COUNT_S:.0f} s")
    rate = f"{total / max(took, 0.001):.0f} a second"
    return f"{total} increments by {min(subject.racers.number, COUNTERS)} writers, {rate}"


def write_fenced(store: Store, line: Line, me: int, key: str) -> None:
    """Write a fenced object with a token of one's own."""
    line()
    document = fenced_object(key, store=store)
    with suppress(StaleToken, Overwritten, StoreUnavailable):
        document.write({"by": me}, token=me + 1, after=document.claim(me + 1))


def _keeps_highest_token(subject: Subject) -> str:
    if subject.racers.number < 2:
        raise NotChecked("this store takes no concurrent requests")
    key = subject.key("fenced.json")
    subject.racers.run(write_fenced, key)
    last = fenced_object(key, store=subject.store).read()
    if last is None or last.token != subject.racers.number:
        seen = "none" if last is None else last.token
        raise CheckFailed(f"the token is {seen} after one of {subject.racers.number}")
    return f"{subject.racers.number} tokens at once"


def _race_costs(scale: Scale, writers: int) -> Costs:
    return Costs(writes=scale.rounds * (writers + 1), reads=scale.rounds)


def count_costs(scale: Scale, writers: int) -> Costs:
    """Return the requests of writers that increment one counter, about."""
    tries = scale.increments * min(writers, COUNTERS) * 3
    return Costs(writes=tries, reads=tries)


CHECKS: Final = (
    Check(
        name="one create wins",
        group=GROUP,
        statement="Of concurrent creates of one key, exactly one is applied.",
        rules="R1",
        without=_TWO_LEADERS,
        run=_one_create,
        costs=_race_costs,
    ),
    Check(
        name="one swap wins",
        group=GROUP,
        statement="Of concurrent compare-and-swaps on one ETag, exactly one is applied.",
        rules="R2, R3",
        without=_TWO_LEADERS,
        run=_one_swap,
        costs=_race_costs,
    ),
    Check(
        name="no increment is lost",
        group=GROUP,
        statement="A counter that many writers increment by compare-and-swap loses no increment.",
        rules="R2",
        without=_TWO_LEADERS,
        run=_counts,
        costs=count_costs,
    ),
    Check(
        name="fenced writes",
        group=GROUP,
        statement="The token of a fenced object is the highest that ever wrote it.",
        rules="fencing",
        without="works without FencedObject",
        run=_keeps_highest_token,
        fatal=False,
        costs=lambda _, writers: Costs(writes=4 * writers, reads=6 * writers),
    ),
)
