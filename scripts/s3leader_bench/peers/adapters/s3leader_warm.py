"""s3leader; the process has seen the latest term."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta

from s3leader import Election, NotElected, Term


class Candidate:
    """Campaigns and resigns; renews while it leads."""

    def __init__(self, name: str, lease: float) -> None:
        self._name = name
        self._lease = timedelta(seconds=lease)
        self._election = self._new()

    def lead(self, body: Callable[[], object]) -> bool:
        """Campaign once."""
        return self._led(self._election.campaign(), body)

    def wait(self, body: Callable[[], object], seconds: float) -> bool:
        """Campaign, and poll as by default."""
        return self._led(self._election.campaign(wait=timedelta(seconds=seconds)), body)

    def hold(self, body: Callable[[], object]) -> bool:
        """Lead and renew, as a long-running leader does."""
        term = self._election.campaign()
        if not isinstance(term, Term):
            return False
        with term, term.keep_renewing():
            body()
        return True

    def _new(self) -> Election:
        return Election(self._name, bucket=os.environ["BENCH_BUCKET"], lease=self._lease)

    @staticmethod
    def _led(result: Term | NotElected, body: Callable[[], object]) -> bool:
        if not isinstance(result, Term):
            return False
        with result:
            body()
        return True
