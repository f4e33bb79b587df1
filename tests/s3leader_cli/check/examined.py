"""The bucket in memory, as `doctor` examines one, with rights that a test takes away."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from s3leader._core.requests import Applied, Create, Found, Replace
from s3leader._core.times import from_ms
from s3leader._io.memory_store import MemoryStore
from s3leader_cli.check.doctor.bucket import Condition, Listed, Probe
from s3leader_cli.check.doctor.findings import Reading

ARN = "arn:aws:s3:::locks"
SETTINGS = {
    "region": Reading(value="us-east-1"),
    "lifecycle": Reading(
        value=[
            {
                "ID": "superseded",
                "Status": "Enabled",
                "Filter": {"Tag": {"Key": "superseded", "Value": "true"}},
                "Expiration": {"Days": 30},
            }
        ]
    ),
    "policy": Reading(
        value={
            "Statement": [
                {
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:PutObject",
                    "Resource": f"{ARN}/elections/*",
                    "Condition": {"Null": {"s3:if-match": "true", "s3:if-none-match": "true"}},
                },
                {
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:DeleteObject*",
                    "Resource": f"{ARN}/elections/*/lock_*",
                },
                {
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:*",
                    "Resource": [ARN, f"{ARN}/*"],
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                },
            ]
        }
    ),
    "versioning": Reading(),
    "encryption": Reading(value=("AES256", None)),
    "public access": Reading(value={"BlockPublicAcls": True}),
    "object lock": Reading(),
}


class ExaminedMemory:
    """`denied` are actions; a condition's write is denied by its name, such as If-Match."""

    arn = ARN
    region: str | None = "us-east-1"

    def __init__(self, store: MemoryStore, written: datetime) -> None:
        self.store, self.written = store, written
        self.denied: set[str] = set()
        self.changed: dict[str, Reading] = {}
        self.failed: str | None = None

    def reachable(self) -> Reading:
        return Reading(failed=self.failed)

    def settings(self) -> dict[str, Reading]:
        return SETTINGS | self.changed

    def may_list(self, prefix: str) -> Reading:
        return self._read("s3:ListBucket", prefix)

    def keys(self, prefix: str) -> Iterator[Listed]:
        for key in sorted(self.store.keys()):
            if key.startswith(prefix):
                yield Listed(key=key, written=self.written)

    def body(self, key: str) -> Reading:
        found = self.store._answer(_read(key))
        return self._read("s3:GetObject", found.body if isinstance(found, Found) else None)

    def tags(self, key: str) -> Reading:
        exists = key in set(self.store.keys())
        return self._read("s3:GetObjectTagging", self.store.tags(key) if exists else None)

    def probe_put(self, key: str, body: bytes, condition: Condition) -> Probe:
        if condition in self.denied:
            return Probe(result="denied")
        impossible = '"00000000000000000000000000000000"'
        put = Create(key, body) if condition != "If-Match" else Replace(key, body, impossible)
        applied = isinstance(self.store.perform(put), Applied)
        return Probe(result="applied" if applied else "refused")

    def probe_tag(self, key: str) -> Probe:
        assert key not in set(self.store.keys())
        return Probe(result="denied" if "s3:PutObjectTagging" in self.denied else "refused")

    def _read(self, action: str, value: Any) -> Reading:
        return Reading(denied=action) if action in self.denied else Reading(value=value)


def _read(key: str) -> Any:
    from s3leader._core.requests import Read  # noqa: PLC0415

    return Read(key)


def at(store: MemoryStore) -> datetime:
    """The store's time."""
    return from_ms(store._now_ms())
