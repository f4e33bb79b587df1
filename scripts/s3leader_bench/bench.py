"""What a section of the benchmark gets, and what it is."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from s3leader import Election
from s3leader.election import ElectionOptions
from s3leader_bench.prices import Prices
from s3leader_bench.stub.process import BUCKET, Stub
from s3leader_bench.tables import Table

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PREFIX = "elections/"
LEASE = timedelta(minutes=5)  # no lock lapses while another candidate is measured


@dataclass
class Bench:
    """The stub, how much to measure, and the progress bar.

    `steps(n)` says that n more steps are to come, `advance()` that one is done. `results` has the
    tables of the sections that ran before.
    """

    stub: Stub
    quick: bool = False
    prices: Prices = field(default_factory=Prices)
    steps: Callable[[int], None] = lambda _: None
    advance: Callable[[], None] = lambda: None
    results: dict[str, list[Table]] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def rounds(self, full: int, quick: int) -> int:
        """Return how many rounds to measure, and announce them."""
        rounds = quick if self.quick else full
        self.steps(rounds + 1)
        return rounds

    def new_name(self, earlier_terms: int = 0) -> str:
        """Return the name of an election that has had some terms, all of them sealed."""
        name = f"bench-{os.getpid()}-{next(self._numbers)}"
        if earlier_terms:
            self.stub.generate("locks", f"{PREFIX}{name}/", earlier_terms)
        return name

    def election(
        self, name: str, client: S3Client | None = None, *, long_ledger: bool = False
    ) -> Election:
        """Return a new candidate, which knows nothing yet."""
        options = ElectionOptions(prefix=PREFIX, lease=LEASE, long_ledger=long_ledger)
        return Election(name, bucket=BUCKET, client=client, **options)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the benchmark, which runs alone by its name."""

    about: str
    run: Callable[[Bench], list[Table]]
