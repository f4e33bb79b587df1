"""s3leader; each candidate knows nothing of the election, as in a new process."""

from __future__ import annotations

from collections.abc import Callable

from s3leader_bench.peers.adapters import s3leader_warm


class Candidate(s3leader_warm.Candidate):
    """Makes a new election for each campaign; the client is shared."""

    def lead(self, body: Callable[[], object]) -> bool:
        """Campaign once, as if for the first time."""
        self._election = self._new()
        return super().lead(body)

    def wait(self, body: Callable[[], object], seconds: float) -> bool:
        """Campaign as if for the first time, and poll as by default."""
        self._election = self._new()
        return super().wait(body, seconds)
