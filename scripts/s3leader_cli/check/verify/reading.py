"""Reads a whole ledger, however long it is."""

from __future__ import annotations

from s3leader import Election, Lock
from s3leader_cli.reading import progress, read_terms


def read_ledger(election: Election) -> list[Lock]:
    """Return every lock that is left, the newest first; several are read at once."""
    locks: list[Lock] = []
    with progress(f"terms of {election.name} read") as show:
        for lock in read_terms(election):
            locks.append(lock)
            show(len(locks))
    return locks
