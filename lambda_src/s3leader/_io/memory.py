"""What a process remembers of a ledger."""

from __future__ import annotations

from dataclasses import dataclass

from s3leader._core.candidate import LedgerHead


@dataclass(slots=True)
class Memory:
    """What a process remembers of one ledger (R9). It saves requests and holds no leadership."""

    seen: LedgerHead | None = None

    def learn(self, seen: LedgerHead) -> None:
        """Keep `seen` unless a later term is known."""
        if self.seen is None or seen.term >= self.seen.term:
            self.seen = seen
