"""Reads a whole ledger, however long it is."""

from __future__ import annotations

from s3leader import Election, Lock

_ALL = 10_000_000_000  # more than there can be terms


def read_ledger(election: Election) -> list[Lock]:
    """Return every lock that is left, the newest first."""
    return election.history(limit=_ALL)
