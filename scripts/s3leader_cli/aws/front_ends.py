"""Asks the front ends of an endpoint for the time, each on a connection of its own.

The connections are direct, also where a proxy is configured. The requests are unsigned, so they are
refused, and every answer has a `Date`. Names resolve to a few addresses at a time, and to others
later.
"""

from __future__ import annotations

import os
import random
import socket
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import urllib3
from botocore.httpsession import get_cert_path

from s3leader_cli.check.doctor.clocks import Sample

_AT_ONCE = 8
_TIMEOUT_S = 5.0


def sample_clocks(endpoint: str, connections: int) -> list[Sample | None]:
    """Return the answer on each of so many new connections, None for one that gave none."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(lambda _: _sample(endpoint), range(connections)))


def _sample(endpoint: str) -> Sample | None:
    parts = urlsplit(endpoint)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        address = _address(host, port)
        with _pool(parts.scheme, host, address, port) as pool:
            # The first answer includes the time to connect, so the second one bounds more closely.
            answers = [_ask(pool, parts.netloc, address) for _ in range(2)]
    except (OSError, urllib3.exceptions.HTTPError, KeyError, ValueError, TypeError):
        return None
    return min(answers, key=lambda each: each.received - each.sent)


def _ask(pool: urllib3.HTTPConnectionPool, host: str, address: str) -> Sample:
    sent = time.monotonic()
    answer = pool.request(
        "HEAD", "/", headers={"Host": host}, retries=False, redirect=False, timeout=_TIMEOUT_S
    )
    received = time.monotonic()
    date = parsedate_to_datetime(answer.headers["Date"]).timestamp()
    return Sample(sent=sent, received=received, date=date, address=address)


def _address(host: str, port: int) -> str:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return str(random.choice(found)[4][0])  # noqa: S311 - any of them


def _pool(scheme: str, host: str, address: str, port: int) -> urllib3.HTTPConnectionPool:
    """Return a pool for one connection to one address, whose certificate is the host's."""
    if scheme != "https":
        return urllib3.HTTPConnectionPool(address, port)
    bundle = os.environ.get("AWS_CA_BUNDLE") or os.environ.get("REQUESTS_CA_BUNDLE")
    context = ssl.create_default_context(cafile=bundle or get_cert_path(True))
    return urllib3.HTTPSConnectionPool(
        address, port, server_hostname=host, assert_hostname=host, ssl_context=context
    )
