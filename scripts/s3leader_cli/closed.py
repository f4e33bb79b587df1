"""Ledgers that a repair has closed with a note in the place of a lock, which must stay.

To candidates the note is a corrupt lock, so that none leads. An operator who deposed it would let
two ledgers go on with the same numbers.
"""

from __future__ import annotations

import re

from s3leader import CorruptLock
from s3leader.repair import is_note

_PLACE = re.compile(r"(s3://\S+)")


def closed_by(corrupt: CorruptLock) -> str | None:
    """Return what to do about a ledger that is closed; None if the lock is merely corrupt."""
    text = corrupt.body.decode("utf-8", "replace")
    if not is_note(text):
        return None
    if place := _PLACE.search(text):
        what = (
            f"this ledger was moved to {place[1]}: s3leader repair move says whether that is"
            " finished; then every candidate has to use that place"
        )
    else:
        what = (
            "a repair of this ledger has closed it and is not finished: run the same command again"
            " (s3leader repair restart-numbers, or move)"
        )
    return f"{what}. Never depose {corrupt.key}: two ledgers would go on with the same numbers"
