"""Checks of S3 itself: conditional writes in races, clocks, and the lifecycle rule."""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from s3leader_acceptance.account import Client
from s3leader_acceptance.deployment import Deployment
from s3leader_acceptance.results import Result, failed, not_checked, passed

_RACERS = 6
_SKEW_SECONDS = 2.0  # `clock_skew` of 3 s, minus the second for the resolution
_SHORTEST_HISTORY = timedelta(days=1)


def races(deployment: Deployment) -> Generator[None, None, Result]:
    """Let writers race for keys: one creates each, one replaces it; both are then read and listed."""
    yield
    keys = [f"races/{number:03d}" for number in range(8 if deployment.fast else 40)]
    answers: Counter[str] = Counter()
    problems: list[str] = []
    # The answer to a request that was sent again may be the one to the first.
    clients = [deployment.account.client("s3", retries=1) for _ in range(_RACERS)]
    with ThreadPoolExecutor(_RACERS) as pool:
        for key in keys:
            created = _race(pool, clients, deployment.bucket, key, {"IfNoneMatch": "*"})
            problems += _problems(deployment, key, created, answers)
            if any(code == "200" for code in created.values()):
                tag = deployment.s3.head_object(Bucket=deployment.bucket, Key=key)["ETag"]
                replaced = _race(pool, clients, deployment.bucket, key, {"IfMatch": tag})
                problems += _problems(deployment, key, replaced, answers)
    pages = deployment.s3.get_paginator("list_objects_v2").paginate(
        Bucket=deployment.bucket, Prefix="races/"
    )
    listed = [each["Key"] for page in pages for each in page.get("Contents", [])]
    if listed != keys:
        problems.append(f"{len(keys)} keys were created, and LIST shows {len(listed)} in its order")
    evidence = {
        "races": 2 * len(keys),
        "writers in each": _RACERS,
        "answers": dict(sorted(answers.items())),
    }
    return failed("; ".join(problems[:5]), **evidence) if problems else passed(**evidence)


def _race(
    pool: ThreadPoolExecutor,
    clients: list[Client],
    bucket: str,
    key: str,
    condition: dict[str, str],
) -> dict[bytes, str]:
    """Return the code of the answer to each body."""
    bodies = [f"{time.monotonic_ns()} by {number}".encode() for number in range(len(clients))]

    def put(client: Client, body: bytes) -> str:
        return code_of(lambda: client.put_object(Bucket=bucket, Key=key, Body=body, **condition))

    return dict(zip(bodies, pool.map(put, clients, bodies), strict=True))


def _problems(
    deployment: Deployment, key: str, race: dict[bytes, str], answers: Counter[str]
) -> list[str]:
    answers.update(race.values())
    winners = [body for body, code in race.items() if code == "200"]
    body = deployment.s3.get_object(Bucket=deployment.bucket, Key=key)["Body"].read()
    unknown = [each for each, code in race.items() if code not in {"200", "412", "409"}]
    if len(winners) > 1:
        return [f"{len(winners)} writers of one race were answered 200"]
    if not winners and not unknown:
        return ["no writer of a race was answered 200"]
    if body not in (winners or unknown):
        return ["GET after a race does not show what its winner wrote"]
    return []


def code_of(request: Callable[[], Any]) -> str:
    """Return the status of the answer to a request, or the kind of error if there is none."""
    try:
        answer = request()
    except ClientError as error:
        answer = error.response
        code = answer["Error"]["Code"]
        return {"PreconditionFailed": "412", "ConditionalRequestConflict": "409"}.get(code, code)
    except BotoCoreError as error:
        return type(error).__name__
    return str(answer["ResponseMetadata"]["HTTPStatusCode"])


def clocks(deployment: Deployment) -> Generator[None, None, Result]:
    """Compare the clocks of S3's front ends, as their answers show them on many connections."""
    yield
    count = 15 if deployment.fast else 100
    offsets, addresses = _Offsets(), set[str]()
    worst = 0.0
    for number in range(count):
        addresses |= _addresses(deployment)
        key = f"clocks/{number:03d}"
        write, read = (
            deployment.account.client("s3") for _ in range(2)
        )  # connections of their own
        put = offsets.measure(
            lambda write=write, key=key: write.put_object(
                Bucket=deployment.bucket, Key=key, Body=b""
            )
        )
        head = offsets.measure(
            lambda read=read, key=key: read.head_object(Bucket=deployment.bucket, Key=key)
        )
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


def lifecycle(deployment: Deployment) -> Generator[None, None, Result]:
    """Read the lifecycle rule back, and which objects S3 says that it will delete, and when."""
    yield
    bucket, s3 = deployment.bucket, deployment.s3
    rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    expiring = [each for each in rules if each.get("Expiration", {}).get("Days")]
    tags = [_tags(each) for each in expiring]
    if tags != [{"superseded": "true"}] or expiring[0]["Status"] != "Enabled":
        return failed(
            f"S3 keeps {len(expiring)} rules that delete by age, with the tags {tags}; expected one,"
            " for superseded=true alone"
        )
    plain, tagged = (
        "elections/lifecycle/lock_0000000002.json",
        "elections/lifecycle/lock_0000000001.json",
    )
    for key in (plain, tagged):
        s3.put_object(Bucket=bucket, Key=key, Body=b"{}", IfNoneMatch="*")
    s3.put_object_tagging(
        Bucket=bucket, Key=tagged, Tagging={"TagSet": [{"Key": "superseded", "Value": "true"}]}
    )
    kept, deleted = (
        s3.head_object(Bucket=bucket, Key=key).get("Expiration") for key in (plain, tagged)
    )
    evidence = {"rules": len(rules), "days": expiring[0]["Expiration"]["Days"]}
    if kept is not None:
        return failed("S3 announces the deletion of a lock that has no tag", **evidence)
    if deleted is None:
        return not_checked(
            "the rule was accepted, but no answer says which objects it will delete", **evidence
        )
    date = parsedate_to_datetime(deleted.split('"')[1])
    evidence["a tagged lock is deleted after"] = f"{date:%Y-%m-%d %H:%M} UTC"
    if date - datetime.now(UTC) < _SHORTEST_HISTORY:
        return failed(
            "S3 announces the deletion of a lock within a day of its creation", **evidence
        )
    return passed(**evidence)


def _tags(rule: dict[str, Any]) -> dict[str, str]:
    filtered = rule.get("Filter", {})
    found = filtered.get("And", {}).get("Tags", []) + [
        filtered[k] for k in ("Tag",) if k in filtered
    ]
    return {each["Key"]: each["Value"] for each in found}
