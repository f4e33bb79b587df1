"""Hooks: an `Observer` receives what happens in an election, as it happens.

    class Counts(Observer):
        def won(self, event: Won) -> None:
            statsd.increment("elected", tags=[f"election:{event.election}"])

    election = Election("nightly", bucket="locks", observer=Counts())

What is *not* guaranteed: that an event is delivered. A process may be killed before. An event says
what this candidate knows; the ledger says what happened.

A method is called in the thread in which the event happened: that of `campaign`, of a renewal, of
the job. Its time is time of the lease, so it should only count or enqueue. An exception that it
raises is logged and changes nothing. A fork of the process reports nothing about its parent's term.

`requests` counts those to the store since the campaign began, also in `Resigned`. `duration` is the
time since then; in `Resigned`, since the win.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

__all__ = [
    "CampaignLost",
    "LeadershipEnded",
    "Observer",
    "Renewed",
    "Resigned",
    "StoreAnswered",
    "Swept",
    "Won",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    election: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignLost(_Event):
    """`reason` is that of `NotElected`; `term` and `holder` are those of the highest lock, if any.

    `done` is the latest tick that is completed, as far as that lock shows.
    """

    reason: Literal["held", "done", "beaten", "exhausted", "stopped"]
    tick: datetime | None
    term: int | None
    holder: str | None
    done: datetime | None
    requests: int
    duration: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Won(_Event):
    """This candidate leads `term`. `took_over` if it sealed the lapsed lock of a dead leader."""

    term: int
    holder: str | None
    tick: datetime | None
    attempt: int
    leg: int
    repeat: bool
    took_over: bool
    requests: int
    duration: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewed(_Event):
    """A renewal or a checkpoint was written, with `left` of the lease when its answer came.

    `confirmed` is false if the answer was lost, or came after the deadline: the lease is as it was.
    """

    term: int
    left: timedelta
    confirmed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadershipEnded(_Event):
    """This candidate learned that it no longer leads, although it has not resigned.

    If no other candidate has changed its lock, it may still resign, and `Resigned` follows.
    """

    term: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resigned(_Event):
    """The term's lock is sealed; `duration` is the time since the win."""

    term: int
    tick: datetime | None
    outcome: Literal["completed", "failed", "resigned", "continued"]
    reason: str | None
    requests: int
    duration: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept(_Event):
    """A leader tagged `locks` old locks for deletion; `error` is why it could not tag the rest."""

    term: int
    locks: int
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreAnswered(_Event):
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

    def won(self, event: Won) -> None:
        """This candidate leads."""

    def renewed(self, event: Renewed) -> None:
        """The lease was renewed, with more than a third of it left."""

    def renewed_late(self, event: Renewed) -> None:
        """A renewal was not confirmed, or left less than a third of the lease: S3 or the process is
        slow, and leadership may be lost.
        """

    def leadership_ended(self, event: LeadershipEnded) -> None:
        """The lease has run out, or another writer has changed the lock. Once for each term."""

    def resigned(self, event: Resigned) -> None:
        """The term has ended, with its outcome."""

    def swept(self, event: Swept) -> None:
        """Old locks were tagged for the lifecycle rule, or could not be."""

    def store_answered(self, event: StoreAnswered) -> None:
        """One request to the store has ended. Called for every request."""
