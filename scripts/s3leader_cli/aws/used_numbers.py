"""Where term numbers are recorded: locks, fenced objects, names of keys, and logs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from s3leader import BucketOptions, CorruptObject
from s3leader.fencing import FencedObject

from .clients import arn, client, s3_arn
from .failures import explained

_LOCK = re.compile(r"lock_(\d{10})\.json$")
_LABEL = re.compile(r"(?<![A-Za-z0-9])term[_=-]?(\d{1,10})(?!\d)")
_EVERY = 100_000  # keys between two lines of progress


@dataclass(frozen=True, kw_only=True)
class Used:
    """The highest number that a place records, None if it records none, and a completed tick."""

    place: str
    number: int | None
    done: str | None = None
    problem: str | None = None


def highest_lock(bucket: str, folder: str, region: str | None) -> Used:
    """Return the number of the highest lock that is left; it need not be readable."""
    keys = _keys(bucket, f"{folder}lock_", region)
    return Used(place="locks that are left", number=_highest(_LOCK, keys))


def hinted(bucket: str, folder: str, region: str | None) -> Used:
    """Return the number in the hint, which leaders of every 500th term write."""
    s3, key = client("s3", region), f"{folder}hint.json"
    with explained("s3:GetObject", s3_arn(s3, bucket, key)):
        try:
            body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except s3.exceptions.NoSuchKey:
            return Used(place="hint", number=None)
    try:
        number = json.loads(body)["term"]
    except (ValueError, TypeError, KeyError):
        number = None
    return Used(place="hint", number=number if isinstance(number, int) else None)


def fenced(bucket: str, key: str) -> Used:
    """Return the token of a fenced object."""
    place = f"s3://{bucket}/{key}"
    try:
        found = FencedObject(key, bucket=bucket, bucket_options=BucketOptions()).read()
    except CorruptObject as error:
        return Used(place=place, number=None, problem=error.problem)
    return Used(place=place, number=None if found is None else found.token)


def labelled(bucket: str, prefix: str, progress: Callable[[str], None]) -> Used:
    """Return the highest number in key names such as `term_0000000042`."""
    place = f"s3://{bucket}/{prefix}"

    def counted() -> Iterator[str]:
        for count, key in enumerate(_keys(bucket, prefix, None), 1):
            yield key
            if count % _EVERY == 0:
                progress(f"{place}: {count} keys so far")

    return Used(place=place, number=_highest(_LABEL, counted()))


def logged(election: str, region: str, group: str) -> Used:
    """Return the highest term and the latest completed tick in a log group."""
    highest, done = 0, ""
    pages = client("logs", region).get_paginator("filter_log_events")
    with explained("logs:FilterLogEvents", arn("logs", region, f"log-group:{group}:*")):
        for page in pages.paginate(logGroupName=group, filterPattern="{ $.term > 0 }"):
            for line in map(_line, page["events"]):
                if line.get("service") == election and isinstance(line.get("term"), int):
                    highest = max(highest, line["term"])
                    if line.get("outcome") == "completed":
                        done = max(done, line.get("tick") or "")
    return Used(place=f"log {group} in {region}", number=highest or None, done=done or None)


def _line(event: dict[str, Any]) -> dict[str, Any]:
    try:
        line = json.loads(event["message"])
    except ValueError:
        return {}
    return line if isinstance(line, dict) else {}


def _highest(pattern: re.Pattern[str], keys: Iterator[str]) -> int | None:
    return max((int(match) for key in keys for match in pattern.findall(key)), default=None)


def _keys(bucket: str, prefix: str, region: str | None) -> Iterator[str]:
    s3 = client("s3", region)
    with explained("s3:ListBucket", s3_arn(s3, bucket)):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            yield from (each["Key"] for each in page.get("Contents", []))
