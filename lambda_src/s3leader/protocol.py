"""Leader election on S3 conditional writes, as sans-I/O generators.

Nothing here performs I/O, reads a clock, sleeps or draws a random number. `campaign`, `renew` and
`resign` (and `depose`, for operators) yield requests (`store.py`) and are sent replies; a driver
runs them over S3, and the checker in tests runs the very same generators through every
interleaving.

The idea is Gunnar Morling's ("Leader Election With S3 Conditional Writes", 2024): terms are
numbered locks; whoever creates `lock_<N+1>.json` with `If-None-Match: *` leads term N+1, and the
number is its fencing token. The rules that make it safe:

- **R1** Lock N+1 is created only by who saw lock N sealed, or saw no lock at all for N = 0.
- **R2** A lock is changed only with `If-Match` on the ETag its writer last wrote or read.
- **R3** A lapsed lock is first sealed, then succeeded: a late renewal and a takeover meet on the
  same object, and S3 lets one of them win.
- **R4** Others are judged by S3's clock (`Date` minus `Last-Modified`), oneself by one's own
  stopwatch, started before the request was sent.
- **R5** Every body carries a fresh nonce, so a writer whose answer was lost knows its own work.
- **R6** Only locks with a successor are ever marked for deletion (`ledger.sweep`).
- **R7** A win that rests on a look older than an hour is void: the number may have been used, and
  its lock deleted, in the meantime.
- **R8** A tick not later than `done` has been completed: nobody leads for it again.
- **R9** Who remembers that lock N was sealed may try N+1 at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, TypeAlias

from .errors import BucketUnusable, LeadershipLost, StoreUnavailable
from .ledger import STALE_AFTER_MS, Rules, Seen, Steps, look, look_at, sweep
from .lock import RESIGNED, Lock, next_attempt, next_lock
from .settle import Beaten, seal, seal_other, settle
from .store import Create, Replace, Wait
from .times import from_ms

WhyNot: TypeAlias = Literal["held", "done", "beaten", "exhausted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A lock that this candidate created, and what it needs to change it again.

    It leads while its stopwatch is short of `deadline_ms` (R4). `doubtful` are the nonces of
    writes whose outcome was never learned. S3's clock stood at `date_ms` when the stopwatch stood
    at `received_ms`.
    """

    lock: Lock
    etag: str
    deadline_ms: int
    date_ms: int
    received_ms: int
    doubtful: frozenset[str] = frozenset()

    def s3_time(self, now_ms: int) -> datetime:
        """S3's clock at `now_ms` of the stopwatch, in whole seconds as S3 gives it."""
        return from_ms((self.date_ms + now_ms - self.received_ms) // 1000 * 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Won:
    """The campaign was won; `took_over` if a lapsed lock had to be sealed first."""

    holding: Holding
    took_over: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """The campaign was not won. `seen` is worth remembering (R9)."""

    why: WhyNot
    seen: Seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A lock was sealed; `hindrance` is what kept its leader from sweeping, if anything did."""

    seen: Seen
    hindrance: BucketUnusable | None = None


# ------------------------------------------------------------------------------------ campaign


def campaign(
    rules: Rules, *, tick: datetime | None, wait_ms: int, known: Seen | None, now_ms: int
) -> Steps[Won | Lost]:
    """Try to lead the next term, for at most `wait_ms` where another candidate leads.

    `known` is what this process remembers of the ledger (R9), `now_ms` its stopwatch.
    """
    until_ms = now_ms + wait_ms
    seen, looked, voided, deposed = known, False, False, None
    while True:
        if seen is not None and seen.lock is not None and seen.lock.is_done(tick):
            return Lost(why="done", seen=seen)  # R8
        if seen is None or not _worth_trying(seen, now_ms, looked=looked):
            seen, looked = (yield from look(rules, seen)), True
            now_ms = max(now_ms, seen.looked_ms)
            continue
        lock = seen.lock
        if lock is not None and not lock.sealed and not rules.lapsed(lock):
            if now_ms >= until_ms:
                return Lost(why="held", seen=seen)
            now_ms = (yield _let_be(until_ms - now_ms)).received_ms
            seen = yield from _look_again(rules, seen)
            continue
        if rules.max_attempts is not None and next_attempt(lock, tick) > rules.max_attempts:
            return Lost(why="exhausted", seen=seen)
        if lock is not None and not lock.sealed:
            sealed = yield from seal_other(rules, seen, f"lapsed; sealed by {rules.candidate}")
            deposed = sealed and sealed.term
            seen = sealed or (yield from _look_again(rules, seen, changed=True))
            continue
        won = yield from _create(rules, seen, tick)
        if isinstance(won, Holding):
            return Won(holding=won, took_over=deposed == seen.term)
        now_ms, void = won
        if void and voided:
            raise _too_slow(rules, seen)
        if void:  # it teaches nothing but to look afresh
            seen, looked, voided = None, False, True
            continue
        if looked and now_ms >= until_ms:
            return Lost(why="beaten", seen=seen)
        seen, now_ms = yield from _look_above(rules, seen, now_ms, pause=looked)
        looked = seen is not None


def _too_slow(rules: Rules, seen: Seen) -> StoreUnavailable:
    return StoreUnavailable(
        f"S3 is so slow that term {seen.term + 1} was won too late to lead it, twice over."
        f" Nobody leads by it; try again later, with a lease over {rules.lease_ms} ms."
    )


def _worth_trying(seen: Seen, now_ms: int, *, looked: bool) -> bool:
    """Whether what was seen still says enough of the highest lock to act on it (R7, R9)."""
    if seen.top_at_ms is None or now_ms - seen.looked_ms >= STALE_AFTER_MS:
        return False
    return looked or seen.open_to_next


def _let_be(budget_ms: int) -> Wait:
    """Return how long to leave a holder alone before the next look: a second at the most."""
    high_ms = min(budget_ms, 1000)
    return Wait(high_ms // 2, high_ms)


def _look_again(rules: Rules, seen: Seen, *, changed: bool = False) -> Steps[Seen | None]:
    """Read a lock again that was unsealed. If it is sealed by now, then it was the highest at
    least until it was last seen unsealed, which is proof enough to try the next number (R7).

    `changed` if S3 has just said that it is not as it was: then it must show another ETag (R5).
    """
    again = yield from look_at(rules, seen.term, since_ms=seen.top_at_ms)
    if changed and again is not None and again.etag == seen.etag:
        raise StoreUnavailable(
            f"S3 refuses to replace {rules.key(seen.term)} under the very ETag that it shows"
            f" ({seen.etag}). Nothing was changed; a server that does this cannot hold an election."
        )
    if again is not None and again.open_to_next:
        again = replace(again, top_at_ms=seen.top_at_ms)
    return again


def _look_above(
    rules: Rules, seen: Seen, now_ms: int, *, pause: bool
) -> Steps[tuple[Seen | None, int]]:
    """Read the lock whose number is taken: since this look (then after a pause), or, for a look
    that was only remembered, at any time since. Return the stopwatch too.
    """
    if pause:
        now_ms = (yield Wait(50, 250)).received_ms
    return (yield from look_at(rules, seen.term + 1, since_ms=seen.top_at_ms)), now_ms


def _create(rules: Rules, seen: Seen, tick: datetime | None) -> Steps[Holding | tuple[int, bool]]:
    """Create the lock after `seen` (R1), or return the stopwatch and whether it was a void win."""
    nonce = rules.nonce()
    lock = next_lock(
        seen.lock, nonce=nonce, holder=rules.candidate, lease_ms=rules.lease_ms, tick=tick
    )
    create = Create(rules.key(lock.term), lock.encode())
    done = yield from settle(create, nonce, patience_ms=rules.lease_ms)
    if isinstance(done, Beaten):
        return done.received_ms, False
    holding = Holding(
        lock=replace(lock, started_at=from_ms(done.applied_ms)),
        etag=done.etag,
        deadline_ms=done.sent_ms + rules.lease_ms,  # R4: from before the first send
        date_ms=done.date_ms,
        received_ms=done.received_ms,
    )
    stale = seen.top_at_ms is None or done.applied_ms - seen.top_at_ms >= STALE_AFTER_MS
    if not stale and done.received_ms < holding.deadline_ms:
        return holding
    # R7, or settled too late to lead: nobody leads this term, and it was no attempt at its tick.
    why = "void: won on a stale look" if stale else "void: settled after its lease"
    void = replace(holding, lock=replace(holding.lock, attempt=lock.attempt - 1))
    yield from _seal_own(rules, void, RESIGNED, why, done.received_ms)
    return done.received_ms, True


def _seal_own(
    rules: Rules, holding: Holding, outcome: str, reason: str | None, now_ms: int
) -> Steps[Seen | None]:
    """Seal the lock one holds, or return None if somebody else did."""
    return (
        yield from seal(
            rules,
            holding.lock,
            holding.etag,
            outcome=outcome,
            reason=reason,
            ended_at=holding.s3_time(now_ms),
            mine=holding.doubtful,
        )
    )


# ------------------------------------------------------------------------------ while it leads


def renew(rules: Rules, holding: Holding, state: Mapping[str, Any] | None = None) -> Steps[Holding]:
    """Renew the lease, and save a checkpoint where `state` is given.

    The deadline moves on only if the renewal is known to be applied before the old one has passed:
    past its deadline a leader leads no more, whatever comes later (R4). Raises `LeadershipLost` if
    somebody else changed the lock.
    """
    nonce = rules.nonce()
    lock = holding.lock.renewed(nonce=nonce, state=state)
    write = Replace(rules.key(lock.term), lock.encode(), holding.etag)
    try:
        done = yield from settle(
            write,
            nonce,
            patience_ms=rules.lease_ms,
            until_ms=holding.deadline_ms,
            mine=holding.doubtful,
        )
    except StoreUnavailable:
        return replace(holding, doubtful=holding.doubtful | {nonce})
    if isinstance(done, Beaten):
        raise LeadershipLost(term=lock.term, why="its lock was sealed by somebody else")
    in_time = done.received_ms < holding.deadline_ms
    return Holding(
        lock=lock,
        etag=done.etag,
        deadline_ms=done.sent_ms + rules.lease_ms if in_time else holding.deadline_ms,
        date_ms=done.date_ms,
        received_ms=done.received_ms,
    )


def resign(
    rules: Rules, holding: Holding, *, outcome: str, reason: str | None, now_ms: int
) -> Steps[Sealed]:
    """Sweep, then seal one's own lock with the outcome of its term.

    Past the deadline too (R4): that the swap succeeds proves that nobody came between, so the
    outcome stands; that it fails is `LeadershipLost`. `StoreUnavailable` leaves the outcome
    unknown, which costs a repeated tick at worst, never a second leader.
    """
    left_ms = holding.deadline_ms - now_ms
    hindrance: BucketUnusable | None = None
    if left_ms > 0:
        stop_at_ms = holding.deadline_ms - min(rules.lease_ms // 4, 5000)
        swept, hindrance = yield from sweep(rules, holding.lock, stop_at_ms=stop_at_ms)
        holding = replace(holding, lock=replace(holding.lock, swept=swept))
    seen = yield from _seal_own(rules, holding, outcome, reason, now_ms)
    if seen is None:
        raise LeadershipLost(
            term=holding.lock.term, why="its lock was sealed by somebody else first"
        )
    return Sealed(seen=seen, hindrance=hindrance)
