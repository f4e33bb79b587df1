"""R0: a store that ignores conditions cannot hold an election. Sans-I/O, as `protocol.py`.

Servers that take `If-None-Match` and `If-Match` without a word, and write regardless, let every
candidate win. So a candidate that has created a lock proves the store before it leads. It repeats
two writes whose conditions do not hold; both carry the body that is there already, so that a store
that applies them changes nothing. By induction, each leader has proved the store or follows a
leader that has.

What this does not show: that a store keeps conditions when several requests meet.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from .errors import BucketUnusable, StoreUnavailable
from .ledger import Rules, Steps
from .lock import COMPLETED, CONTINUED, CORRUPT_BODY, FAILED, RESIGNED, Lock
from .settle import seal
from .store import Applied, Conflict, Create, Replace, Reply, Wait

IMPOSSIBLE_ETAG: Final = f'"{"0" * 32}"'


def is_proved(below: Lock | None) -> bool:
    """Whether the lock below one's own shows that a leader has ended a term on this store.

    Candidates whose wins were void seal their locks too, as `resigned`, and candidates that died
    have theirs sealed as `deposed`: neither has proved anything. Nor has an operator, who states
    what a corrupt lock does not say.
    """
    if below is None or CORRUPT_BODY in below.extra:
        return False
    ended = below.outcome in {COMPLETED, FAILED, CONTINUED}
    return ended or below.done is not None or below.swept > 0


def prove_store(
    rules: Rules, lock: Lock, create: Create, etag: str, *, deadline_ms: int
) -> Steps[int]:
    """Send both probes and return the stopwatch; the caller compares it with its deadline.

    `create` is the write that created `lock`, whose ETag is `etag`. If a probe is applied, the lock
    is sealed and `BucketUnusable` raised, which says which conditions the store ignores.
    """
    ignored: list[str] = []
    now_ms = 0
    for header, probe in (
        ("If-None-Match: *", create),
        ("If-Match", Replace(create.key, create.body, IMPOSSIBLE_ETAG)),
    ):
        reply = yield from _answered(probe, deadline_ms)
        now_ms = reply.received_ms
        if now_ms >= deadline_ms:  # by then the lock may be gone, and a probe rightly applied
            break
        if isinstance(reply.answer, Applied):
            ignored.append(header)
            etag = reply.answer.etag  # equal bodies have other ETags under SSE-KMS
    if ignored:
        yield from _seal_unproved(rules, lock, etag, ignored)
        raise _ignores(create.key, ignored)
    return now_ms


def _answered(probe: Create | Replace, deadline_ms: int) -> Steps[Reply]:
    """Send a probe until it is answered, or the deadline has passed. A 412 is the good answer,
    whoever's write it speaks of, so it is not looked into (R5).
    """
    pause_ms = 25
    while True:
        reply = yield probe
        if isinstance(reply.answer, Applied | Conflict) or reply.received_ms >= deadline_ms:
            return reply
        yield Wait(pause_ms, 2 * pause_ms)
        pause_ms = min(2 * pause_ms, 1000)


def _seal_unproved(rules: Rules, lock: Lock, etag: str, ignored: list[str]) -> Steps[None]:
    """Leave no unsealed lock behind; whatever comes of it, nobody leads."""
    ended_at = lock.started_at
    if ended_at is None:
        raise TypeError("only a lock that was created can be sealed")
    reason = f"void: the store ignores {' and '.join(ignored)}"
    with suppress(StoreUnavailable):
        yield from seal(rules, lock, etag, outcome=RESIGNED, reason=reason, ended_at=ended_at)


def _ignores(key: str, ignored: list[str]) -> BucketUnusable:
    headers = " and ".join(ignored)
    return BucketUnusable(
        f"the store applied a write of {key} whose condition ({headers}) did not hold; a store that"
        f" honours conditional writes answers 412. On this one several candidates would lead at"
        f" once, so nobody does, and the lock is sealed. Use a general purpose bucket of Amazon S3,"
        f" or a server that honours If-None-Match and If-Match on PutObject.",
        action="s3:PutObject",
        resource=key,
        code="ConditionIgnored",
    )
