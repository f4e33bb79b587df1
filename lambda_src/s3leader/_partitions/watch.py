"""Reading the same lock again and again, to learn who leads an election. Sans-I/O.

The result is for counting workers only. It proves nothing, and no campaign relies on it.
"""

from __future__ import annotations

from dataclasses import replace

from s3leader._core.candidate import PROOF_VALID_MS, CandidateConfig, LedgerHead, Steps
from s3leader._core.ledger import ask, find_head, head_in
from s3leader._core.requests import Missing, Read
from s3leader._core.waiting import read_again


def watch(config: CandidateConfig, known: LedgerHead | None, now_ms: int) -> Steps[LedgerHead]:
    """Return the head of a ledger of which `known` was the head. Usually one GET, and no list.

    While lock N is sealed, a successor can only have the number N+1, and is deleted after a day at
    the earliest: so the absence of that one key, at least once an hour, shows that N is still the
    highest. `now_ms` is the monotonic clock.
    """
    if known is None or now_ms - known.observed_ms >= PROOF_VALID_MS:
        return (yield from find_head(config))
    if not known.allows_next:
        again, _ = yield from read_again(config, known)
        if again is None:
            return (yield from find_head(config))
        if not again.allows_next:
            return again
        known = again
    reply = yield from ask(Read(config.key(known.term + 1)))
    if isinstance(reply.answer, Missing):
        return replace(known, observed_ms=reply.sent_ms)
    head = head_in(reply, config, known.term + 1, no_higher_at_ms=known.proved_highest_at_ms)
    if head is None or head.allows_next:
        return (yield from find_head(config, head))
    return head
