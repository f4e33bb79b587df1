"""Waiting for a leader: when to look at its lock again, and what a second read proves.

Sans-I/O, like `protocol.py`.
"""

from __future__ import annotations

from dataclasses import replace

from .candidate import CandidateConfig, LedgerHead, Steps
from .ledger import ask, head_in
from .requests import Read, Reply, Wait


def pause(config: CandidateConfig, head: LedgerHead, left_ms: int) -> Wait:
    """Return the pause before the next look, which comes within `left_ms`.

    It ends a quarter to half a second after the lock can have lapsed (or its reservation be over,
    R10), if that comes before the next look is due; drawn, so that candidates which wait for the
    same lock do not all look at once. S3's times are whole seconds, so an answer may show a lapse
    up to a second late: then `lapse_ms` is 0, and the next pauses are short.
    """
    longest_ms = min(left_ms, config.poll_ms)
    lapse_ms = config.left_ms(head)
    if lapse_ms is not None and lapse_ms + 500 < longest_ms:
        return Wait(lapse_ms + 250, lapse_ms + 500, may_stop=True)
    if left_ms <= config.poll_ms:  # the last look
        return Wait(left_ms, left_ms, may_stop=True)
    return Wait(config.poll_ms // 2, config.poll_ms, may_stop=True)


def read_again(config: CandidateConfig, head: LedgerHead) -> Steps[tuple[LedgerHead | None, int]]:
    """Read a lock again that was unsealed; return it, and when the request was sent."""
    reply = yield from ask(Read(config.key(head.term)))
    return head_again(reply, config, head), reply.sent_ms


def head_again(reply: Reply, config: CandidateConfig, head: LedgerHead) -> LedgerHead | None:
    """Return the lock from a second read. `head`, the first read, showed it unsealed.

    So when it was first read, no higher lock existed (R1). If it has been sealed since, the second
    read proves nothing about higher locks, so the time of the first proof is kept (R7).
    """
    again = head_in(reply, config, head.term, no_higher_at_ms=head.proved_highest_at_ms)
    if again is not None and again.allows_next:
        again = replace(again, proved_highest_at_ms=head.proved_highest_at_ms)
    return again
