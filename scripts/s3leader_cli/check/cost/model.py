"""What an election costs a month: a model of its requests, with their prices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from .prices import Prices
from .requests import HINT, HINT_EVERY, LOOK, RENEW, RESIGN, TAKE_OVER, Requests, lose, win

DAYS_A_MONTH: Final = 365 / 12
SECONDS_A_MONTH: Final = DAYS_A_MONTH * 86_400
_LOCK_BYTES: Final = 800  # of a lock without a checkpoint; tests measure it
_GB: Final = 1e9
# What an election does by default; tests hold the numbers to it. In seconds.
_DEFAULT_LEASE: Final = 30.0
_SHORTEST_POLL: Final = 0.25
_LONGEST_POLL: Final = 2.0
_POLLS_IN_A_LEASE: Final = 5
_MB_PER_GB: Final = 1024


class Case(Protocol):
    """What a campaign costs, in a ledger of `kept` locks."""

    def __call__(self, *, warm: bool, kept: float) -> Requests:
        """Return the requests."""
        ...


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What an election is to do. Times are in seconds.

    `ticks` are those of a month; None for one long-running leader. `contenders` start at each tick
    in each of `regions`. `duration` is the work of a tick, over `legs` terms. `lease` is None where
    the lease needs no renewal, as by default in Lambda. `warm` is the share of candidates that
    remember the highest lock, `failures` the share of terms whose leader dies. `standby` candidates
    wait all month, and let at most `poll` seconds pass between two looks (None: the default).
    """

    ticks: float | None
    contenders: int = 2
    regions: int = 1
    duration: float = 1.0
    lease: float | None = None
    checkpoints: int = 0
    legs: int = 1
    warm: float = 0.0
    failures: float = 0.0
    standby: int = 0
    poll: float | None = None
    history_days: float = 30
    state_bytes: int = 0
    on_lambda: bool = True
    memory_mb: int = 128
    overhead: float = 0.5

    @property
    def pause(self) -> float:
        """The mean pause of one that waits: each is drawn from half of `poll` to all of it."""
        lease = _DEFAULT_LEASE if self.lease is None else self.lease
        usual = min(_LONGEST_POLL, max(_SHORTEST_POLL, lease / _POLLS_IN_A_LEASE))
        return 0.75 * (usual if self.poll is None else self.poll)

    @property
    def starts(self) -> float:
        """How many candidates the schedules start."""
        return (self.ticks or 0) * self.contenders * self.regions

    @property
    def crashes(self) -> float:
        """How many terms end by the death of their leader; each is led again."""
        return self._ended * self.failures / (1 - self.failures)

    @property
    def terms(self) -> float:
        """All terms of a month."""
        return self._ended + self.crashes

    @property
    def _ended(self) -> float:
        return (self.ticks or 0) * self.legs

    @property
    def locks_kept(self) -> float:
        """How many locks the bucket holds: the lifecycle rule acts within a day."""
        return self.terms / DAYS_A_MONTH * (self.history_days + 1) + 1

    @property
    def renewals(self) -> float:
        """How many renewals a month has: one for each third of a lease."""
        working = SECONDS_A_MONTH if self.ticks is None else self._ended * self.duration / self.legs
        if self.lease is None or not working:
            return 0
        if self.ticks is None:
            return working // (self.lease / 3)
        return self._ended * (self.duration / self.legs // (self.lease / 3))


@dataclass(frozen=True, kw_only=True)
class Line:
    """An item: `count` of it, priced `price` for each `per`."""

    item: str
    count: float
    unit: str
    price: float
    per: float

    @property
    def dollars(self) -> float:
        """What it costs a month."""
        return self.count / self.per * self.price

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "item": self.item,
            "count": round(self.count, 3),
            "unit": self.unit,
            "price": self.price,
            "per": self.per,
            "dollars": round(self.dollars, 6),
        }


def requests_by_purpose(plan: Plan) -> dict[str, Requests]:
    """Return the requests of a month, by what they are for."""
    kept, ticks = plan.locks_kept, plan.ticks or 0
    losers = ticks * (plan.contenders * plan.regions - 1)
    late_tags = Requests(tags=plan.crashes)  # each lock is tagged once, by a later leader
    return {
        "wins": _shared(plan.warm, win, plan.terms, kept),
        "losses": _shared(plan.warm, lose, losers, kept),
        "resignations and continuations": RESIGN * (plan.terms - plan.crashes) + late_tags,
        "renewals": RENEW * plan.renewals,
        "checkpoints": RENEW * (ticks * plan.checkpoints),
        "takeovers": TAKE_OVER * plan.crashes,
        "hints": HINT * (plan.terms / HINT_EVERY),
        "standby": LOOK * (plan.standby * SECONDS_A_MONTH / plan.pause),
    }


def _shared(warm: float, case: Case, times: float, kept: float) -> Requests:
    """Return the requests of `times` campaigns, a share of them `warm`."""
    warm_ones = case(warm=True, kept=kept) * (times * warm)
    return warm_ones + case(warm=False, kept=kept) * (times * (1 - warm))


def lines(plan: Plan, prices: Prices) -> list[Line]:
    """Return all items of a month."""
    found = [
        line
        for purpose, requests in requests_by_purpose(plan).items()
        for line in _request_lines(purpose, requests, prices)
    ]
    kept = plan.locks_kept
    size = kept * (_LOCK_BYTES + plan.state_bytes)
    found.append(
        Line(item="locks kept", count=size / _GB, unit="GB", price=prices.storage, per=1),
    )
    found.append(
        Line(item="tags kept", count=max(0, kept - 1), unit="tags", price=prices.tag, per=10_000)
    )
    return found + (_lambda_lines(plan, prices) if plan.on_lambda else [])


def _request_lines(purpose: str, requests: Requests, prices: Prices) -> Sequence[Line]:
    kinds = {
        "LIST": (requests.lists, prices.list),
        "GET": (requests.gets, prices.get),
        "PUT": (requests.puts, prices.put),
        "PUT tags": (requests.tags, prices.put),
    }
    return [
        Line(item=purpose, count=count, unit=kind, price=price, per=1000)
        for kind, (count, price) in kinds.items()
        if count
    ]


def _lambda_lines(plan: Plan, prices: Prices) -> list[Line]:
    """Return the items of a job on Lambda. Each leg, and each retry, is an invocation."""
    ticks = plan.ticks or 0
    invocations = plan.starts + ticks * (plan.legs - 1) + plan.crashes
    worked = ticks * plan.duration + plan.crashes * plan.duration / plan.legs
    seconds = worked + invocations * plan.overhead
    gb_seconds = seconds * plan.memory_mb / _MB_PER_GB
    return [
        Line(item="Lambda invocations", count=invocations, unit="invocations",
             price=prices.invocation, per=1e6),
        Line(item="Lambda duration", count=gb_seconds, unit="GB-s", price=prices.gb_second, per=1),
        Line(item="Scheduler", count=plan.starts, unit="invocations", price=prices.schedule,
             per=1e6),
        Line(item="SSM parameter of the job", count=1, unit="standard parameter", price=0, per=1),
    ]  # fmt: skip
