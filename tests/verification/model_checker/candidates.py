"""Candidate programs: each campaigns, works, renews, resigns, and campaigns again."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any, Literal

from s3leader._core import protocol
from s3leader._core.candidate import CandidateConfig, LedgerHead
from s3leader._core.depose import depose
from s3leader._core.holding import Holding, renew, resign
from s3leader._core.next_lock import Work
from s3leader._core.times import format_time
from s3leader.errors import (
    BucketUnusable,
    CorruptLock,
    InvalidArgument,
    LeadershipLost,
    StillHeld,
    StoreUnavailable,
)

from .fenced_writers import fenced_writer
from .machine import (
    Choose,
    Factory,
    Leads,
    Nonces,
    Now,
    Program,
    ReportsNoTerm,
    ReportsOutcome,
    ReportsUnusableBucket,
    StopsLeading,
    Yielded,
)

LEASE_MS = 1000
SKEW_MS = 1500  # a second of grain, and half of one between front ends
FOLDER = "e/"
TICKS = tuple(datetime(1970, 1, 1, 0, minute, tzinfo=UTC) for minute in range(4))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`ticks` to campaign for, one after another (a number of hours, or None for no tick).

    `nonces` is whose nonces it draws: its own, or, for a clone that shares another's random
    numbers too, the other's. `rate` is how many milliseconds its stopwatch counts in one.
    `deposes` makes it an operator, who seals the highest lock once, by `force` or not.
    """

    name: str
    ticks: Sequence[int | None] = ()
    renewals: int = 0
    may_fail: bool = False
    may_continue: bool = False  # seal a term as continued; the next of `ticks` is the next leg
    repeat: bool = False  # lead completed ticks again
    wait_ms: int = 0
    known: LedgerHead | None = None  # what it remembers from before (R9)
    lease_ms: int = LEASE_MS
    clock_skew_ms: int = SKEW_MS
    max_attempts: int | None = None
    nonces: str | None = None
    rate: Fraction = Fraction(1)
    deposes: bool = False
    force: bool = False
    token: int | None = None  # it writes a fenced object with this token, and does not campaign
    done: Literal["none"] | None = None  # what the operator says of a corrupt lock


def candidate_program(plan: Plan) -> Factory:
    """Return what starts the program of a candidate, an operator or a fenced writer."""
    drawn_as = plan.nonces or plan.name

    def begin(nonces: Nonces) -> Program:
        if plan.token is not None:
            return fenced_writer(plan.name, plan.token, nonces)
        rules = CandidateConfig(
            folder=FOLDER,
            candidate=plan.name,
            nonce=lambda: f"{drawn_as}#{nonces()}",
            lease_ms=plan.lease_ms,
            clock_skew_ms=plan.clock_skew_ms,
            max_attempts=plan.max_attempts,
        )
        return _operate(plan, rules) if plan.deposes else _live(plan, rules)

    return begin


def _live(plan: Plan, rules: CandidateConfig) -> Program:
    known = plan.known
    for turn in range(len(plan.ticks)):  # `turn` tells the machine where the loop stands
        hour = plan.ticks[turn]
        tick = None if hour is None else TICKS[hour]
        now_ms = yield Now()
        try:
            result = yield from protocol.campaign(
                rules,
                Work(tick=tick, repeat=plan.repeat),
                wait_ms=plan.wait_ms,
                known=known,
                now_ms=now_ms,
            )
            if isinstance(result, protocol.Lost):
                known = result.head
                yield ReportsNoTerm(None)
                continue
            known = yield from _lead(plan, rules, result.holding)
        except LeadershipLost as lost:
            known = None
            yield StopsLeading()
            yield ReportsNoTerm(lost.term)
        except BucketUnusable:
            yield StopsLeading()
            yield ReportsUnusableBucket()
        except (StoreUnavailable, CorruptLock):
            yield StopsLeading()


def _lead(
    plan: Plan, rules: CandidateConfig, holding: Holding
) -> Generator[Yielded, Any, LedgerHead]:
    """Renew, or not, and resign; return what is worth remembering."""
    yield _leads(holding)
    for left in range(plan.renewals, -1, -1):
        if (yield Choose(("renew", "finish") if left else ("finish",))) == "finish":
            break
        now_ms = yield Now()
        if now_ms >= holding.deadline_ms:
            break
        holding = yield from renew(rules, holding)
        yield _leads(holding)
    outcomes = ("completed", *(["failed"] * plan.may_fail), *(["continued"] * plan.may_continue))
    outcome = (yield Choose(outcomes)) if len(outcomes) > 1 else "completed"
    now_ms = yield Now()
    yield StopsLeading()
    sealed = yield from resign(rules, holding, outcome=outcome, reason=None, now_ms=now_ms)
    yield ReportsOutcome(rules.key(holding.lock.term), outcome)
    return sealed.head


def _operate(plan: Plan, rules: CandidateConfig) -> Program:
    try:
        yield from depose(rules, reason="an operator", force=plan.force, done=plan.done)
    except (StillHeld, StoreUnavailable, CorruptLock, InvalidArgument):
        yield StopsLeading()


def _leads(holding: Holding) -> Leads:
    tick = holding.lock.tick
    return Leads(holding.lock.term, holding.deadline_ms, "" if tick is None else format_time(tick))
