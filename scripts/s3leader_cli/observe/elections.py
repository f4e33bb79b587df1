"""One look at each election of a bucket, as plain data; nothing here prints."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from s3leader import CorruptLock, Election, Lock, S3LeaderError
from s3leader_cli.options import BucketPlace, Elect, ElectionPlace
from s3leader_cli.reading import progress
from s3leader_cli.report import advice, lease_left, standing_of, utc

from .find import AT_ONCE, Found, Page, find_elections

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, kw_only=True)
class Row:
    """An election. `state` is its standing, or if its highest lock is sealed, the outcome.

    `unreadable` is the state of one whose lock S3 did not give, and `problem` says why.
    """

    election: str
    state: str
    leader: str | None = None
    term: int | None = None
    tick: str | None = None
    since: str | None = None
    lease_left_seconds: float | None = None
    problem: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return asdict(self)


def names_in(place: BucketPlace) -> list[Found]:
    """Return the elections under the prefix of a place."""
    from s3leader_cli.aws.keys import keys_of  # noqa: PLC0415 - boto3 takes 190 ms to import

    list_keys, number = keys_of(place), count(1)
    with progress(f"requests for the keys of bucket {place.bucket}", every=10) as seen:

        def counted(prefix: str, after: str, folders: bool) -> Page:  # noqa: FBT001 - a callback
            seen(next(number))
            return list_keys(prefix, after, folders)

        return find_elections(place.prefix, counted)


def names_like(place: ElectionPlace) -> list[str]:
    """Return the elections whose names are similar; none if the bucket cannot be listed."""
    try:
        names = [each.name for each in names_in(place)]
    except S3LeaderError:
        return []
    within = [each for each in names if place.election in each.split("/")]  # a/nightly
    close = difflib.get_close_matches(place.election, names, n=3)
    return list(dict.fromkeys([*within, *close]))[:3]


def look_at_each(
    found: Sequence[Found], place: BucketPlace, elect: Elect, seen: Callable[[int], None]
) -> Iterator[Row]:
    """Yield a row for each election, in order; `seen` gets their number so far."""

    def row_of(one: Found) -> Row:
        try:
            election = elect(_place(place, one.name))
            lock = _highest(election, one)
            return _row(election, lock) if lock else Row(election=one.name, state="vacant")
        except CorruptLock as corrupt:
            problem = corrupt.problem
            return Row(election=one.name, state="corrupt", term=corrupt.term, problem=problem)
        except S3LeaderError as error:
            return Row(election=one.name, state="unreadable", problem=advice(error))

    with suppress(S3LeaderError):
        # Elections share a client as long as one of them lives: else each thread would make one.
        keep = [elect(_place(place, one.name)) for one in found[:1]]  # noqa: F841
    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            for number, row in enumerate(pool.map(row_of, found), start=1):
                seen(number)
                yield row
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _place(place: BucketPlace, name: str) -> ElectionPlace:
    return ElectionPlace(
        election=name, bucket=place.bucket, prefix=place.prefix, region=place.region,
        lease=place.lease,
    )  # fmt: skip


def _highest(election: Election, one: Found) -> Lock | None:
    """Return the highest lock: one GET if its number is known, otherwise two to four requests."""
    if one.highest is not None:
        for lock in election.history(1, before=one.highest + 1):
            return lock
    return election.observe()


def _row(election: Election, lock: Lock) -> Row:
    if lock.problem is not None:
        return Row(election=election.name, state="corrupt", term=lock.term, problem=lock.problem)
    standing = standing_of(election, lock)
    left = None if lock.sealed else lease_left(election, lock)
    return Row(
        election=election.name,
        state=(lock.outcome or "sealed") if lock.sealed else standing,
        leader=lock.holder if standing == "held" else None,
        term=lock.term,
        tick=utc(lock.tick),
        since=utc(lock.ended_at if lock.sealed else lock.started_at),
        lease_left_seconds=None if left is None else left.total_seconds(),
    )
