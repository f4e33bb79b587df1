"""Leader election on S3 conditional writes, as sans-I/O generators.

Nothing here performs I/O, reads a clock, sleeps or draws a random number: `campaign`, `renew` and
`resign` yield requests (`store.py`) and are sent replies. A driver executes them against S3; the
model checker explores every interleaving of the very same generators.

The idea is Gunnar Morling's ("Leader Election With S3 Conditional Writes", 2024): each *term* of
leadership has one lock object with the term's number; the candidate that creates
`lock_<N+1>.json` with `If-None-Match: *` leads term N+1, and the number is its fencing token. To
*seal* a lock is to write its final state; a sealed lock never changes again. A lock has *lapsed*
once its lease and the allowance for clock skew have run out. A *tick* is the scheduled time that a
term works for. `date_ms`, `applied_ms` and `proved_highest_at_ms` are by S3's clock, all other
`_ms` by the candidate's own monotonic clock. The rules that make it safe:

- **R0** A store that ignores conditions cannot hold an election. A candidate verifies that it
  enforces them before it leads, unless a leader of the election already has (`store_proof`).
- **R1** Lock N+1 is created only by a candidate that has seen lock N sealed, or no lock (N = 0).
- **R2** A lock is changed only with `If-Match` on the ETag that its writer last wrote or read.
- **R3** A lapsed lock is first sealed; only then is the next one created. A late renewal and a
  takeover write the same object, and S3 lets one of them win.
- **R4** A candidate decides whether another's lease has run out by S3's clock (`Date` minus
  `Last-Modified`), its own by a monotonic clock, counted from before the request was sent.
- **R5** Every body carries a fresh nonce. After a lost answer, or a 412 to a create, a renewal or a
  seal, the writer reads the lock: its own nonce means that its write was applied.
- **R6** Only locks below the highest are tagged for the lifecycle rule to delete (`sweep`), so term
  numbers never go back.
- **R7** A win of term N+1 is void if the observation that N was the highest was over an hour old
  when N+1 was created: an earlier lock N+1 may have been used and deleted in the meantime.
- **R8** Each lock records in `done` the latest completed tick; no later term is led for that tick
  or an earlier one. For ticks that are not completed the lock counts the attempts (`attempts`).
- **R9** A candidate that remembers lock N sealed may try to create N+1 without listing first: a
  conflict (R5) or R7 catches what it has missed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, TypeAlias

from s3leader.errors import BucketUnusable, LeadershipLost, StoreUnavailable

from .attempts import may_attempt
from .conditional_write import WriteConflict, WriteUnknown, seal_other, write_until_known
from .holding import Holding, seal_own
from .ledger import STALE_AFTER_MS, CandidateConfig, LedgerHead, Steps, ask, find_head, head_in
from .lock import RESIGNED, next_lock
from .requests import Create, Read, Replace, Reply, Wait
from .store_proof import prove_store
from .sweep import sweep
from .times import from_ms

WhyNot: TypeAlias = Literal["held", "done", "beaten", "exhausted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Void:
    """A lock was created whose term may not be led; it has been sealed, after `now_ms`."""

    now_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Won:
    """The campaign was won; `took_over` if a lapsed lock had to be sealed first."""

    holding: Holding
    took_over: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """The campaign was not won. `seen` is worth remembering (R9)."""

    why: WhyNot
    seen: LedgerHead


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A lock was sealed; `hindrance` is the error that stopped the sweep before it, if any."""

    seen: LedgerHead
    hindrance: BucketUnusable | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Goal:
    """What a campaign is for, and until when it waits while another candidate leads."""

    rules: CandidateConfig
    tick: datetime | None
    until_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Progress:
    """How far a campaign has got. `listed`: `seen` was read from S3 in this campaign, and is not
    only remembered. `deposed` is the lapsed term that it sealed last, `voided` whether it has had
    a void win.
    """

    seen: LedgerHead | None
    now_ms: int
    listed: bool = False
    voided: bool = False
    deposed: int | None = None


def campaign(
    rules: CandidateConfig,
    *,
    tick: datetime | None,
    wait_ms: int,
    known: LedgerHead | None,
    now_ms: int,
) -> Steps[Won | Lost]:
    """Try to lead the next term. While another candidate leads, wait for up to `wait_ms`.

    `known` is what this process remembers of the locks (R9), `now_ms` its monotonic clock.
    """
    goal = _Goal(rules=rules, tick=tick, until_ms=now_ms + wait_ms)
    step: _Progress | Won | Lost = _Progress(seen=known, now_ms=now_ms)
    while isinstance(step, _Progress):
        step = yield from _next_step(goal, step)
    return step


def _next_step(goal: _Goal, so_far: _Progress) -> Steps[_Progress | Won | Lost]:
    seen = so_far.seen
    if seen is not None and seen.is_done(goal.tick):
        return Lost(why="done", seen=seen)  # R8
    if seen is None or not _worth_trying(seen, so_far):
        seen = yield from find_head(goal.rules, seen)
        now_ms = max(so_far.now_ms, seen.observed_ms)
        return replace(so_far, seen=seen, listed=True, now_ms=now_ms)
    lock = seen.lock
    if lock is not None and not lock.sealed and not goal.rules.lapsed(lock):
        return (yield from _wait_for_holder(goal, so_far, seen))
    if not may_attempt(lock, goal.tick, goal.rules.max_attempts):
        return Lost(why="exhausted", seen=seen)
    if not seen.open_to_next:
        return (yield from _take_over(goal.rules, so_far, seen))
    return (yield from _try_to_lead(goal, so_far, seen))


def _wait_for_holder(goal: _Goal, so_far: _Progress, seen: LedgerHead) -> Steps[_Progress | Lost]:
    """Pause, then read the other leader's lock again; give up once there is no time left."""
    left_ms = goal.until_ms - so_far.now_ms
    if left_ms <= 0:
        return Lost(why="held", seen=seen)
    pause_ms = min(left_ms, 1000)
    now_ms = (yield Wait(pause_ms // 2, pause_ms)).received_ms
    reply = yield from ask(Read(goal.rules.key(seen.term)))
    return replace(so_far, seen=_seen_again(reply, goal.rules, seen), now_ms=now_ms)


def _take_over(rules: CandidateConfig, so_far: _Progress, seen: LedgerHead) -> Steps[_Progress]:
    """R3: seal a lapsed lock; creating the next one is another step."""
    sealed = yield from seal_other(rules, seen, f"lapsed; sealed by {rules.candidate}")
    if isinstance(sealed, WriteConflict):
        return replace(so_far, seen=_seen_again(sealed.reply, rules, seen))
    return replace(so_far, seen=sealed, deposed=sealed.term)


def _try_to_lead(goal: _Goal, so_far: _Progress, seen: LedgerHead) -> Steps[_Progress | Won | Lost]:
    """Create the next lock (R1), or continue from the one that another candidate created first."""
    rules = goal.rules
    created = yield from _create(rules, seen, goal.tick)
    if isinstance(created, Holding):
        return Won(holding=created, took_over=so_far.deposed == seen.term)
    if isinstance(created, Void):
        if so_far.voided:
            raise _too_slow(rules, seen)
        return replace(so_far, seen=None, listed=False, voided=True, now_ms=created.now_ms)
    now_ms = created.reply.received_ms
    above = head_in(created.reply, rules, seen.term + 1, since_ms=seen.proved_highest_at_ms)
    # What was only remembered may be outdated: only after a list is a conflict a lost race.
    if so_far.listed and above is not None and not above.is_done(goal.tick):
        if now_ms >= goal.until_ms:
            return Lost(why="beaten", seen=above)
        if above.open_to_next:  # jitter, so that the losers of this race do not collide again
            now_ms = (yield Wait(50, 250)).received_ms
    return replace(so_far, seen=above, listed=above is not None, now_ms=now_ms)


def _too_slow(rules: CandidateConfig, seen: LedgerHead) -> StoreUnavailable:
    return StoreUnavailable(
        f"S3 is so slow that two wins in a row, the last of term {seen.term + 1}, came too late to"
        f" be used. Nobody leads; try again later, with a lease of over {rules.lease_ms} ms."
    )


def _worth_trying(seen: LedgerHead, so_far: _Progress) -> bool:
    """Whether what was seen is recent enough to act on without listing again (R7, R9)."""
    if seen.proved_highest_at_ms is None or so_far.now_ms - seen.observed_ms >= STALE_AFTER_MS:
        return False
    return so_far.listed or seen.open_to_next


def _seen_again(reply: Reply, rules: CandidateConfig, seen: LedgerHead) -> LedgerHead | None:
    """Return what a later read shows of a lock that was `seen` unsealed.

    While it was unsealed it had no successor. So even if it is sealed by now, it was the highest
    when it was last seen unsealed, and that time stays the evidence for R7.
    """
    again = head_in(reply, rules, seen.term, since_ms=seen.proved_highest_at_ms)
    if again is not None and again.open_to_next:
        again = replace(again, proved_highest_at_ms=seen.proved_highest_at_ms)
    return again


def _create(
    rules: CandidateConfig, seen: LedgerHead, tick: datetime | None
) -> Steps[Holding | Void | WriteConflict]:
    """Create the lock after `seen` (R1); verify the store if no leader has (R0)."""
    nonce = rules.nonce()
    lock = next_lock(
        seen.lock, nonce=nonce, holder=rules.candidate, lease_ms=rules.lease_ms, tick=tick
    )
    create = Create(rules.key(lock.term), lock.encode())
    done = yield from write_until_known(create, nonce, patience_ms=rules.lease_ms)
    if isinstance(done, WriteConflict):
        return done
    holding = Holding(
        lock=replace(lock, started_at=from_ms(done.applied_ms)),
        etag=done.etag,
        deadline_ms=done.sent_ms + rules.lease_ms,  # R4: from before the first send
        date_ms=done.date_ms,
        received_ms=done.received_ms,
    )
    now_ms = done.received_ms
    proved_ms = seen.proved_highest_at_ms
    if proved_ms is None or done.applied_ms - proved_ms >= STALE_AFTER_MS:
        why = "void: won on a stale look"  # R7
    elif now_ms >= holding.deadline_ms:
        why = "void: settled after its lease"
    elif lock.proved:
        return holding
    else:
        now_ms = yield from prove_store(rules, holding, create)
        if now_ms < holding.deadline_ms:
            return replace(holding, lock=replace(holding.lock, proved=True))
        why = "void: the store was proved after its lease"
    yield from seal_own(rules, holding.uncounted(), RESIGNED, why, now_ms)
    return Void(now_ms=now_ms)


def renew(
    rules: CandidateConfig, holding: Holding, state: Mapping[str, Any] | None = None
) -> Steps[Holding]:
    """Renew the lease, and save a checkpoint if `state` is given.

    The deadline moves only if the renewal is confirmed before the current one has passed; after
    that a leader leads no more, even if the renewal was applied (R4). Raises `LeadershipLost` if
    another writer changed the lock.
    """
    nonce = rules.nonce()
    lock = holding.lock.renewed(nonce=nonce, state=state)
    write = Replace(rules.key(lock.term), lock.encode(), holding.etag)
    try:
        done = yield from write_until_known(
            write, nonce, patience_ms=rules.lease_ms, until_ms=holding.deadline_ms,
            mine=holding.own_nonces,
        )  # fmt: skip
    except WriteUnknown:
        return replace(holding, doubtful=holding.doubtful | {nonce})
    if isinstance(done, WriteConflict):
        raise LeadershipLost(term=lock.term, why="another candidate sealed its lock")
    in_time = done.received_ms < holding.deadline_ms
    return Holding(
        lock=lock,
        etag=done.etag,
        deadline_ms=done.sent_ms + rules.lease_ms if in_time else holding.deadline_ms,
        date_ms=done.date_ms,
        received_ms=done.received_ms,
    )


def resign(
    rules: CandidateConfig, holding: Holding, *, outcome: str, reason: str | None, now_ms: int
) -> Steps[Sealed]:
    """Sweep, then seal one's own lock with the outcome of its term.

    This is allowed after the deadline too: a successful compare-and-swap proves that nobody took
    over, so the outcome stands; a failed one raises `LeadershipLost`. After `StoreUnavailable` the
    outcome is unknown: the tick may run again, but there are never two leaders.
    """
    left_ms = holding.deadline_ms - now_ms
    hindrance: BucketUnusable | None = None
    if left_ms > 0:
        stop_at_ms = holding.deadline_ms - min(rules.lease_ms // 4, 5000)
        swept, hindrance = yield from sweep(rules, holding.lock, stop_at_ms=stop_at_ms)
        holding = replace(holding, lock=replace(holding.lock, swept=swept))
    seen = yield from seal_own(rules, holding, outcome, reason, now_ms)
    if isinstance(seen, WriteConflict):
        raise LeadershipLost(term=holding.lock.term, why="another candidate sealed its lock first")
    return Sealed(seen=seen, hindrance=hindrance)
