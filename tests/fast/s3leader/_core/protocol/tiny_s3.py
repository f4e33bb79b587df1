"""An S3 of a few lines for random walks, which checks at every write what must never happen."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import dataclass

from s3leader._core.candidate import CandidateConfig
from s3leader._core.lock import parse_lock_name
from s3leader._core.requests import (
    Applied,
    Conflict,
    Create,
    Found,
    List,
    Listed,
    Missing,
    Read,
    Replace,
    StoreAnswer,
    StoreRequest,
    Tag,
)


class RuleBrokenError(AssertionError):
    """Something happened that the rules forbid."""


@dataclass(slots=True)
class Stored:
    body: bytes
    modified_ms: int
    writer: str
    tagged: bool = False

    @property
    def etag(self) -> str:
        return hashlib.md5(self.body, usedforsecurity=False).hexdigest()


class TinyS3:
    """One bucket. Its servers' clocks differ by up to two seconds, and tell whole ones."""

    def __init__(self, config: CandidateConfig, rng: random.Random) -> None:
        self.config, self.rng = config, rng
        self.now_ms = 1_800_000_000_000
        self.objects: dict[str, Stored] = {}
        self.late: list[tuple[StoreRequest, str]] = []
        self.highest_ever = 0
        self.last_completed = ""

    def date_ms(self) -> int:
        return int(self.now_ms + self.rng.uniform(-1000, 1000)) // 1000 * 1000

    def perform(self, request: StoreRequest, writer: str) -> StoreAnswer:
        date_ms = self.date_ms()
        if isinstance(request, List):
            after = request.start_after or ""
            keys = sorted(k for k in self.objects if k.startswith(request.prefix) and k > after)
            return Listed(tuple(keys), truncated=False, date_ms=date_ms)
        there = self.objects.get(request.key)
        if isinstance(request, Create | Replace):
            wanted = request.etag if isinstance(request, Replace) else None
            if (None if there is None else there.etag) != wanted:
                return Conflict(date_ms)
            return self._put(request, there, writer, date_ms)
        if there is None:
            return Missing(date_ms)
        if isinstance(request, Read):
            return Found(there.body, there.etag, date_ms, there.modified_ms)
        self._check_tag(request)
        there.tagged = True
        return Applied("", date_ms)

    def land_one(self) -> None:
        """Perform one of the requests that are still under way."""
        if self.late:
            request, writer = self.late.pop(self.rng.randrange(len(self.late)))
            self.perform(request, writer)

    def expire(self) -> None:
        """What the lifecycle rule does, a day later; by then nothing is under way any more."""
        self.late.clear()
        self.objects = {key: it for key, it in self.objects.items() if not it.tagged}

    # -------------------------------------------------------------------- what must not be

    def _put(
        self, request: Create | Replace, there: Stored | None, writer: str, date_ms: int
    ) -> Applied:
        term = parse_lock_name(request.key.removeprefix(self.config.folder))
        if term is None:
            raise RuleBrokenError(f"a write to {request.key}")
        new = json.loads(request.body)
        if there is None:
            below = self.objects.get(self.config.key(term - 1))
            if below is not None and not json.loads(below.body)["expired"]:
                raise RuleBrokenError(f"R1: {term} is created while {term - 1} is not sealed")
            self.highest_ever = max(self.highest_ever, term)
        elif json.loads(there.body)["expired"]:
            raise RuleBrokenError(f"sealed lock {term} is changed")
        if new["outcome"] == "completed" and new["tick"] is not None:
            if new["tick"] <= self.last_completed:
                raise RuleBrokenError(f"R8: {new['tick']} is completed after {self.last_completed}")
            self.last_completed = new["tick"]
        stored = Stored(request.body, date_ms, writer)
        self.objects[request.key] = stored
        return Applied(stored.etag, date_ms)

    def _check_tag(self, request: Tag) -> None:
        term = parse_lock_name(request.key.removeprefix(self.config.folder)) or 0
        if not 0 < term < self.highest_ever:
            raise RuleBrokenError(f"R6: {term} is tagged, and {self.highest_ever} is the highest")
