"""One passage of the shipped package replaced at a time: each takes a part of a rule away.

`found` names the scenarios, or "simulation", in which a fault shows without it.
"""

from __future__ import annotations

from typing import Final

from .bytes_scenarios import BYTES_MUTANTS
from .continued_scenarios import CONTINUED_MUTANTS
from .mutants import Mutant

MUTANTS: Final = (
    Mutant(
        removed="R1, R3: a lapsed lock is sealed before it is succeeded",
        old='sealed = yield from seal_other(config, head, f"{LAPSED_SEALED',
        new="sealed = replace(head, lock=replace(head.lock, expired=True))\n"
        '    yield from ()\n    (f"{LAPSED_SEALED',
        found={
            "race": "lock 2 is created while lock 1 is not sealed",
            "simulation": "is not sealed",
        },
    ),
    Mutant(
        removed="R2: a renewal compares before it swaps",
        old="write = Replace(config.key(lock.term), lock.encode(), holding.etag)",
        new="write = Replace(config.key(lock.term), lock.encode(), '*')",
        found={"long": "the sealed lock 2 is changed"},
    ),
    Mutant(
        removed="R4: the allowance for clock skew",
        old="return lease + clock_skew_ms - self.age_ms()",
        new="return lease - self.age_ms()",
        found={"skew": "two leaders", "simulation": "two leaders"},
    ),
    Mutant(
        removed="R4: the deadline counts from before the request was sent",
        old="deadline_ms=written.sent_ms + config.lease_ms,  # R4",
        new="deadline_ms=written.received_ms + config.lease_ms,  # R4",
        found={"long": "two leaders", "simulation": "VIOLATION"},
    ),
    Mutant(
        removed="R4: past its deadline a leader never leads again",
        old="in_time = written.received_ms < holding.deadline_ms",
        new="in_time = True",
        found={"long": "is led again after its deadline", "simulation": "again after its deadline"},
    ),
    Mutant(
        removed="R5: the deadline counts from the first of several tries",
        old="first_ms = reply.sent_ms if first_ms is None else first_ms",
        new="first_ms = reply.sent_ms",
        found={"retry": "two leaders"},
    ),
    Mutant(
        removed="R5: each body carries a nonce of its own",
        old="nonce = config.nonce()\n    lock = next_lock(",
        new="nonce = 'same'\n    lock = next_lock(",
        found={"retry": "is won after term 2"},
    ),
    Mutant(
        removed="R5: an unknown outcome is settled, not taken for success",
        old='        cause = getattr(answer, "cause", cause)\n',
        new="        return WriteApplied(etag='', applied_ms=0, date_ms=0, sent_ms=first_ms,"
        " received_ms=reply.received_ms)\n",
        found={"retry": "reported that it completed"},
    ),
    Mutant(
        removed="R5: an unknown outcome is settled, not taken for failure",
        old="        if isinstance(answer, Conflict):\n",
        new=(
            "        if not isinstance(answer, Conflict):\n"
            "            return WriteConflict(reply=reply)\n"
            "        if True:\n"
        ),
        found={"lost": "who knows nothing of it"},
    ),
    Mutant(
        removed="R5: a 412 is looked into, not taken for success",
        old="if found == nonce:",
        new="if True:",
        found={"retry": "is won after term 2"},
    ),
    Mutant(
        removed="R6: one's own lock is never tagged",
        old="min(lock.term, swept + 1 + SWEEP_AT_MOST)",
        new="min(lock.term + 1, swept + 1 + SWEEP_AT_MOST)",
        found={"days": "the highest lock", "simulation": "is not tagged"},
    ),
    Mutant(
        removed="R7: a stale win is void",
        old="if proved_ms is None or written.applied_ms - proved_ms >= PROOF_VALID_MS:",
        new="if False:",
        found={"days": "is won after term", "simulation": "VIOLATION"},
    ),
    Mutant(
        removed="R7: an unsealed lock is the highest only near a proof",
        old="fresh = age_ms is not None and age_ms < PROOF_VALID_MS",
        new="fresh = True",
        found={"asleep": "is won after term"},
    ),
    Mutant(
        removed="R7: a second read proves no later time than the first",
        old="again = replace(again, proved_highest_at_ms=head.proved_highest_at_ms)",
        new="found = reply.answer\n"
        "        again = replace(again, proved_highest_at_ms=getattr(found, 'date_ms', None))",
        found={"saw-leader": "is won after term"},
    ),
    Mutant(
        removed="R8: a tick that is done is not led",
        old="return tick is not None and self.done is not None and tick <= self.done",
        new="return False",
        found={"race": "is completed twice", "simulation": "is completed twice"},
    ),
    Mutant(
        removed="R8: `done` is carried on from term to term",
        old="        done=previous.done,\n",
        new="        done=None,\n",
        found={"later": "`done` goes back", "simulation": "`done` goes back"},
    ),
    Mutant(
        removed="R0: a second create proves that If-None-Match is kept",
        old='        ("If-None-Match: *", create),\n',
        new="",
        found={"leaders-no-create": "is won after term 1"},
    ),
    Mutant(
        removed="R0: an impossible ETag proves that If-Match is kept",
        old='        ("If-Match", Replace(create.key, create.body, IMPOSSIBLE_ETAG)),\n',
        new="",
        found={"no-replace": "is led on a store that keeps no conditions"},
    ),
    Mutant(
        removed="R0: a candidate that follows no leader that has proves the store",
        old="elif lock.proved:",
        new="elif True:",
        found={"no-create": "is led on a store that keeps no conditions"},
    ),
    Mutant(
        removed="R0: a void win proves nothing to the next candidate",
        old="yield from seal_void(config, holding, why, now_ms)",
        new="yield from seal_void(config, _lying(holding), why, now_ms)\n\n\n"
        "def _lying(holding: Holding) -> Holding:\n"
        "    from dataclasses import replace\n"
        "    return replace(holding, lock=replace(holding.lock, proved=True))",
        found={"no-conditions": "is led on a store that keeps no conditions"},
    ),
    Mutant(
        removed="R0, R4: past its deadline after the probes a win is void",
        old="        if now_ms < holding.deadline_ms:\n            lock = ",
        new="        if True:\n            lock = ",
        found={"probed-late": ""},
    ),
    Mutant(
        removed="R4: a renewal's deadline counts from before it was sent",
        old="deadline_ms=written.sent_ms + config.lease_ms if in_time",
        new="deadline_ms=written.received_ms + config.lease_ms if in_time",
        found={"long": "two leaders"},
    ),
    Mutant(
        removed="R3, R4: an operator deposes only what has lapsed, unless by force",
        old="if not force and not config.lapsed(head.lock):",
        new="if False:",
        found={"operator": "two leaders"},
    ),
    Mutant(
        removed="R5: a 412 is looked into, not taken for a loss",
        old="            reply = yield Read(write.key)\n            answer = reply.answer\n",
        new="            return WriteConflict(reply=reply)\n",
        found={"echo-first": "who knows nothing of it", "simulation": "VIOLATION"},
    ),
    Mutant(
        removed="R5: a leader whose lock another sealed does not report completion",
        old="    if isinstance(sealed, WriteConflict):\n        raise LeadershipLost(",
        new="    if isinstance(sealed, WriteConflict):\n        return Resigned(head=None)\n"
        "        raise LeadershipLost(",
        found={"long": "reported that it completed"},
    ),
    Mutant(
        removed="R7: a seal that is found late is dated when it was applied",
        old="proved_highest_at_ms=done.applied_ms",
        new="proved_highest_at_ms=done.date_ms",
        found={"found-late": "is won after term"},
    ),
    Mutant(
        removed="R8: attempts at a tick count whatever other ticks come between",
        old="attempts=attempts.without(tick),",
        new="attempts={},",
        found={"attempts": "is attempted 3 times"},
    ),
    Mutant(
        removed="fencing: a writer refuses to replace a version with a higher token",
        old="    if after.token > token:\n        raise",
        new="    if False:\n        raise",
        found={"fenced": "the token goes down from 2 to 1"},
    ),
    Mutant(
        removed="fencing: a leader claims the object before it writes",
        old="        if now is not None and now.token == token:\n            return now\n",
        new="        if now is not None:\n            return now\n",
        found={"fenced": "reports token 2 as claimed, and it was never written"},
    ),
    Mutant(
        removed="fencing: a fenced write compares before it swaps",
        old="Replace(config.key, body, after.etag), token, nonce))",
        new="Replace(config.key, body, '*'), token, nonce))",
        found={"fenced": "a write is lost"},
    ),
    Mutant(
        removed="fencing: a 412 to a fenced write is looked into",
        old="            reply = yield Read(write.key)\n            answer = reply.answer\n",
        new="            return WriteConflict(reply=reply)\n",
        found={"fenced-echo": "reports its write as not applied, and it was applied"},
    ),
    Mutant(
        removed="fencing: an unknown outcome of a fenced write is settled, not taken for success",
        old='        cause = getattr(answer, "cause", cause)\n',
        new="        return WriteApplied(etag='', applied_ms=0, date_ms=0, sent_ms=first_ms,"
        " received_ms=0)\n",
        found={"fenced-lost": "and it was never written"},
    ),
    Mutant(
        removed="R5: a create's 412 is looked into even if it is the first answer",
        old="        if isinstance(answer, Conflict):\n",
        new="        first = pause_ms == 25 and isinstance(write, Create)\n"
        "        if isinstance(answer, Conflict) and first:\n"
        "            return WriteConflict(reply=reply)\n"
        "        if isinstance(answer, Conflict):\n",
        found={"simulation": "lost its campaign, and holds the lock"},
    ),
    Mutant(
        removed="R5: a renewal's or seal's 412 is looked into even if it is the first answer",
        old="        if isinstance(answer, Conflict):\n",
        new="        first = pause_ms == 25 and isinstance(write, Replace)\n"
        "        if isinstance(answer, Conflict) and first:\n"
        "            return WriteConflict(reply=reply)\n"
        "        if isinstance(answer, Conflict):\n",
        found={"simulation": "nobody else wrote its lock"},
    ),
    Mutant(
        removed="R5: writes whose outcome was never learned are remembered",
        old="unconfirmed_nonces=holding.unconfirmed_nonces | {nonce}",
        new="unconfirmed_nonces=frozenset()",
        found={"simulation": "nobody else wrote its lock"},
    ),
    Mutant(
        removed="R6: `swept` says no more than was tagged",
        old="            if isinstance(reply.answer, Unknown):\n                break\n",
        new="",
        found={"simulation": "is not tagged"},
    ),
    *BYTES_MUTANTS,
    *CONTINUED_MUTANTS,
)
