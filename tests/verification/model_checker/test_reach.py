"""The scenarios reach every statement of the protocol, and both sides of every branch."""

from __future__ import annotations

from s3leader._core import (
    conditional_write,
    create_lock,
    holding,
    ledger,
    protocol,
    store_proof,
    sweep,
)  # fmt: skip

from .reach import Reach
from .scenarios import SCENARIOS

REACHING = (
    "later",
    "asleep",
    "echo-first",
    "exhausted",
    "voids",
    "near",
    "seized",
    "paged",
    "hint-ahead",
    "hint-behind",
    "hint-corrupt",
    "hint-denied",
    "no-tags",
    "original",
    "outage",
    "no-create",
    "no-conditions",
    "operator",
    "refuses",
)
UNREACHED = {
    # A store that breaks its contract; `tests/fast/s3leader/_core/protocol` plays one.
    "seal_other: raise TypeError(": "a mistake of the caller",
    "_highest_after: raise _repeats(": "a list that repeats its continuation token",
    "_repeats: return StoreUnavailable(": "the same",
    'prove_store: yield from _seal_unproved(config, holding, "void: a probe': "a refused probe",
    "prove_store: raise": "the same",
    "_listed: raise TypeError(": "a store that answers a List with something else",
    "find_head: raise StoreUnavailable(": "a store that lists locks which it does not have",
    "find_head: never otherwise: for _ in range(READ_TRIES):": "the same",
    "nonce_in_body: return None": "a body that is no JSON is put in place of a lock that is held",
    # Days must pass with locks deleted: `days` and `probed-late`, which are explored by
    # `scripts/check`, reach these.
    "write_until_known: return WriteConflict(reply=reply)": "a sealed lock, deleted later",
    # Reads, writes nothing, and no rule rests on it; tested in `tests/fast`.
    "history: ": "an observer's",
}


def test_scenarios_reach_every_statement_and_both_sides_of_every_branch() -> None:
    reach = Reach(protocol, create_lock, conditional_write, ledger, sweep, holding, store_proof)
    with reach.watching():
        for name in REACHING:
            SCENARIOS[name].run(at_most=20_000, liveness=0)
    unreached = reach.unreached()
    assert [line for line in unreached if not line.startswith(tuple(UNREACHED))] == []
    unneeded = [known for known in UNREACHED if not any(u.startswith(known) for u in unreached)]
    assert unneeded == []
