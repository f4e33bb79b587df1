"""Leader election on Amazon S3 conditional writes: the protocol, as sans-I/O generators.

Nothing here performs I/O, reads a clock, sleeps or draws a random number. `campaign`, and `renew`
and `resign` in `holding.py`, yield requests (`requests.py`) and receive replies. A driver runs them
against S3; the model checker runs the same generators in every interleaving. The idea is Gunnar
Morling's ("Leader Election With S3 Conditional Writes", 2024).

Vocabulary:

- A *term* is one period of leadership, numbered 1, 2, 3 …; the number is its *fencing token*.
- A *lock* is the S3 object that records a term. The candidate that creates `lock_<N+1>.json` with
  `If-None-Match: *` wins term N+1 and is its *holder*. The *head* is the highest lock.
- The *ledger* of an election is all its locks.
- A *lease* is how long a lock stays good after S3 last modified it. A lock has *lapsed* once its
  lease and the *allowance* for clock skew have passed. A holder leads until its *deadline*, which
  it computes from its own clock (R4) and which is never later than the lapse.
- A *sealed* lock carries its final state (`"expired": true`) and never changes again.
- A win of term N+1 is *void* if it came too late (R4), or if too much time had passed since the
  last proof that lock N was the highest (R7). The candidate then seals its lock, and does not lead.
- A *tick* is the scheduled time that a term works for. A term that ends before its work does may
  be *continued*: a later term, the next *leg*, goes on with the same tick. To *repeat* a tick is to
  lead it again although it is completed, because an operator asks for it.

Clocks: `proved_highest_at_ms` and `date_ms` are times by S3's clock. `now_ms`, `observed_ms`,
`sent_ms`, `received_ms`, `give_up_ms` and `deadline_ms` are times by the candidate's own monotonic
clock. The two kinds are never compared. `lease_ms` and `wait_ms` are durations.

Rules:

- **R0** A store that ignores conditions cannot hold an election. So a candidate that has created
  lock N+1 tests the store before it leads: it repeats the create, and sends an `If-Match` with an
  ETag that cannot exist. Both must be answered 412. Its lock then records `proved`; each later
  lock copies it, so the store is not tested again.
- **R1** A candidate creates lock N+1 only if it has seen lock N sealed, or no lock at all (N = 0).
  So if lock N+1 exists, lock N is sealed.
- **R2** A lock is changed only with `If-Match` on the ETag that its writer last wrote or read.
- **R3** To take over, a candidate first seals the lapsed lock and only then creates the next. The
  holder's late renewal and the takeover write the same object, so S3 accepts only one of them.
- **R4** A candidate judges other leases by S3's clock: `Date` minus `Last-Modified` of one answer.
  A holder measures its deadline with its monotonic clock, from before the request was sent. Past
  the deadline it never leads again in that term; if it learns only after the deadline that it won,
  the win is void. A holder past its deadline may still seal its lock: if that compare-and-swap
  succeeds, no other candidate has taken over, so the outcome that it records is valid.
- **R5** Every body carries a fresh nonce. After a lost answer, and after each 412 to a create, a
  renewal or a seal, the writer reads the lock: if it finds its own nonce, its write was applied.
- **R6** The head is never deleted: the bucket's lifecycle rule deletes only tagged locks, and a
  leader tags only locks below its own. So term numbers never go back.
- **R7** Old locks do get deleted, so a suspended candidate may create an old number again. A list
  proves that N is the highest, and so does a read that finds N unsealed, because then N+1 cannot
  exist (R1). A win counts only if, by S3's clock, lock N+1 was created less than one hour after
  such a proof. A lifecycle rule deletes no object that is less than a day old, so within that hour
  no newer lock can have been created and deleted.
- **R8** Each lock records in `done` the latest completed tick. No term is led for that tick or an
  earlier one. Each lock also carries the attempt counts of all ticks that are not completed. A tick
  that has had `max_attempts` attempts is not led again. Neither limit holds for an operator who
  repeats.
- **R9** A candidate that remembers that lock N is sealed may create N+1 without listing. If it has
  missed newer locks, the create conflicts (R5) or the win is void (R7). One that remembers lock N
  as unsealed reads it again instead of listing.
- **R10** A leader may seal its lock as `continued`. Its tick is not completed; the next leg is part
  of the same attempt, and may be led at once. The next term is *reserved* for that tick: candidates
  for other ticks wait until the lease of the continued lock and the allowance have passed. A
  waiting candidate takes the time from the `Date` of a list that still shows that lock as the head.
  If a win right after a continued lock is void, the candidate seals its own lock as `continued` for
  the same tick, so that the head still says which tick is to be continued, and at which leg.

States of a lock, with the rules that permit each change:

    no object ── create (R0 R1 R7) ──▶ unsealed ── resign, by its holder (R2 R6 R8) ──────▶ sealed
                                       │      ▲ └─ take over, once lapsed (R2 R3 R4) ─────▶   │
                                       └ renew┘ (R2 R4 R5)                                    │
    deleted ◀── tagged by a later leader, then deleted by the lifecycle rule (R6) ────────────┘

States of a candidate in a campaign, each a function below:

    head unknown or too old (R7 R9) ─▶ list ─▶ head known
    head known ─┬─ tick completed ──────────▶ Lost "done"       (R8)
                ├─ unsealed, not lapsed ────▶ wait, read again; out of time: Lost "held"  (R4)
                ├─ too many attempts ───────▶ Lost "exhausted"  (R8)
                ├─ continued, other tick ───▶ wait, list again; out of time: Lost "held"  (R10)
                ├─ unsealed, lapsed ────────▶ seal it (R3) ─▶ head known
                └─ sealed, or no lock ──────▶ create the next (R1)
    asked to stop while it waits ───────────▶ Lost "stopped"
    create ─────┬─ applied, and valid ──────▶ Won               (R0 R4 R7)
                ├─ applied, but void ───────▶ head unknown; a second time: StoreUnavailable
                └─ conflict ────────────────▶ head known; out of time: Lost "beaten"      (R5)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from s3leader.errors import StoreUnavailable

from .attempts import may_attempt
from .candidate import PROOF_VALID_MS, CandidateConfig, LedgerHead, Steps
from .conditional_write import WriteConflict, seal_other
from .create_lock import Created, Voided, create_next_lock
from .holding import Holding
from .ledger import find_head, head_in
from .lock import COMPLETED, LAPSED_SEALED_BY
from .next_lock import Work
from .requests import Reply, Wait, Waited
from .waiting import head_again, pause, read_again

LossReason: TypeAlias = Literal["held", "done", "beaten", "exhausted", "stopped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Won:
    """The campaign was won; `took_over` if the candidate sealed a lapsed lock to win it."""

    holding: Holding
    took_over: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """The campaign was lost. `head` may be remembered for the next campaign (R9)."""

    why: LossReason
    head: LedgerHead


@dataclass(frozen=True, slots=True, kw_only=True)
class _Goal:
    """What a campaign is for. While another candidate leads, the campaign waits until
    `give_up_ms`.
    """

    config: CandidateConfig
    work: Work
    give_up_ms: int

    def is_done(self, head: LedgerHead) -> bool:
        """Whether `head` shows that there is nothing to do (R8)."""
        lock, work = head.lock, self.work
        if lock is None or not lock.is_done(work.tick):
            return False
        if lock.repeat and lock.is_continued_for(work.tick):
            return False  # its next leg is still to be led, although the tick is done
        if not work.repeat:
            return True
        # Leg 1 of a repeat always runs. A later leg runs only while the highest lock shows that
        # the repeat is unfinished: Lambda may deliver the event of that leg twice.
        is_pending = lock.tick == work.tick and lock.repeat and lock.outcome != COMPLETED
        return work.leg > 1 and not is_pending


@dataclass(frozen=True, slots=True, kw_only=True)
class _Progress:
    """Where a campaign stands. `head` is None while it is unknown. `seen_now` is true if it was
    read in this campaign, and is not only remembered. `sealed_term` is the lapsed term that the
    candidate sealed last; `had_void_win` is true after its first void win.
    """

    head: LedgerHead | None
    now_ms: int
    seen_now: bool = False
    sealed_term: int | None = None
    had_void_win: bool = False


def campaign(
    config: CandidateConfig,
    work: Work,
    *,
    wait_ms: int,
    known: LedgerHead | None,
    now_ms: int,
) -> Steps[Won | Lost]:
    """Try to lead the next term. While another candidate leads, wait for up to `wait_ms`.

    `known` is the head that this process remembers (R9), `now_ms` its monotonic clock.
    """
    goal = _Goal(config=config, work=work, give_up_ms=now_ms + wait_ms)
    step: _Progress | Won | Lost = _Progress(head=known, now_ms=now_ms)
    while isinstance(step, _Progress):
        step = yield from _next_step(goal, step)
    return step


def _next_step(goal: _Goal, at: _Progress) -> Steps[_Progress | Won | Lost]:
    config, head, work = goal.config, at.head, goal.work
    # A remembered head cannot show whether a repeat is done: for that, it must have been read now.
    if head is not None and goal.is_done(head) and (at.seen_now or not work.repeat):
        return Lost(why="done", head=head)  # R8
    if head is None or not _is_current(goal, head, at):
        return (yield from _look(config, at, head))
    lock = head.lock
    is_held = lock is not None and not lock.sealed and not config.lapsed(lock)
    is_exhausted = not work.repeat and not may_attempt(lock, work.tick, config.max_attempts)
    is_reserved = config.reserved(head, work.tick) and not is_exhausted
    if is_held or is_reserved:  # R4, R10
        return (yield from _wait_for_leader(goal, at, head))
    if is_exhausted:
        return Lost(why="exhausted", head=head)  # R8
    if not head.allows_next:  # neither sealed nor an empty ledger (R1)
        return (yield from _seal_lapsed(config, at, head))
    return (yield from _create(goal, at, head))


def _look(config: CandidateConfig, at: _Progress, head: LedgerHead | None) -> Steps[_Progress]:
    """Find the head. A remembered leader's lock is read again, which needs no list (R9)."""
    if head is None or at.seen_now or head.allows_next or not _is_recent(head, at):
        head = yield from find_head(config, head)
        return replace(at, head=head, seen_now=True, now_ms=max(at.now_ms, head.observed_ms))
    again, now_ms = yield from read_again(config, head)
    # If it is sealed, it may have successors by now: then it still counts as remembered.
    seen_now = again is not None and not again.allows_next
    return replace(at, head=again, seen_now=seen_now, now_ms=max(at.now_ms, now_ms))


def _is_recent(head: LedgerHead, at: _Progress) -> bool:
    """An early check by the candidate's own clock: it only saves requests that would be in vain."""
    return head.proved_highest_at_ms is not None and at.now_ms - head.observed_ms < PROOF_VALID_MS


def _is_current(goal: _Goal, head: LedgerHead, at: _Progress) -> bool:
    """Whether the candidate may act on `head` without listing first (R7, R9, R10)."""
    if not _is_recent(head, at):
        return False
    if at.seen_now:
        return True
    return (
        head.allows_next and not goal.work.repeat and not goal.config.reserved(head, goal.work.tick)
    )


def _wait_for_leader(goal: _Goal, at: _Progress, head: LedgerHead) -> Steps[_Progress | Lost]:
    """Pause, then read the leader's lock again; give up when no time is left."""
    left_ms = goal.give_up_ms - at.now_ms
    if left_ms <= 0:
        return Lost(why="held", head=head)
    paused = yield pause(goal.config, head, left_ms)
    if paused.answer == Waited(stopped=True):
        return Lost(why="stopped", head=head)
    if head.allows_next:  # the lock is continued: only a list shows a newer one (R10)
        head = yield from find_head(goal.config, head)
        return replace(at, head=head, now_ms=max(paused.received_ms, head.observed_ms))
    again, _ = yield from read_again(goal.config, head)
    return replace(at, head=again, now_ms=paused.received_ms)


def _seal_lapsed(config: CandidateConfig, at: _Progress, head: LedgerHead) -> Steps[_Progress]:
    """R3: seal a lapsed lock. Creating the next one is another step."""
    sealed = yield from seal_other(config, head, f"{LAPSED_SEALED_BY}{config.candidate}")
    if isinstance(sealed, WriteConflict):
        return replace(at, head=head_again(sealed.reply, config, head))
    return replace(at, head=sealed, sealed_term=sealed.term)


def _create(goal: _Goal, at: _Progress, head: LedgerHead) -> Steps[_Progress | Won | Lost]:
    """R1: create the next lock."""
    created = yield from create_next_lock(goal.config, head, goal.work)
    if isinstance(created, Created):
        return Won(holding=created.holding, took_over=at.sealed_term == head.term)
    if isinstance(created, Voided):
        if at.had_void_win:
            raise _two_void_wins(goal.config, head)
        return replace(at, head=None, seen_now=False, had_void_win=True, now_ms=created.now_ms)
    return (yield from _after_conflict(goal, at, head, created.reply))


def _after_conflict(
    goal: _Goal, at: _Progress, head: LedgerHead, reply: Reply
) -> Steps[_Progress | Lost]:
    """Go on from the lock that another candidate created; `reply` is the answer to its read."""
    now_ms = reply.received_ms
    rival = head_in(reply, goal.config, head.term + 1, no_higher_at_ms=head.proved_highest_at_ms)
    # A conflict is a lost race only if the head was listed: a remembered one may be outdated (R9).
    if at.seen_now and rival is not None and not goal.is_done(rival):
        if now_ms >= goal.give_up_ms:
            return Lost(why="beaten", head=rival)
        if rival.allows_next:  # jitter, so that the losers of this race do not collide again
            paused = yield Wait(50, 250, may_stop=True)
            if paused.answer == Waited(stopped=True):
                return Lost(why="stopped", head=rival)
            now_ms = paused.received_ms
    return replace(at, head=rival, seen_now=rival is not None, now_ms=now_ms)


def _two_void_wins(config: CandidateConfig, head: LedgerHead) -> StoreUnavailable:
    return StoreUnavailable(
        f"two wins were void, the second of them of term {head.term + 1}: an answer of S3 came"
        f" after the lease of {config.lease_ms} ms, or this process was suspended for an hour."
        f" Nobody leads; try again later, or with a longer lease."
    )
