"""One passage of the shipped package replaced at a time: each takes a part of a rule away.

`found` names the scenarios, or "simulation", in which a fault shows without it. The tests leave out
those that are `slow`; `scripts/check` explores all.
"""

from __future__ import annotations

from typing import Final

from .mutants import Mutant

MUTANTS: Final = (
    Mutant(
        rule="R1, R3",
        removed="a lapsed lock is sealed before it is succeeded",
        old='sealed = yield from seal_other(config, head, f"lapsed',
        new="sealed = replace(head, lock=replace(head.lock, expired=True))\n"
        '    yield from ()\n    (f"lapsed',
        found={
            "race": "lock 2 is created while lock 1 is not sealed",
            "simulation": "is not sealed",
        },
    ),
    Mutant(
        rule="R2",
        removed="a renewal compares before it swaps",
        old="write = Replace(config.key(lock.term), lock.encode(), holding.etag)",
        new="write = Replace(config.key(lock.term), lock.encode(), '*')",
        found={"long": "the sealed lock 2 is changed"},
    ),
    Mutant(
        rule="R4",
        removed="the allowance for clock skew",
        old="return lease + clock_skew_ms - self.age_ms()",
        new="return lease - self.age_ms()",
        found={"skew": "two leaders", "simulation": "two leaders"},
        slow="skew",
    ),
    Mutant(
        rule="R4",
        removed="the deadline counts from before the request was sent",
        old="deadline_ms=written.sent_ms + config.lease_ms,  # R4",
        new="deadline_ms=written.received_ms + config.lease_ms,  # R4",
        found={"long": "two leaders", "simulation": "VIOLATION"},
        slow="long",
    ),
    Mutant(
        rule="R4",
        removed="past its deadline a leader never leads again",
        old="in_time = written.received_ms < holding.deadline_ms",
        new="in_time = True",
        found={"long": "is led again after its deadline", "simulation": "again after its deadline"},
        slow="simulation",
    ),
    Mutant(
        rule="R5",
        removed="the deadline counts from the first of several tries",
        old="first_ms = reply.sent_ms if first_ms is None else first_ms",
        new="first_ms = reply.sent_ms",
        found={"retry": "two leaders"},
        slow="retry",
    ),
    Mutant(
        rule="R5",
        removed="each body carries a nonce of its own",
        old="nonce = config.nonce()\n    lock = next_lock(",
        new="nonce = 'same'\n    lock = next_lock(",
        found={"retry": "is won after term 2"},
        slow="retry",
    ),
    Mutant(
        rule="R5",
        removed="an unknown outcome is settled, not taken for success",
        old='        cause = getattr(answer, "cause", cause)\n',
        new="        return WriteApplied(etag='', applied_ms=0, date_ms=0, sent_ms=first_ms,"
        " received_ms=reply.received_ms)\n",
        found={"retry": "reported that it completed"},
        slow="retry",
    ),
    Mutant(
        rule="R5",
        removed="an unknown outcome is settled, not taken for failure",
        old="        if isinstance(answer, Conflict):\n",
        new=(
            "        if not isinstance(answer, Conflict):\n"
            "            return WriteConflict(reply=reply)\n"
            "        if True:\n"
        ),
        found={"lost": "who knows nothing of it"},
    ),
    Mutant(
        rule="R5",
        removed="a 412 is looked into, not taken for success",
        old="if found == nonce:",
        new="if True:",
        found={"retry": "is won after term 2"},
        slow="retry",
    ),
    Mutant(
        rule="R6",
        removed="one's own lock is never tagged",
        old="min(lock.term, swept + 1 + SWEEP_AT_MOST)",
        new="min(lock.term + 1, swept + 1 + SWEEP_AT_MOST)",
        found={"days": "the highest lock", "simulation": "is not tagged"},
        slow="days",
    ),
    Mutant(
        rule="R7",
        removed="a stale win is void",
        old="if proved_ms is None or written.applied_ms - proved_ms >= PROOF_VALID_MS:",
        new="if False:",
        found={"days": "is won after term", "simulation": "VIOLATION"},
        slow="days",
    ),
    Mutant(
        rule="R7",
        removed="an unsealed lock is the highest only near a proof",
        old="fresh = since_ms is not None and found.date_ms - since_ms < PROOF_VALID_MS",
        new="fresh = True",
        found={"asleep": "is won after term"},
    ),
    Mutant(
        rule="R8",
        removed="a tick that is done is not led",
        old="return tick is not None and self.done is not None and tick <= self.done",
        new="return False",
        found={"race": "is completed twice", "simulation": "is completed twice"},
        slow="race",
    ),
    Mutant(
        rule="R8",
        removed="`done` is carried on from term to term",
        old="        done=previous.done,\n",
        new="        done=None,\n",
        found={"later": "`done` goes back", "simulation": "`done` goes back"},
    ),
    Mutant(
        rule="R0",
        removed="a second create proves that If-None-Match is kept",
        old='        ("If-None-Match: *", create),\n',
        new="",
        found={"leaders-no-create": "is won after term 1"},
    ),
    Mutant(
        rule="R0",
        removed="an impossible ETag proves that If-Match is kept",
        old='        ("If-Match", Replace(create.key, create.body, IMPOSSIBLE_ETAG)),\n',
        new="",
        found={"no-replace": "is led on a store that keeps no conditions"},
    ),
    Mutant(
        rule="R0",
        removed="a candidate that follows no leader that has proves the store",
        old="elif lock.proved:",
        new="elif True:",
        found={"no-create": "is led on a store that keeps no conditions"},
    ),
    Mutant(
        rule="R0",
        removed="a void win proves nothing to the next candidate",
        old="yield from seal_own(config, holding.without_attempt(), RESIGNED, why, now_ms)",
        new="yield from seal_own(config, _lying(holding), RESIGNED, why, now_ms)\n\n\n"
        "def _lying(holding: Holding) -> Holding:\n"
        "    from dataclasses import replace\n"
        "    return replace(holding, lock=replace(holding.lock, proved=True))",
        found={"no-conditions": "is led on a store that keeps no conditions"},
    ),
    Mutant(
        rule="R0, R4",
        removed="past its deadline after the probes a win is void",
        old="        if now_ms < holding.deadline_ms:\n            return Created(",
        new="        if True:\n            return Created(",
        found={"probed-late": ""},
        slow="probed-late",
    ),
    Mutant(
        rule="R4",
        removed="a renewal's deadline counts from before it was sent",
        old="deadline_ms=written.sent_ms + config.lease_ms if in_time",
        new="deadline_ms=written.received_ms + config.lease_ms if in_time",
        found={"long": "two leaders"},
        slow="long",
    ),
    Mutant(
        rule="R3, R4",
        removed="an operator deposes only what has lapsed, unless by force",
        old="if not force and not config.lapsed(head.lock):",
        new="if False:",
        found={"operator": "two leaders"},
    ),
    Mutant(
        rule="R5",
        removed="a 412 is looked into, not taken for a loss",
        old="            reply = yield Read(write.key)\n            answer = reply.answer\n",
        new="            return WriteConflict(reply=reply)\n",
        found={"echo-first": "who knows nothing of it", "simulation": "nobody else wrote its lock"},
    ),
    Mutant(
        rule="R5",
        removed="a leader whose lock another sealed does not report completion",
        old="    if isinstance(sealed, WriteConflict):\n        raise LeadershipLost(",
        new="    if isinstance(sealed, WriteConflict):\n        return Resigned(head=None)\n"
        "        raise LeadershipLost(",
        found={"long": "reported that it completed"},
        slow="long",
    ),
    Mutant(
        rule="R7",
        removed="a seal that is found late is dated when it was applied",
        old="proved_highest_at_ms=done.applied_ms",
        new="proved_highest_at_ms=done.date_ms",
        found={"found-late": "is won after term"},
        slow="found-late",
    ),
    Mutant(
        rule="R8",
        removed="attempts at a tick count whatever other ticks come between",
        old="attempts=attempts.without(tick),",
        new="attempts={},",
        found={"attempts": "is attempted 3 times"},
        slow="attempts",
    ),
    Mutant(
        rule="fencing",
        removed="a writer refuses to replace a version with a higher token",
        old="    if after.token > token:\n        raise",
        new="    if False:\n        raise",
        found={"fenced": "the token goes down from 2 to 1"},
    ),
    Mutant(
        rule="fencing",
        removed="a leader claims the object before it writes",
        old="        if now is not None and now.token == token:\n            return now\n",
        new="        if now is not None:\n            return now\n",
        found={"fenced": "reports token 2 as claimed, and it was never written"},
    ),
    Mutant(
        rule="fencing",
        removed="a fenced write compares before it swaps",
        old="Replace(config.key, body, after.etag), token, nonce))",
        new="Replace(config.key, body, '*'), token, nonce))",
        found={"fenced": "a write is lost"},
    ),
    Mutant(
        rule="fencing",
        removed="a 412 to a fenced write is looked into",
        old="            reply = yield Read(write.key)\n            answer = reply.answer\n",
        new="            return WriteConflict(reply=reply)\n",
        found={"fenced-echo": "reports its write as not applied, and it was applied"},
    ),
    Mutant(
        rule="fencing",
        removed="an unknown outcome of a fenced write is settled, not taken for success",
        old='        cause = getattr(answer, "cause", cause)\n',
        new="        return WriteApplied(etag='', applied_ms=0, date_ms=0, sent_ms=first_ms,"
        " received_ms=0)\n",
        found={"fenced-lost": "and it was never written"},
    ),
    Mutant(
        rule="R5",
        removed="a create's 412 is looked into even if it is the first answer",
        old="        if isinstance(answer, Conflict):\n",
        new="        first = pause_ms == 25 and isinstance(write, Create)\n"
        "        if isinstance(answer, Conflict) and first:\n"
        "            return WriteConflict(reply=reply)\n"
        "        if isinstance(answer, Conflict):\n",
        found={"simulation": "lost its campaign, and holds the lock"},
    ),
    Mutant(
        rule="R5",
        removed="a renewal's or seal's 412 is looked into even if it is the first answer",
        old="        if isinstance(answer, Conflict):\n",
        new="        first = pause_ms == 25 and isinstance(write, Replace)\n"
        "        if isinstance(answer, Conflict) and first:\n"
        "            return WriteConflict(reply=reply)\n"
        "        if isinstance(answer, Conflict):\n",
        found={"simulation": "nobody else wrote its lock"},
    ),
    Mutant(
        rule="R5",
        removed="writes whose outcome was never learned are remembered",
        old="doubtful=holding.doubtful | {nonce}",
        new="doubtful=frozenset()",
        found={"simulation": "nobody else wrote its lock"},
    ),
    Mutant(
        rule="R6",
        removed="`swept` says no more than was tagged",
        old="            if isinstance(reply.answer, Unknown):\n                break\n",
        new="",
        found={"simulation": "is not tagged"},
    ),
)
