"""A check of S3: the clocks of its front ends."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Generator
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from s3leader_acceptance.deployment import Deployment
from s3leader_acceptance.results import Result, failed, passed

_SKEW_SECONDS = 2.0  # `clock_skew` of 3 s, minus the second for the resolution


def clocks(deployment: Deployment) -> Generator[None, None, Result]:
    """Compare the clocks of S3's front ends, as their answers show them on many connections."""
    yield
    count = 15 if deployment.fast else 100
    offsets, addresses = _Offsets(), set[str]()
    worst = 0.0
    for number in range(count):
        addresses |= _addresses(deployment)
        place = {"Bucket": deployment.bucket, "Key": f"clocks/{number:03d}"}
        # Each on a connection of its own.
        write, read = (deployment.account.client("s3") for _ in range(2))
        put = offsets.measure(partial(write.put_object, **place, Body=b""))
        head = offsets.measure(partial(read.head_object, **place))
        if put is None or head is None:
            return failed(
                "an answer had no Date, which every candidate needs", connections=2 * number
            )
        offsets.add(head["LastModified"].timestamp(), *offsets.put_window)
        worst = max(worst, abs(head["date"] - head["LastModified"].timestamp()))
        write.close()
        read.close()
    evidence = {
        "connections": 2 * count,
        "addresses": len(addresses),
        "clocks differ by at least": f"{offsets.spread:.2f} s",
        "largest Date minus Last-Modified": f"{worst:.0f} s",
    }
    if offsets.spread >= _SKEW_SECONDS:
        return failed(f"clocks differ by {_SKEW_SECONDS:.0f} s or more", **evidence)
    return passed(**evidence)


class _Offsets:
    """How far the clocks that answers show can be from this machine's, as an interval.

    A time of whole seconds, between the send of a request and its answer, bounds the offset of the
    clock that it is from. If the bounds of two clocks do not overlap, the clocks differ.
    """

    def __init__(self) -> None:
        self._highest_lower, self._lowest_upper = float("-inf"), float("inf")
        self.put_window = (0.0, 0.0)

    @property
    def spread(self) -> float:
        """By how much two of the clocks differ at least."""
        return max(0.0, self._highest_lower - self._lowest_upper)

    def measure(self, request: Callable[[], dict[str, Any]]) -> dict[str, Any] | None:
        """Send a request, and return its answer with the time of `Date`; None without it."""
        sent = time.monotonic()
        answer = request()
        window = (sent, time.monotonic())
        date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
        if date is None:
            return None
        shown = parsedate_to_datetime(date).timestamp()
        self.add(shown, *window)
        if "LastModified" not in answer:
            self.put_window = window
        return {**answer, "date": shown}

    def add(self, shown: float, sent: float, answered: float) -> None:
        """Add a time of whole seconds that a clock showed between two moments."""
        self._highest_lower = max(self._highest_lower, shown - answered)
        self._lowest_upper = min(self._lowest_upper, shown + 1 - sent)


def _addresses(deployment: Deployment) -> set[str]:
    host = urlsplit(deployment.s3.meta.endpoint_url)
    name = host.hostname or ""
    if deployment.account.endpoint is None:
        name = f"{deployment.bucket}.{name}"
    try:
        return {str(each[4][0]) for each in socket.getaddrinfo(name, host.port or 443)[:1]}
    except OSError:
        return set()
