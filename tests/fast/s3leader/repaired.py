"""A ledger to repair, on stores that can kill the process at any request."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from s3leader import Election
from s3leader._core.requests import StoreAnswer, StoreRequest
from s3leader._io.memory_store import MemoryStore
from s3leader.repair import Move, restart_numbers
from tests.fast.s3leader.one_bucket import TICK, OneBucket, won

PLACE = "s3://new/elections/e/"


class Died(BaseException):
    """The process was killed."""


class Dying(MemoryStore):
    """Kills the process before or after its `left`th request."""

    left = -1
    after = False

    def perform(self, request: StoreRequest) -> StoreAnswer:
        self.left -= 1
        if self.left == 0 and not self.after:
            raise Died
        answer = super().perform(request)
        if self.left == 0:
            raise Died
        return answer


class Repaired:
    """A ledger of two completed terms, and a bucket for it to be moved to."""

    def __init__(self) -> None:
        self.bucket = OneBucket()
        self.old = self.bucket.store = Dying(clock_ms=lambda: self.bucket.ms)
        self.new = Dying(clock_ms=lambda: self.bucket.ms)
        for tick in (TICK - timedelta(hours=1), TICK):
            term = won(self.election().campaign(tick))
            term.save({"after": 41})
            term.resign()

    def election(self, store: MemoryStore | None = None, **options: Any) -> Election:
        return self.bucket.election(store=store or self.old, **options)

    def move(self, place: str = PLACE) -> Move:
        return Move(self.election(), self.election(self.new), place=place)

    def restart(self, above: int = 1000, **more: Any) -> int:
        facts: dict[str, Any] = {"done": TICK, "reason": "locks were deleted"} | more
        return restart_numbers(self.election(), above=above, **facts).term

    def objects(self) -> list[dict[str, bytes]]:
        return [{key: s.body(key) for key in s.keys()} for s in (self.old, self.new)]  # noqa: SIM118

    def delete_all(self) -> None:
        for key in self.old.keys():  # noqa: SIM118 - no dict
            self.old.delete(key)
