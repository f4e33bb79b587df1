"""A log as fenced bytes, one entry a line, on a server whose writers go through a proxy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from s3leader.errors import Overwritten
from s3leader.fencing.fenced_bytes import BytesVersion, FencedBytes

if TYPE_CHECKING:
    from tests.contract.fencing.faults import FaultyProxy
    from tests.contract.fencing.resources import Pause, Writer

KEY = "log.txt"


def lines(log: FencedBytes) -> tuple[list[str], BytesVersion | None]:
    """Return the entries, and the version that has them."""
    stream = log.open()
    if stream is None:
        return [], log.read()
    with stream:
        return stream.read().decode().splitlines(), stream.version


@dataclass
class BytesWriter:
    log: FencedBytes
    token: int

    def claim(self) -> None:
        self.log.claim(self.token)

    def append(self, entry: str, pause: Pause | None = None) -> None:
        """Append to the newest version; if a clone has come between, to the next one."""
        while True:
            found, now = lines(self.log)
            if entry in found:
                return  # a try that ended as overwritten was applied
            if pause is not None:
                pause()
                pause = None
            content = "\n".join([*found, entry]).encode()
            try:
                self.log.write(content, token=self.token, after=now, content_type="text/plain")
            except Overwritten:
                continue
            return


@dataclass
class BytesResource:
    """With `spare_bodies`, faults happen only to the object that names the body."""

    client: Any
    direct: Any
    bucket: str
    faults: FaultyProxy
    spare_bodies: bool

    def writer(self, token: int) -> Writer:
        self.faults.spared = ".bodies/" if self.spare_bodies else None
        return BytesWriter(FencedBytes(KEY, bucket=self.bucket, client=self.client), token)

    def entries(self) -> list[str]:
        return lines(FencedBytes(KEY, bucket=self.bucket, client=self.direct))[0]
