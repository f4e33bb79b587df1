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

    from .racers import WaitForAll

GROUP: Final = "races"
_APPLIED: Final = "applied"
_REFUSED: Final = "refused"
_UNKNOWN: Final = "unknown"
_TWO_LEADERS: Final = "unusable: two candidates would lead at once"
_BATCH: Final = 5  # rounds between two looks at the clock
_COUNTING_S: Final = 120.0
COUNTERS: Final = 8
"""How many writers increment the counter."""
_LARGE: Final = 200_000  # bytes


def _outcome(answer: StoreAnswer) -> str:
    if isinstance(answer, Applied):
        return _APPLIED
    return _REFUSED if isinstance(answer, Conflict) else _UNKNOWN


def _body(writer: int, number: int) -> bytes:
    """Return a body that names its writer.

    Every other one is large, like a lock with a large checkpoint: a server that checks a condition
    and then stores the body takes longer between the two.
    """
    return str(writer).encode().ljust(_LARGE if number % 2 else 1)


def create_together(
    store: Store, wait_for_all: WaitForAll, writer: int, keys: list[str]
) -> list[str]:
    """Create each key at the same time as all others do."""
    outcomes = []
    for number, key in enumerate(keys):
        wait_for_all()
        outcomes.append(_outcome(store.perform(Create(key, _body(writer, number)))))
    return outcomes


def swap_together(
    store: Store, wait_for_all: WaitForAll, writer: int, etags: dict[str, str]
) -> list[str]:
    """Replace each object, on its ETag, at the same time as all others do."""
    outcomes = []
    for number, (key, etag) in enumerate(etags.items()):
        wait_for_all()
        outcomes.append(_outcome(store.perform(Replace(key, _body(writer, number), etag))))
    return outcomes


@dataclass
class _Tally:
    """How many rounds of a race there were, and how many answers were not known."""

    rounds: int = 0
    unknown: int = 0

    def add(self, subject: Subject, key: str, outcomes: list[str]) -> None:
        """Count a round, by the outcome of each writer's write to `key`: one must have won.

        The winner is the writer whose answer is 200, or whose body is stored: an answer may be
        lost.
        """
        self.rounds += 1
        self.unknown += outcomes.count(_UNKNOWN)
        answered = {writer for writer, outcome in enumerate(outcomes) if outcome == _APPLIED}
        winners = answered | _stored_writer(subject, key)
        if len(winners) > 1:
            seen = f"{len(answered)} of {len(outcomes)} concurrent writes were answered 200"
            if len(answered) == 1:
                seen = "a write was answered 200, and another one was stored"
            raise CheckFailed(f"{seen}, in round {self.rounds}")
        if not winners and _UNKNOWN not in outcomes:
            raise CheckFailed(f"round {self.rounds}: all {len(outcomes)} writes were refused")

    def describe(self, subject: Subject) -> str:
        """Return it for people."""
        racers = subject.racers
        where = f"{racers.processes} processes" if racers.processes > 1 else "threads"
        text = f"{self.rounds} rounds of {racers.number} writers in {where}"
        return text + (f", {self.unknown} answers unknown" if self.unknown else "")


def _stored_writer(subject: Subject, key: str) -> set[int]:
    """Return the writer whose body the object has; none if it is not there, or nobody's."""
    answer = subject.ask(Read(key))
    body = answer.body.decode().strip() if isinstance(answer, Found) else ""
    return {int(body)} if body.isdigit() else set()


def _race(subject: Subject, race_for: Callable[[list[str]], list[list[str]]]) -> str:
    """Race for new keys, one a round, until the rounds or the time are over.

    `race_for` lets all writers race for some keys, and returns each writer's outcomes.
    """
    if subject.racers.number < 2:
        raise NotChecked("this store takes no concurrent requests")
    tally, began = _Tally(), time.monotonic()
    keys = [subject.key(f"{number}.json") for number in range(subject.scale.rounds)]
    for first in range(0, len(keys), _BATCH):
        some = keys[first : first + _BATCH]
        outcomes_by_key = zip(*race_for(some), strict=True)
        for key, outcomes in zip(some, outcomes_by_key, strict=True):
            tally.add(subject, key, list(outcomes))
        if time.monotonic() - began > subject.scale.race_s:
            break
    return tally.describe(subject)


def _one_create_wins(subject: Subject) -> str:
    return _race(subject, lambda keys: subject.racers.run(create_together, keys))


def _one_swap_wins(subject: Subject) -> str:
    def race_for(keys: list[str]) -> list[list[str]]:
        etags = {key: subject.write(Create(key, b"first")) for key in keys}
        return subject.racers.run(swap_together, etags)

    return _race(subject, race_for)


def increment(store: Store, wait_for_all: WaitForAll, writer: int, key: str, times: int) -> int:
    """Add to this writer's own count in a shared object, and return how often that was done.

    The object has a count for each writer, so it also shows whether a write without an answer was
    applied. Only the first writers take part: each success of one makes all others try again.
    """
    wait_for_all()
    if writer >= COUNTERS:
        return 0
    deadline, done = time.monotonic() + _COUNTING_S, 0
    while done < times and time.monotonic() < deadline:
        answer = store.perform(Read(key))
        if not isinstance(answer, Found):
            continue
        counts: dict[str, Any] = json.loads(answer.body)
        stored = counts.get(str(writer), 0)
        if stored not in {done, done + 1}:
            return done  # an increment was lost: the sum shows it
        if stored == done + 1:
            done += 1  # it was applied, and its answer was lost
            continue
        body = json.dumps(counts | {str(writer): done + 1}).encode()
        if isinstance(store.perform(Replace(key, body, answer.etag)), Applied):
            done += 1
    return done


def _no_increment_is_lost(subject: Subject) -> str:
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
        raise CheckFailed(f"no writer could increment a counter within {_COUNTING_S:.0f} s")
    rate = f"{total / max(took, 0.001):.0f} a second"
    return f"{total} increments by {min(subject.racers.number, COUNTERS)} writers, {rate}"


def write_fenced(store: Store, wait_for_all: WaitForAll, writer: int, key: str) -> None:
    """Write a fenced object with this writer's token, which no other writer has."""
    wait_for_all()
    document = fenced_object(key, store=store)
    with suppress(StaleToken, Overwritten, StoreUnavailable):
        document.write({"by": writer}, token=writer + 1, after=document.claim(writer + 1))


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
        if_missing=_TWO_LEADERS,
        run=_one_create_wins,
        costs=_race_costs,
    ),
    Check(
        name="one swap wins",
        group=GROUP,
        statement="Of concurrent compare-and-swaps on one ETag, exactly one is applied.",
        rules="R2, R3",
        if_missing=_TWO_LEADERS,
        run=_one_swap_wins,
        costs=_race_costs,
    ),
    Check(
        name="no increment is lost",
        group=GROUP,
        statement="A counter that many writers increment by compare-and-swap loses no increment.",
        rules="R2",
        if_missing=_TWO_LEADERS,
        run=_no_increment_is_lost,
        costs=count_costs,
    ),
    Check(
        name="fenced writes",
        group=GROUP,
        statement="The token of a fenced object is the highest that ever wrote it.",
        rules="fencing",
        if_missing="works without FencedObject",
        run=_keeps_highest_token,
        fatal=False,
        costs=lambda _, writers: Costs(writes=4 * writers, reads=6 * writers),
    ),
)
