"""What candidates do with their lives: they campaign, work, renew, resign, and try again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from s3leader import protocol
from s3leader.errors import LeadershipLost, StoreUnavailable
from s3leader.holding import Holding
from s3leader.ledger import Rules, Seen
from s3leader.times import format_time

from .machine import Birth, Choose, Disclaims, Leads, Life, Nonces, Now, Retires

LEASE_MS = 1000
SKEW_MS = 1500  # a second of grain, and half of one between front ends
TICKS = tuple(datetime(2026, 11, 23, hour, tzinfo=UTC) for hour in range(4))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`ticks` to campaign for, one after another (a number of hours, or None for no tick)."""

    name: str
    ticks: Sequence[int | None]
    renewals: int = 0
    may_fail: bool = False
    wait_ms: int = 0
    known: Seen | None = None  # what it remembers from before (R9)
    lease_ms: int = LEASE_MS
    clock_skew_ms: int = SKEW_MS


def birth(plan: Plan) -> Birth:
    """Return what begins the life of a candidate."""

    def begin(nonces: Nonces) -> Life:
        rules = Rules(
            folder="e/",
            candidate=plan.name,
            nonce=nonces,
            lease_ms=plan.lease_ms,
            clock_skew_ms=plan.clock_skew_ms,
        )
        return _live(plan, rules)

    return begin


def _live(plan: Plan, rules: Rules) -> Life:
    known = plan.known
    for hour in plan.ticks:
        tick = None if hour is None else TICKS[hour]
        now_ms = yield Now()
        try:
            result = yield from protocol.campaign(
                rules, tick=tick, wait_ms=plan.wait_ms, known=known, now_ms=now_ms
            )
            if isinstance(result, protocol.Lost):
                known = result.seen
                yield Disclaims(None)
                continue
            holding = result.holding
            yield _leads(holding)
            for left in range(plan.renewals, -1, -1):
                if (yield Choose(("renew", "finish") if left else ("finish",))) == "finish":
                    break
                now_ms = yield Now()
                if now_ms >= holding.deadline_ms:
                    break
                holding = yield from protocol.renew(rules, holding)
                yield _leads(holding)
            outcome = "completed"
            if plan.may_fail:
                outcome = yield Choose(("completed", "failed"))
            now_ms = yield Now()
            yield Retires()
            sealed = yield from protocol.resign(
                rules, holding, outcome=outcome, reason=None, now_ms=now_ms
            )
            known = sealed.seen
        except LeadershipLost as lost:
            known = None
            yield Retires()
            yield Disclaims(lost.term)
        except StoreUnavailable:
            yield Retires()


def _leads(holding: Holding) -> Leads:
    tick = holding.lock.tick
    return Leads(holding.lock.term, holding.deadline_ms, "" if tick is None else format_time(tick))
