"""Makes all checks of `doctor`, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from s3leader import Election

from . import locks
from .bucket import ExaminedBucket
from .clocks import Sample, check_clocks
from .findings import Finding, Reading, ok
from .rights import check_rights
from .schedules import SchedulesFound, check_schedules
from .settings import check_settings

Clocks = Callable[[], Sequence[Sample | None]]
Schedules = Callable[[], SchedulesFound]


@dataclass(frozen=True, kw_only=True)
class Examination:
    """What to examine: a bucket, its elections below `prefix`, or the one that is given.

    `clocks` samples the front ends, `schedules` reads the deployed job; None leaves that out.
    `step` is called with what is done next.
    """

    bucket: ExaminedBucket
    prefix: str
    election: Election | None
    candidate: bool
    skew: timedelta
    clocks: Clocks | None
    schedules: Schedules | None
    step: Callable[[str], None] = lambda _: None

    def findings(self) -> Iterator[Finding]:
        """Make the checks. If the bucket cannot be reached, there are no others."""
        self.step("the bucket")
        reachable = self.bucket.reachable()
        if reachable.failed is not None:
            yield Finding(
                check="bucket",
                level="problem",
                what=f"it cannot be reached: {reachable.failed}",
                do="check its name, the credentials (--profile), --region, --endpoint-url and"
                " the network",
            )
            return
        yield ok("bucket", "it is there") if reachable.known else reachable.unknown("bucket")
        settings = self.bucket.settings()
        yield from check_settings(
            settings,
            bucket_arn=self.bucket.arn,
            prefix=self.prefix,
            election=None if self.election is None else self.election.name,
            client_region=self.bucket.region,
        )
        if self.election is not None:
            self.step("the locks")
            yield from self._election(self.election, settings)
        if self.clocks is not None:
            self.step("the clocks of S3's front ends")
            samples = self.clocks()
            answered = [each for each in samples if each is not None]
            yield from check_clocks(answered, len(samples) - len(answered), self.skew)
        if self.schedules is not None:
            self.step("the schedules")
            yield from check_schedules(self.schedules())

    def _election(self, election: Election, settings: Mapping[str, Reading]) -> Iterator[Finding]:
        folder = election.config.folder
        listed = self.bucket.may_list(f"{folder}lock_")
        readable = self.bucket.body(f"{folder}hint.json")
        head = None
        if listed.known and readable.known:
            head = locks.head_of(election)
        key = None if head is None else locks.sealed_key(election, head)
        yield from check_rights(self.bucket, folder, key, candidate=self.candidate)
        if head is None:
            unread = listed if not listed.known else readable
            yield unread.unknown("locks")
            return
        yield from locks.check_highest(election, head, self.bucket)
        if not head.term:
            return
        yield from locks.check_recent(election)
        yield from locks.check_old(election, head, self.bucket, settings["lifecycle"])
        yield locks.check_hint(head, readable.value)
