"""R0: a store that ignores conditions cannot hold an election. Sans-I/O, as `protocol.py`.

Servers that accept `If-None-Match` and `If-Match`, ignore them, and write regardless, let every
candidate win. So a candidate that has created a lock proves the store before it leads: it repeats
two writes whose conditions do not hold, and both must be refused. Both carry the body that is there
already, so that nothing of value is overwritten on a store that applies them.

A leader that has proved the store says so in its lock (`proved`), and each later lock carries that
on. So every leader has proved the store, or follows one that has. No other evidence counts: locks
of versions without this rule, of void wins, and of operators prove nothing.

What this does not show: that a store keeps conditions when several requests meet, that another way
to it (through a proxy that strips headers) is as good, or that a ledger was not copied here.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from s3leader.errors import BucketUnusable, StoreUnavailable

from .candidate import CandidateConfig, Steps
from .holding import Holding, seal_own
from .lock import RESIGNED
from .requests import Applied, Conflict, Create, Replace, Reply, Wait

IMPOSSIBLE_ETAG: Final = f'"{"0" * 32}"'


def prove_store(config: CandidateConfig, holding: Holding, create: Create) -> Steps[int]:
    """Send both probes and return the clock's reading at the last answer.

    The caller compares it with the deadline: past that, the win is void, and no probe proves
    anything, for the lock may have been deleted, and an applied `Create` be right.

    `create` is the write that created the lock held. If a probe is applied or refused, the lock is
    sealed, and `BucketUnusable` says what this store did.
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
    """Send a probe until it is answered, or the deadline has passed. A 412 is the good answer,
    of whichever write it speaks, so it is not looked into (R5).
    """
    pause_ms = 25
    while True:
        reply = yield probe
        if isinstance(reply.answer, Applied | Conflict) or reply.received_ms >= deadline_ms:
            return reply
        yield Wait(pause_ms, 2 * pause_ms)
        pause_ms = min(2 * pause_ms, 1000)


def _seal_unproved(config: CandidateConfig, holding: Holding, why: str, now_ms: int) -> Steps[None]:
    """Leave no unsealed lock behind; whatever comes of it, nobody leads.

    An applied probe may have changed the ETag, under SSE-KMS even of equal bodies; the seal
    recognises the body by its nonce.
    """
    with suppress(StoreUnavailable, BucketUnusable):
        yield from seal_own(config, holding.without_attempt(), RESIGNED, why, now_ms)


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
