"""Reads a whole ledger, however long it is."""

from __future__ import annotations

import importlib
from typing import Any

from s3leader import Election, Lock

_ALL = 10_000_000_000  # more than there can be terms


def read_ledger(election: Election) -> list[Lock]:
    """Return every lock that is left, the newest first; several are read at once."""
    try:
        shared: Any = importlib.import_module("s3leader_cli.reading")
    except ModuleNotFoundError:
        return election.history(limit=_ALL)
    locks: list[Lock] = []
    with shared.progress(f"reading the terms of {election.name}") as show:
        for lock in shared.read_terms(election):
            locks.append(lock)
            show(len(locks))
    return locks
