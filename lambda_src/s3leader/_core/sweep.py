"""Tagging old locks for the lifecycle rule (R6), and writing the hint.

Sans-I/O, like `protocol.py`.
"""

from __future__ import annotations

import json

from s3leader.errors import BucketUnusable

from .candidate import CandidateConfig, Steps
from .ledger import hint_term
from .lock import Lock
from .requests import Create, Found, Missing, Read, Replace, Tag, Unknown

SWEEP_AT_MOST = 50
HINT_EVERY = 500


def sweep(
    config: CandidateConfig, lock: Lock, *, stop_at_ms: int
) -> Steps[tuple[int, BucketUnusable | None]]:
    """Tag the locks below `lock` for deletion; return the new `swept`, and the error if one came.

    The leader's own lock exists, so no lower lock is the highest. Locks that crashed leaders left
    untagged are tagged too, at most 50 per term, and none after the monotonic `stop_at_ms`. A
    leader must be able to resign without the right to tag, so that error is returned, not raised.
    """
    swept = min(lock.swept, lock.term - 1)
    try:
        for term in range(swept + 1, min(lock.term, swept + 1 + SWEEP_AT_MOST)):
            reply = yield Tag(config.key(term))
            if isinstance(reply.answer, Unknown):
                break
            swept = term
            if reply.received_ms >= stop_at_ms:
                break
        if lock.term % HINT_EVERY == 0:
            yield from _write_hint(config, lock.term)
    except BucketUnusable as sweep_error:
        return swept, sweep_error
    return swept, None


def _write_hint(config: CandidateConfig, term: int) -> Steps[None]:
    """Write `term` to the hint, once: a lost write of a hint does no harm."""
    body = json.dumps({"term": term}).encode()
    try:
        reply = yield Read(config.hint)
    except BucketUnusable:  # S3 may answer 403 for a missing object
        yield Create(config.hint, body)
        return
    if isinstance(reply.answer, Missing):
        yield Create(config.hint, body)
    elif isinstance(reply.answer, Found) and hint_term(reply.answer.body) < term:
        yield Replace(config.hint, body, reply.answer.etag)
