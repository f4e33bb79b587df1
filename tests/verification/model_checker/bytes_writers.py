"""Programs of writers of fenced bytes, and what must hold of what they delete."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from s3leader._core import fenced_bytes, fenced_object
from s3leader._core.fenced_body import Body, BytesVersion, body_key
from s3leader._core.fenced_object import FencedConfig
from s3leader.errors import Overwritten, StaleToken, StoreUnavailable

from .fenced_rules import named, term_of
from .reports import Report, ReportsFencedWrite
from .s3 import FENCED, Bucket, Service, Violation, find_object, lock_fields

if TYPE_CHECKING:
    from .machine import Program


@dataclass(frozen=True, slots=True)
class ReportsUnused(Report):
    """The writer learned that nothing will name these bodies again, and deletes them."""

    keys: tuple[str, ...]

    def check(self, service: Service, bucket: Bucket, name: str) -> None:
        """No body is deleted that is named, that readers may have, or that may still be named."""
        there = find_object(bucket, FENCED)
        assert there is not None
        now = lock_fields(there.body)
        for key in self.keys:
            if key in {named(now), now.get("previous")}:
                raise Violation(f"{name} deletes {key}, which is named")
            was_named = any(named(lock_fields(body)) == key for body in bucket.fenced)
            if not was_named and term_of(key) >= int(str(now["fencing_token"])):
                raise Violation(f"{name} deletes {key}, which may still be named")


def write_bytes(name: str, token: int, number: Callable[[], str], *, sweeps: bool) -> Program:
    """Claim the bytes, or sweep them, which claims them too, and write twice.

    Each write is based on the version that this writer knows.
    """
    drawn: list[str] = []

    def nonce() -> str:
        drawn.append(f"{name}#{number()}")
        return drawn[-1]

    config = FencedConfig(key=FENCED, nonce=nonce, patience_ms=1000)
    try:
        if sweeps:
            yield ReportsUnused((yield from fenced_bytes.sweep(config, token)))
        snapshot = yield from fenced_object.claim(config, token)
        version = BytesVersion.parse(FENCED, snapshot)
        yield ReportsFencedWrite("claimed", token, "")
        for _ in range(2):
            own = nonce()
            body = Body(body_key(FENCED, token, own), 0, "0" * 64, "text/plain")
            fenced_bytes.check_writer(FENCED, token, version)
            done = yield from fenced_bytes.write(config, body, own, token=token, after=version)
            yield ReportsFencedWrite("applied", token, drawn[-1])
            version = done.version
            if done.unused is not None:
                yield ReportsUnused((done.unused,))
    except (StaleToken, Overwritten):
        yield ReportsFencedWrite("not applied", token, drawn[-1] if drawn else "")
    except StoreUnavailable:
        return
