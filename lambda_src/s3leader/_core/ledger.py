"""Finding the head of a ledger, its highest lock. Sans-I/O, like `protocol.py`.

The ledger of an election is `lock_0000000001.json`, `lock_0000000002.json`, … in one folder. A
candidate lists the keys after the last lock that it knows, and reads the last key of the list. On
a cold start with more than one page of keys it first reads the *hint*, an object that leaders
rewrite every 500th term: `{"term": 1500}`; with `long_ledger` it reads the hint before it lists.
Listing then starts just below the term of the hint, whose own lock may be the highest. A missing,
outdated or wrong hint costs requests, never correctness.

`proved_highest_at_ms` is a time, by S3's `Date`, at which a lock was certainly the highest. The
functions below rely on these invariants:

- **I1** If lock N ever existed, an empty list of the keys after it proves that N is the highest: S3
  lists consistently, and the highest lock is never deleted (R6).
- **I2** A sealed lock never changes, so it need not be read twice.
- **I3** An unsealed lock N is the highest (R1) if it was read within one hour of a moment at which
  no lock above N existed. Later than that, N may have been deleted, and created again by a
  suspended candidate. That win is void (R7), but if the candidate crashes before it seals the new
  object, an unsealed lock N remains that is not the highest.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from s3leader.errors import BucketUnusable, CorruptLock, StoreUnavailable

from .candidate import PROOF_VALID_MS, CandidateConfig, LedgerHead, Steps
from .lock import Lock, decode_lock, parse_lock_name
from .requests import (
    Found,
    List,
    Listed,
    Read,
    Reply,
    Unknown,
    Wait,
    describe_request,
)  # fmt: skip
from .times import from_ms

READ_TRIES = 5
_READS_PER_LIST = 12
"""S3 charges for a list as for so many reads: a list that can save fewer is not sent."""


def ask(request: List | Read, *, tries: int = READ_TRIES) -> Steps[Reply]:
    """Repeat a read or a list until S3 answers it; raise `StoreUnavailable` after `tries`.

    The pauses double: those of five tries take about a second, of nine about 20 seconds.
    """
    cause = ""
    for attempt in range(tries):
        reply = yield request
        if not isinstance(reply.answer, Unknown):
            return reply
        cause = reply.answer.cause
        if attempt + 1 < tries:
            yield Wait(50 << attempt, 100 << attempt)
    raise StoreUnavailable(
        f"S3 gave no usable answer to {tries} tries of a {describe_request(request)} (the"
        f" last: {cause}). Nothing was changed; try again later."
    )


def read_lock(
    config: CandidateConfig, term: int, *, no_higher_at_ms: int | None
) -> Steps[LedgerHead | None]:
    """Read the lock of `term`, or return None if there is none. One GET.

    `no_higher_at_ms` is an S3 time at which no lock above `term` existed, None if none is known.
    `proved_highest_at_ms` of the result is None unless I3 proves the lock the highest.
    """
    return head_in(
        (yield from ask(Read(config.key(term)))), config, term, no_higher_at_ms=no_higher_at_ms
    )


def head_in(
    reply: Reply, config: CandidateConfig, term: int, *, no_higher_at_ms: int | None
) -> LedgerHead | None:
    """Return the lock in the reply to a `Read` of `term`, or None. See `read_lock`."""
    found = reply.answer
    if not isinstance(found, Found):
        return None
    key = config.key(term)
    lock = _dated(decode_lock(found.body, key=key, term=term, etag=found.etag), found)
    age_ms = None if no_higher_at_ms is None else found.date_ms - no_higher_at_ms
    fresh = age_ms is not None and age_ms < PROOF_VALID_MS
    proved_highest_at_ms = found.date_ms if fresh and not lock.sealed else None
    return LedgerHead(
        lock=lock,
        etag=found.etag,
        proved_highest_at_ms=proved_highest_at_ms,
        observed_ms=reply.sent_ms,
    )


def find_head(config: CandidateConfig, head: LedgerHead | None = None) -> Steps[LedgerHead]:
    """List the locks after the one known, if any, and read the highest unless it is known (I2)."""
    for _ in range(READ_TRIES):
        known = head.term if head is not None else 0
        term, listed = yield from _highest_after(config, known)
        proved_highest_at_ms = _listed(listed).date_ms
        if term is None and head is not None and head.allows_next:
            return replace(
                head, proved_highest_at_ms=proved_highest_at_ms, observed_ms=listed.sent_ms
            )
        if term is None and not known:
            return LedgerHead(
                lock=None,
                etag="",
                proved_highest_at_ms=proved_highest_at_ms,
                observed_ms=listed.sent_ms,
            )
        found = yield from read_lock(config, term or known, no_higher_at_ms=proved_highest_at_ms)
        if found is not None and found.allows_next:
            # It was the highest when it was listed. If there is a newer lock, the create conflicts.
            return replace(found, proved_highest_at_ms=proved_highest_at_ms)
        if found is not None and found.proved_highest_at_ms is not None:
            return found
        # Deleted between the two requests, or read over an hour later (I3): list from the start.
        head = None
        yield Wait(50, 100)
    raise StoreUnavailable(
        f"expected S3 to return a lock that it lists under {config.folder}, but the read found"
        f" none, or came over an hour after the list, {READ_TRIES} times in a row. Nothing was"
        " changed; try again later."
    )


def history(config: CandidateConfig, limit: int, before: int | None = None) -> Steps[list[Lock]]:
    """Read the locks of up to `limit` numbers, the newest first, with `before` those below it.

    A corrupt lock appears with its `problem`. A number whose lock is deleted counts.
    """
    if before is None:
        highest, _ = yield from _highest_after(config, 0)
        before = (highest or 0) + 1
        terms: Sequence[int] = range(max(1, before - limit), before)
    elif limit <= _READS_PER_LIST:
        terms = range(max(1, before - limit), before)
    else:
        terms = yield from _existing(config, max(1, before - limit), before)
    locks: list[Lock] = []
    for term in reversed(terms):
        try:
            head = yield from read_lock(config, term, no_higher_at_ms=None)
        except CorruptLock as corrupt:
            locks.append(Lock(term=term, problem=corrupt.problem))
        else:
            if head is not None and head.lock is not None:  # the lifecycle rule leaves gaps
                locks.append(head.lock)
    return locks


def extent(config: CandidateConfig) -> Steps[range]:
    """Return the range from the lowest to the highest lock; some between them may be deleted."""
    first = yield from ask(List(config.folder + "lock_"))
    terms = _terms(config, _listed(first))
    lowest = terms[0] if terms else 1
    if _listed(first).truncated:
        highest, _ = yield from _highest_after(replace(config, long_ledger=True), 0)
    else:
        highest = terms[-1] if terms else None
    return range(lowest, (highest or 0) + 1)


# ------------------------------------------------------------------------------------- private


def _highest_after(config: CandidateConfig, known: int) -> Steps[tuple[int | None, Reply]]:
    """Return the highest term above `known`, None if there is none, and the reply that proves it.

    The proof is the page with the highest lock, or the first page if no page has a lock. When that
    page was served, no higher lock existed: otherwise that page or a later one would show it. The
    time of a later, empty page proves nothing: a lock created since then may sort before the key at
    which that page starts. A page may be empty and still be followed by others (S3 skips delete
    markers), so only the continuation token ends the loop.

    If `known` is 0, listing begins at the hint on a long ledger, and otherwise continues there if
    there is a second page. If no lock follows there, the hint was too high, and listing resumes
    where it was left.
    """
    highest: int | None = None
    proof: Reply | None = None
    request = List(config.folder + "lock_", config.key(known) if known else None)
    left_off = None  # where to resume if the hint is too high
    hint_settled = known > 0 or config.long_ledger  # it was read, or is not needed
    if not known and config.long_ledger:
        left_off, request = yield from _skip_to_hint(config, request, 0)
    while True:
        reply = yield from ask(request)
        page = _listed(reply)
        terms = _terms(config, page)
        if terms or proof is None:
            proof = reply
        if terms:
            highest, left_off = terms[-1], None
        if page.next_token is not None:
            if page.next_token == request.token:
                raise _repeats(config, page.next_token)
            request = replace(request, token=page.next_token)
            if not hint_settled:
                hint_settled = True
                left_off, request = yield from _skip_to_hint(config, request, highest or 0)
        elif left_off is not None and not terms:
            request, left_off = left_off, None
        else:
            return highest, proof


def _skip_to_hint(
    config: CandidateConfig, request: List, highest: int
) -> Steps[tuple[List | None, List]]:
    """Return `request` and the list that begins just below the hint; None and `request` if the hint
    leads no further than `highest`.
    """
    term = yield from _hinted_term(config)
    if term - 1 > highest:
        return request, List(request.prefix, config.key(term - 1))
    return None, request


def _existing(config: CandidateConfig, first: int, before: int) -> Steps[Sequence[int]]:
    """Return the terms from `first` to below `before` whose locks exist, in ascending order."""
    found: list[int] = []
    request = List(config.folder + "lock_", config.key(first - 1) if first > 1 else None)
    while True:
        page = _listed((yield from ask(request)))
        terms = _terms(config, page)
        found += [term for term in terms if term < before]
        if page.next_token is None or (terms and terms[-1] >= before - 1):
            return found
        if page.next_token == request.token:
            raise _repeats(config, page.next_token)
        request = replace(request, token=page.next_token)


def _repeats(config: CandidateConfig, token: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"expected a new continuation token with each page of {config.folder}, got the same again"
        f" ({token[:60]!r}), so the list has no end. Nothing was changed; a server that does this"
        f" cannot hold an election."
    )


def _terms(config: CandidateConfig, page: Listed) -> list[int]:
    names = (key.removeprefix(config.folder) for key in page.keys)
    return [term for name in names if (term := parse_lock_name(name)) is not None]


def _hinted_term(config: CandidateConfig) -> Steps[int]:
    """Return the term in the hint, 0 if there is no usable hint."""
    try:
        reply = yield from ask(Read(config.hint))
    except BucketUnusable:  # S3 may answer 403 for a missing object
        return 0
    found = reply.answer
    return hint_term(found.body) if isinstance(found, Found) else 0


def hint_term(body: bytes) -> int:
    """Return the term in the body of a hint, 0 if it has no valid one."""
    try:
        term = json.loads(body)["term"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return 0
    return term if isinstance(term, int) and 0 < term < 10**10 else 0


def _dated(lock: Lock, found: Found) -> Lock:
    """Add S3's times of the object. A lock that was not rewritten since its create has no
    `started_at`, and one sealed by Morling's original scheme has no `ended_at`: Last-Modified is
    used instead.
    """
    modified = from_ms(found.modified_ms)
    started_at, ended_at = lock.started_at, lock.ended_at
    if not lock.sealed and started_at is None:
        started_at = modified
    if lock.sealed and ended_at is None:
        ended_at = modified
    return replace(
        lock,
        modified_at=modified,
        seen_at=from_ms(found.date_ms),
        started_at=started_at,
        ended_at=ended_at,
    )


def _listed(reply: Reply) -> Listed:
    if not isinstance(reply.answer, Listed):
        raise TypeError(f"a store answered {reply.answer} to a List")
    if reply.answer.truncated != (reply.answer.next_token is not None):
        raise TypeError(f"a page of a List contradicts its continuation token: {reply.answer}")
    return reply.answer
