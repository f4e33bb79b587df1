"""Finding the highest lock, and keeping the ledger short. Sans-I/O, as `protocol.py`.

The ledger of an election is `lock_0000000001.json`, `lock_0000000002.json`, … in one folder. Only
its highest lock matters to a candidate, and these three facts make it cheap to find:

- an unsealed lock is the highest, since N+1 exists only if N is sealed (R1);
- sealed content never changes, so a sealed lock need not be read twice;
- the highest lock is never deleted (R6), so an empty page after lock N, asked for after N was
  seen, proves that N is still the highest.

The first needs care: a number from long ago, whose lock was deleted, may have been created anew by
a candidate that was asleep. It will find its win void (R7), but may die before it seals it. So an
unsealed lock counts as the highest only where less than R7's hour has passed, by S3's clock, since
nothing above it existed for certain.
"""

from __future__ import annotations

import json
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


def ask(request: List | Read, *, tries: int = READ_TRIES) -> Steps[Reply]:
    """Send a request that changes nothing until it is answered.

    The pauses double: five tries take about two seconds, nine about 20.
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
    config: CandidateConfig, term: int, *, since_ms: int | None
) -> Steps[LedgerHead | None]:
    """Read the lock of `term`, or return None if there is none. One GET.

    `since_ms` is S3's `Date` at which nothing above `term` existed for certain. Unsealed and not
    long after, it is the highest (R1, R7). Otherwise nothing is proved, and
    `proved_highest_at_ms` is None.
    """
    return head_in((yield from ask(Read(config.key(term)))), config, term, since_ms=since_ms)


def head_in(
    reply: Reply, config: CandidateConfig, term: int, *, since_ms: int | None
) -> LedgerHead | None:
    """Return what the answer to a `Read` of the lock of `term` shows; `since_ms` as `read_lock`."""
    found = reply.answer
    if not isinstance(found, Found):
        return None
    key = config.key(term)
    lock = _dated(decode_lock(found.body, key=key, term=term, etag=found.etag), found)
    fresh = since_ms is not None and found.date_ms - since_ms < PROOF_VALID_MS
    proved_highest_at_ms = found.date_ms if fresh and not lock.sealed else None
    return LedgerHead(
        lock=lock,
        etag=found.etag,
        proved_highest_at_ms=proved_highest_at_ms,
        observed_ms=reply.sent_ms,
    )


def find_head(config: CandidateConfig, head: LedgerHead | None = None) -> Steps[LedgerHead]:
    """Find the highest lock: LIST what follows the last one known, and GET it if it is news."""
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
        found = yield from read_lock(config, term or known, since_ms=proved_highest_at_ms)
        if found is not None and found.allows_next:
            # It was the highest when it was listed, whatever came since.
            return replace(found, proved_highest_at_ms=proved_highest_at_ms)
        if found is not None and found.proved_highest_at_ms is not None:
            return found
        # Deleted between the two requests, or an hour came between: what we know is stale.
        head = None
        yield Wait(50, 100)
    raise StoreUnavailable(
        f"S3 lists locks under {config.folder} that it then does not have, {READ_TRIES} times over."
        f" Nothing was changed; try again later."
    )


def history(config: CandidateConfig, limit: int) -> Steps[list[Lock]]:
    """Read up to `limit` locks, the newest first. A corrupt one appears with its `problem`."""
    highest, _ = yield from _highest_after(config, 0)
    locks: list[Lock] = []
    for term in range(highest or 0, max(0, (highest or 0) - limit), -1):
        try:
            head = yield from read_lock(config, term, since_ms=None)
        except CorruptLock as corrupt:
            locks.append(Lock(term=term, problem=corrupt.problem))
        else:
            if head is not None and head.lock is not None:  # the lifecycle rule leaves gaps
                locks.append(head.lock)
    return locks


# ------------------------------------------------------------------------------------- private


def _highest_after(config: CandidateConfig, known: int) -> Steps[tuple[int | None, Reply]]:
    """Return the highest term above `known`, None if there is none, and the reply that proves it.

    That is the page with the highest lock, or the first page where there is none: a page that comes
    later may begin beyond the next lock's key, so its `Date` proves less. A page may be empty and
    still be followed by others (S3 passes over delete markers), so the continuation token alone
    decides.

    A candidate that knows no lock and meets a second page jumps to where the hint points. A hint
    that points beyond the highest lock shows itself by a list without locks; listing then resumes
    where it left off.
    """
    highest: int | None = None
    proof: Reply | None = None
    request = List(config.folder + "lock_", config.key(known) if known else None)
    hinted, left_off = known > 0, None  # where to go on if the hint leads nowhere
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
            if not hinted:
                hinted = True
                term = yield from _hinted_term(config)
                if term - 1 > (highest or 0):
                    left_off, request = request, List(request.prefix, config.key(term - 1))
        elif left_off is not None and not terms:
            request, left_off = left_off, None
        else:
            return highest, proof


def _repeats(config: CandidateConfig, token: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"the store answers the list of {config.folder} with one continuation token again and again"
        f" ({token[:60]!r}), so the list has no end. Nothing was changed; a server that does this"
        f" cannot hold an election."
    )


def _terms(config: CandidateConfig, page: Listed) -> list[int]:
    names = (key.removeprefix(config.folder) for key in page.keys)
    return [term for name in names if (term := parse_lock_name(name)) is not None]


def _hinted_term(config: CandidateConfig) -> Steps[int]:
    """Return the term that the hint names, 0 without a usable one."""
    try:
        reply = yield from ask(Read(config.hint))
    except BucketUnusable:  # S3 may say 403 of an object that is missing; and it is only a hint
        return 0
    found = reply.answer
    return hint_term(found.body) if isinstance(found, Found) else 0


def hint_term(body: bytes) -> int:
    """Return the term that the body of a hint names, 0 for a body that names none."""
    try:
        term = json.loads(body)["term"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return 0
    return term if isinstance(term, int) and 0 < term < 10**10 else 0


def _dated(lock: Lock, found: Found) -> Lock:
    """Add what S3 says of the object. Its Last-Modified also stands in for what no body says yet:
    when a term began that was not written since, and when a lock of the original scheme ended.
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
        raise TypeError(f"a store answered a List without saying where it goes on: {reply.answer}")
    return reply.answer
