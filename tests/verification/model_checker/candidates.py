"""Programs of candidates (they campaign, work, renew, resign, and campaign again), of operators and
of writers of a fenced object.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import KW_ONLY, dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any, Literal

from s3leader._core import fenced_object, protocol
from s3leader._core.candidate import CandidateConfig, LedgerHead
from s3leader._core.depose import depose
from s3leader._core.fenced_object import FencedConfig
from s3leader._core.holding import Holding, renew, resign
from s3leader._core.next_lock import Work
from s3leader._core.times import format_time
from s3leader.errors import (
    BucketUnusable,
    CorruptLock,
    InvalidArgument,
    LeadershipLost,
    Overwritten,
    StaleToken,
    StillHeld,
    StoreUnavailable,
)

from .bytes_writers import write_bytes
from .machine import Choose, Factory, Leads, Nonces, Now, Program, StopsLeading, Yielded
from .reports import ReportsFencedWrite, ReportsNoTerm, ReportsOutcome, ReportsUnusableBucket
from .s3 import FENCED

LEASE_MS = 1000
SKEW_MS = 1500  # a second of grain, and half of one between front ends
FOLDER = "e/"
TICKS = (
    *(datetime(1970, 1, 1, 0, minute, tzinfo=UTC) for minute in range(4)),
    datetime(1971, 1, 1, tzinfo=UTC),  # in the future
)


@dataclass(frozen=True, slots=True)
class Plan:
    """`ticks` to campaign for, one after another (a place in `TICKS`, or None for no tick).

    `nonces` is whose nonces it draws: its own, or, for a clone that shares another's random
    numbers too, the other's. `rate` is how many milliseconds its stopwatch counts in one.
    `deposes` makes it an operator, who seals the highest lock once, by `force` or not.
    """

    name: str
    ticks: tuple[int | None, ...] = ()
    _: KW_ONLY
    renewals: int = 0
    may_fail: bool = False
    may_continue: bool = False  # seal a term as continued; the next of `ticks` is the next leg
    repeat: bool = False  # lead completed ticks again
    wait_ms: int = 0
    poll_ms: int = 4000  # above lease and allowance: the next look is due at the lapse
    known: LedgerHead | None = None  # what it remembers from before (R9)
    lease_ms: int = LEASE_MS
    clock_skew_ms: int = SKEW_MS
    max_attempts: int | None = None
    long_ledger: bool = False  # it reads the hint before it lists
    nonces: str | None = None
    rate: Fraction = Fraction(1)
    deposes: bool = False
    force: bool = False
    token: int | None = None  # it writes a fenced object with this token, and does not campaign
    writes_bytes: bool = False  # or fenced bytes
    sweeps: bool = False  # the fenced bytes, before it writes
    done: Literal["none"] | None = None  # what the operator says of a corrupt lock


def candidate_config(plan: Plan, number: Nonces) -> CandidateConfig:
    """Return what the protocol needs to know about a candidate."""
    drawn_as = plan.nonces or plan.name
    return CandidateConfig(
        folder=FOLDER,
        candidate=plan.name,
        nonce=lambda: f"{drawn_as}#{number()}",
        lease_ms=plan.lease_ms,
        clock_skew_ms=plan.clock_skew_ms,
        max_attempts=plan.max_attempts,
        poll_ms=plan.poll_ms,
        long_ledger=plan.long_ledger,
    )


def candidate_program(plan: Plan) -> Factory:
    """Return what starts the program of a candidate, an operator or a fenced writer."""

    def begin(number: Nonces) -> Program:
        if plan.token is not None and plan.writes_bytes:
            return write_bytes(plan.name, plan.token, number, sweeps=plan.sweeps)
        if plan.token is not None:
            return _write_fenced(plan.name, plan.token, number)
        config = candidate_config(plan, number)
        return _operate(plan, config) if plan.deposes else _live(plan, config)

    return begin


def _live(plan: Plan, config: CandidateConfig) -> Program:
    known = plan.known
    for turn in range(len(plan.ticks)):  # `turn` tells the machine where the loop stands
        hour = plan.ticks[turn]
        tick = None if hour is None else TICKS[hour]
        now_ms = yield Now()
        try:
            result = yield from protocol.campaign(
                config,
                Work(tick=tick, repeat=plan.repeat),
                wait_ms=plan.wait_ms,
                known=known,
                now_ms=now_ms,
            )
            if isinstance(result, protocol.Lost):
                known = result.head
                yield ReportsNoTerm(None)
                continue
            known = yield from _lead(plan, config, result.holding)
        except LeadershipLost as lost:
            known = None
            yield StopsLeading()
            yield ReportsNoTerm(lost.term)
        except InvalidArgument:  # the tick lies in the future
            yield StopsLeading()
            yield ReportsNoTerm(None)
        except BucketUnusable:
            yield StopsLeading()
            yield ReportsUnusableBucket()
        except (StoreUnavailable, CorruptLock):
            yield StopsLeading()


def _lead(
    plan: Plan, config: CandidateConfig, holding: Holding
) -> Generator[Yielded, Any, LedgerHead]:
    """Renew, or not, and resign; return what is worth remembering."""
    yield _leads(holding)
    for left in range(plan.renewals, -1, -1):
        if (yield Choose(("renew", "finish") if left else ("finish",))) == "finish":
            break
        now_ms = yield Now()
        if now_ms >= holding.deadline_ms:
            break
        holding = yield from renew(config, holding)
        yield _leads(holding)
    outcomes = ("completed", *(["failed"] * plan.may_fail), *(["continued"] * plan.may_continue))
    outcome = (yield Choose(outcomes)) if len(outcomes) > 1 else "completed"
    now_ms = yield Now()
    yield StopsLeading()
    sealed = yield from resign(config, holding, outcome=outcome, reason=None, now_ms=now_ms)
    yield ReportsOutcome(config.key(holding.lock.term), outcome)
    return sealed.head


def _leads(holding: Holding) -> Leads:
    tick = holding.lock.tick
    return Leads(holding.lock.term, holding.deadline_ms, "" if tick is None else format_time(tick))


def _operate(plan: Plan, config: CandidateConfig) -> Program:
    try:
        yield from depose(config, reason="an operator", force=plan.force, done=plan.done)
    except (StillHeld, StoreUnavailable, CorruptLock, InvalidArgument):
        yield StopsLeading()


def _write_fenced(name: str, token: int, number: Callable[[], str]) -> Program:
    """Claim the object, as a leader with a token, and add one to its counter.

    The write is based on the claimed version or on a fresh read: a stale leader that reads what its
    successor wrote must be refused by the token.
    """
    drawn: list[str] = []

    def nonce() -> str:
        drawn.append(f"{name}#{number()}")
        return drawn[-1]

    config = FencedConfig(key=FENCED, nonce=nonce, patience_ms=1000)
    try:
        snapshot = yield from fenced_object.claim(config, token)
        yield ReportsFencedWrite("claimed", token, "")
        if (yield Choose(("write on the claimed version", "read afresh"))) == "read afresh":
            current = yield from fenced_object.read(config)
            assert current is not None
            snapshot = current
        value = {"count": snapshot.value.get("count", 0) + 1}
        yield from fenced_object.write(config, value, token=token, after=snapshot)
        yield ReportsFencedWrite("applied", token, drawn[-1])
    except (StaleToken, Overwritten):
        yield ReportsFencedWrite("not applied", token, drawn[-1] if drawn else "")
    except StoreUnavailable:
        return
