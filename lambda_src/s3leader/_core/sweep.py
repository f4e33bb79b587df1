"""What a leader leaves behind for its successors: tags for the lifecycle rule, and the hint.

Sans-I/O, as `protocol.py`.
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
    """Tag the locks below one's own for deletion (R6); return the new `swept` and what hindered.

    Own lock exists, so none of them is the highest. What crashed leaders left untagged is made up
    for, at most 50 a term, none after the stopwatch shows `stop_at_ms`. A missing right to tag
    must not keep a leader from resigning, so that error is returned, not raised.
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
    """Point the hint at a term. Nothing is settled or retried: it is only a hint."""
    body = json.dumps({"term": term}).encode()
    try:
        reply = yield Read(config.hint)
    except BucketUnusable:  # as above; if it is missing, it can be created
        yield Create(config.hint, body)
        return
    if isinstance(reply.answer, Missing):
        yield Create(config.hint, body)
    elif isinstance(reply.answer, Found) and hint_term(reply.answer.body) < term:
        yield Replace(config.hint, body, reply.answer.etag)
