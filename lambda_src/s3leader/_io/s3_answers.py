"""Fields that each answer of S3 must have. A missing field is an error, and is never guessed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final

_ETAG: Final = re.compile(r'"[^"]+"')
_DATE: Final = re.compile(r"\w{3}, \d\d? \w{3} \d{4} \d\d:\d\d:\d\d (?:GMT|[+-]\d{4})")


class IncompleteAnswerError(Exception):
    """An answer lacks a field that S3 always sends; the message names it."""


def required(answer: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - fields are of any type
    """Return the field `name` of an answer in boto3's form."""
    try:
        return answer[name]
    except KeyError:
        raise IncompleteAnswerError(f"it has no {name}") from None


def etag(answer: Mapping[str, Any]) -> str:
    """Return the ETag, in its double quotes."""
    text: str = required(answer, "ETag")
    if not _ETAG.fullmatch(text):  # truncated, or made weak (W/"…") by a compressing proxy
        raise IncompleteAnswerError(f"its ETag is {text!r}; expected double quotes around it")
    return text


def modified_ms(answer: Mapping[str, Any]) -> int:
    """Return the `Last-Modified` in milliseconds since 1970."""
    return int(required(answer, "LastModified").timestamp()) * 1000


def date_ms(answer: Mapping[str, Any], clock_ms: Callable[[], int] | None) -> int:
    """Return the `Date` in milliseconds since 1970.

    `clock_ms` replaces a missing one, in tests only.
    """
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    if date is None and clock_ms is not None:
        return clock_ms() // 1000 * 1000
    if date is None:
        raise IncompleteAnswerError("it has no Date header")
    if not _DATE.fullmatch(date):  # a truncated date may parse as another time
        raise IncompleteAnswerError(f"its Date header is {date!r}")
    return int(parsedate_to_datetime(date).timestamp()) * 1000


def keys(page: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the keys of a page of ListObjectsV2, which leaves `Contents` out if there are none."""
    found = tuple(item["Key"] for item in page.get("Contents", ()))
    if required(page, "KeyCount") != len(found):
        raise IncompleteAnswerError(f"its KeyCount is {page['KeyCount']}, but it has {len(found)}")
    return found
