"""R0: verify that the store enforces conditions on writes. Sans-I/O, like `protocol.py`.

A server that accepts `If-None-Match` and `If-Match` but ignores them lets every candidate win. So a
candidate that has created a lock sends two *probes* before it leads: writes of that lock whose
conditions do not hold. The store must refuse both. Both carry the body that is already there, so a
store that applies them loses nothing.

A leader that has verified the store records this in its lock (`proved`), and each later lock
inherits it. So each leader has verified the store, or follows one that has. Locks of versions
without this rule, of void wins and of operators do not set `proved`.

Not verified: that the store enforces conditions for concurrent requests, that another path to it
(a proxy that strips headers) does, and that the ledger was not copied here from another store.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from s3leader.errors import BucketUnusable, StoreUnavailable

from .candidate import CandidateConfig, Steps
from .holding import Holding, seal_void
from .requests import Applied, Conflict, Create, Replace, Reply, Wait

IMPOSSIBLE_ETAG: Final = f'"{"0" * 32}"'


def prove_store(config: CandidateConfig, holding: Holding, create: Create) -> Steps[int]:
    """Send both probes; return the monotonic time of the last answer.

    The caller compares it with the deadline. Past the deadline the win is void, and a probe proves
    nothing: the lock may have been deleted by then, and applying the `Create` may be correct.

    `create` is the write that created the lock. If a probe is applied or denied, the lock is sealed
    and `BucketUnusable` says what the store did.
    """
    ignored: list[str] = []
    now_ms = holding.received_ms
    try:
        for header, probe in (
            ("If-None-Match: *", create),
            ("If-Match", Replace(create.key, create.body, IMPOSSIBLE_ETAG)),
        ):
            reply = yield from _answered(probe, holding.deadline_ms)
            now_ms = reply.received_ms
            if now_ms >= holding.deadline_ms:
                break
            if isinstance(reply.answer, Applied):
                ignored.append(header)
    except BucketUnusable:
        yield from _seal_unproved(config, holding, "void: a probe of the store was refused", now_ms)
        raise
    if ignored:
        headers = " and ".join(ignored)
        yield from _seal_unproved(config, holding, f"void: the store ignores {headers}", now_ms)
        raise _ignores(create.key, headers)
    return now_ms


def _answered(probe: Create | Replace, deadline_ms: int) -> Steps[Reply]:
    """Send a probe until it is answered or the deadline has passed. A 412 is the expected answer
    to each copy of the probe, so it is not followed by a read (R5).
    """
    pause_ms = 25
    while True:
        reply = yield probe
        if isinstance(reply.answer, Applied | Conflict) or reply.received_ms >= deadline_ms:
            return reply
        yield Wait(pause_ms, 2 * pause_ms)
        pause_ms = min(2 * pause_ms, 1000)


def _seal_unproved(config: CandidateConfig, holding: Holding, why: str, now_ms: int) -> Steps[None]:
    """Try to seal the lock. If this fails, nobody leads either, and the lock lapses.

    An applied probe may have changed the ETag, under SSE-KMS even for equal bodies, so the seal
    recognises the candidate's own body by its nonce.
    """
    with suppress(StoreUnavailable, BucketUnusable):
        yield from seal_void(config, holding, why, now_ms)


def _ignores(key: str, headers: str) -> BucketUnusable:
    return BucketUnusable(
        f"the store applied a write of {key} whose condition ({headers}) did not hold; a store that"
        f" honours conditional writes answers 412. On this one several candidates would lead at"
        f" once, so nobody does, and the lock is sealed. Use a general purpose bucket of Amazon S3,"
        f" or a server that honours If-None-Match and If-Match on PutObject.",
        action="s3:PutObject",
        resource=key,
        code="ConditionIgnored",
    )
