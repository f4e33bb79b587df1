"""The notes by which a repair closes a ledger, in the place of its next lock.

To every candidate a note is a corrupt lock, so nobody leads. If an operator sealed it, the ledger
would go on beside the one that it was moved to, with the same fencing tokens.
"""

from __future__ import annotations

from typing import Final

NOTE_OF_MOVE: Final = "this ledger was moved to"
RESTARTS: Final = "the numbers of this ledger restart above this one"
CLOSED: Final = (
    "A repair has closed this ledger: if it was moved, use the place that the note names; if a"
    " repair was interrupted, run it again. Never seal or delete the note: two ledgers would go on"
    " with the same numbers."
)


def is_note(text: str) -> bool:
    """Return whether the body of a lock, or what is wrong with it, is the note of a repair."""
    return RESTARTS in text or NOTE_OF_MOVE in text
