"""Hooks: an `Observer` receives what happens in an election, as it happens.

    class Counts(Observer):
        def won(self, event: Won) -> None:
            statsd.increment("elected", tags=[f"election:{event.election}"])

    election = Election("nightly", bucket="locks", observer=Counts())

What is *not* guaranteed: that an event is delivered. A process may be killed before. An event says
what this candidate knows; the ledger says what happened.

Each campaign ends with one of `won`, `campaign_lost` and `campaign_failed`; each term that was won
ends with `leadership_ended`, `resigned` or both, unless it is simply left to its lease. `swept`
comes before `resigned`.

One observer may serve many elections: `event.address` is that of `Election.address` and
`Term.address`, and differs for elections of one name in two buckets or under two prefixes, so
`(event.address, event.term)` is a term.

A method is called in the thread in which the event happened: that of `campaign`, of a renewal, of
the job; under asyncio in the event loop. Its time is time of the lease, so it should only count or
enqueue. It must be a plain function, and must not call the term that it hears of. An exception that
it raises is logged and changes nothing. A fork of the process reports nothing about its parent's
term.

`vars(event)` is the event as a dict. `requests` counts those to the store since the campaign began,
also in `Resigned`. `duration` is the time since then; in `Resigned`, since the win.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar, Literal, dataclass_transform

__all__ = [
    "CampaignFailed",
    "CampaignLost",
    "Event",
    "LeadershipEnded",
    "Observer",
    "Renewed",
    "Resigned",
    "StoreAnswered",
    "Swept",
    "Won",
]


@dataclass_transform(frozen_default=True, kw_only_default=True)
class _Facts:
    """Makes its subclasses frozen records with keyword-only fields, all of them required.

    A function imports this module at each cold start, and `dataclass` would compile six methods for
    each event.
    """

    _fields: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls) -> None:
        cls._fields = cls._fields | cls.__annotations__.keys()

    def __init__(self, **facts: object) -> None:
        if facts.keys() != self._fields:
            wrong = ", ".join(sorted(facts.keys() ^ self._fields))
            raise TypeError(f"{type(self).__name__}: missing or unknown: {wrong}")
        vars(self).update(facts)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"cannot set {name}: events do not change")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"cannot delete {name}: events do not change")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    def __hash__(self) -> int:
        return hash((type(self), *(vars(self)[name] for name in sorted(self._fields))))

    def __repr__(self) -> str:
        facts = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({facts})"


class Event(_Facts):
    """What every event has: the election's name, and the address of its locks."""

    election: str
    address: str


class CampaignLost(Event):
    """`reason` is that of `NotElected`. `term`, `holder` and `term_tick` are those of the highest
    lock, if any; `done` is the latest tick that is completed, as far as that lock shows.
    """

    reason: Literal["held", "done", "beaten", "exhausted", "stopped"]
    tick: datetime | None
    term: int | None
    holder: str | None
    term_tick: datetime | None
    done: datetime | None
    requests: int
    duration: timedelta


class CampaignFailed(Event):
    """The campaign raised: this candidate does not lead, and it may be unknown who does.

    `kind` is the class of the error, such as `StoreUnavailable`, or `cancelled` if the campaign was
    cancelled or interrupted before its result; `error` is its class and its text. Of a
    `CorruptLock`, `key` is the lock and `problem` what is wrong with it.
    """

    tick: datetime | None
    kind: str
    error: str
    key: str | None
    problem: str | None
    requests: int
    duration: timedelta


class Won(Event):
    """This candidate leads `term`. `took_over` if it sealed the lapsed lock of a dead leader.

    `done` is the latest tick that an earlier term completed. `repeat` if an operator asked for a
    tick once more, for `repeat_reason`.
    """

    term: int
    holder: str | None
    tick: datetime | None
    attempt: int
    leg: int
    repeat: bool
    repeat_reason: str | None
    done: datetime | None
    took_over: bool
    requests: int
    duration: timedelta


class Renewed(Event):
    """A renewal or a checkpoint was written, with `left` of the lease when its answer came.

    `confirmed` is false if the answer was lost, came after the deadline, or was a refusal: the
    lease is as it was.
    """

    term: int
    left: timedelta
    confirmed: bool


class LeadershipEnded(Event):
    """This candidate learned that it no longer leads, although it has not resigned.

    `cause` is `ran_out` (the lease, by its own clock), `changed` (another writer changed the lock)
    or `unsealed` (it was resigning, and S3 did not say that the lock is sealed); `why` says it for
    people. A leader whose lease has run out may still resign, and `Resigned` follows.
    """

    term: int
    cause: Literal["ran_out", "changed", "unsealed"]
    why: str


class Resigned(Event):
    """The term's lock is sealed; `duration` is the time since the win."""

    term: int
    tick: datetime | None
    outcome: Literal["completed", "failed", "resigned", "continued"]
    reason: str | None
    requests: int
    duration: timedelta


class Swept(Event):
    """A leader tagged `locks` old locks for deletion; `error` is why it could not tag the rest."""

    term: int
    locks: int
    error: str | None


class StoreAnswered(Event):
    """The store answered a request, or did not: `answer` is then `unknown` or `refused`.

    `cause` says why, for people.
    """

    request: Literal["list", "read", "create", "replace", "tag"]
    key: str
    answer: Literal["listed", "found", "missing", "applied", "conflict", "unknown", "refused"]
    cause: str | None
    duration: timedelta


class Observer:
    """Override the methods whose events you want; each does nothing by itself."""

    def campaign_lost(self, event: CampaignLost) -> None:
        """Another candidate leads, or nothing is to be done."""

    def campaign_failed(self, event: CampaignFailed) -> None:
        """The campaign raised, so this candidate does not lead."""

    def won(self, event: Won) -> None:
        """This candidate leads."""

    def renewed(self, event: Renewed) -> None:
        """The lease was renewed, with more than a third of it left."""

    def renewed_late(self, event: Renewed) -> None:
        """A renewal was not confirmed, or left less than a third of the lease: S3 or the process is
        slow, and leadership may be lost.
        """

    def leadership_ended(self, event: LeadershipEnded) -> None:
        """The lease has run out, another writer has changed the lock, or the resignation was not
        confirmed. Once for each term.
        """

    def resigned(self, event: Resigned) -> None:
        """The term has ended, with its outcome."""

    def swept(self, event: Swept) -> None:
        """Old locks were tagged for the lifecycle rule, or could not be."""

    def store_answered(self, event: StoreAnswered) -> None:
        """One request to the store has ended. Called for every request."""
