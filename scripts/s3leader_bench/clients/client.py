"""What the clients of the floor have in common: the requests of an election's operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

BODY = (
    b'{"format": 1, "expired": false, "term": 12, "nonce": "0123456789abcdef0123456789abcdef",'
    b' "holder": "host-4711-0a1b2c3d", "lease_ms": 300000, "renewals": 0, "attempt": 1,'
    b' "swept": 10, "leg": 1, "proved": true, "outcome": null, "reason": null, "state": {}}'
)
TAGS = b"<Tagging><TagSet><Tag><Key>superseded</Key><Value>true</Value></Tag></TagSet></Tagging>"


class Client(Protocol):
    """Sends requests; the ETag of what it wrote or read is the result."""

    def list(self, prefix: str) -> list[str]:
        """Return the keys of the first page."""
        ...

    def get(self, key: str) -> str:
        """Read an object."""
        ...

    def create(self, key: str, body: bytes) -> str:
        """Write with `If-None-Match: *`."""
        ...

    def replace(self, key: str, body: bytes, etag: str) -> str:
        """Write with `If-Match`."""
        ...

    def tag(self, key: str) -> None:
        """Tag an object as superseded."""
        ...


def create(client: Client, folder: str) -> str:
    """Send the one request of a warm win."""
    return client.create(f"{folder}lock_0000000012.json", BODY)


def cold_win(client: Client, folder: str) -> str:
    """Send the requests of a cold win: LIST, GET, PUT."""
    client.get(client.list(folder)[-1])
    return create(client, folder)


def resign(client: Client, folder: str, etag: str) -> None:
    """Send the requests of the end of a term: PUT tag, PUT."""
    client.tag(f"{folder}lock_0000000011.json")
    client.replace(f"{folder}lock_0000000012.json", BODY, etag)


def term(win: Callable[[Client, str], str], client: Client, folder: str) -> None:
    """Send the requests of a whole term."""
    resign(client, folder, win(client, folder))
