"""The facts that S3 always sends in an answer. A missing one is never guessed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final

_ETAG: Final = re.compile(r'"[^"]+"')
_DATE: Final = re.compile(r"\w{3}, \d\d? \w{3} \d{4} \d\d:\d\d:\d\d (?:GMT|[+-]\d{4})")


class IncompleteAnswerError(Exception):
    """An answer lacks a fact that S3 always sends; its text says which."""


def fact(answer: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - facts are of any type
    """Return the fact `name` of an answer as boto3 gives it."""
    try:
        return answer[name]
    except KeyError:
        raise IncompleteAnswerError(f"it has no {name}") from None


def etag(answer: Mapping[str, Any]) -> str:
    """Return the ETag, in its double quotes."""
    text: str = fact(answer, "ETag")
    if not _ETAG.fullmatch(text):  # cut short, or made weak (W/"…") by a proxy that compresses
        raise IncompleteAnswerError(f"its ETag is {text!r}; expected a text in double quotes")
    return text


def modified_ms(answer: Mapping[str, Any]) -> int:
    """Return the `Last-Modified` in milliseconds since 1970."""
    return int(fact(answer, "LastModified").timestamp()) * 1000


def date_ms(answer: Mapping[str, Any], clock_ms: Callable[[], int] | None) -> int:
    """Return the `Date`, or what the test double `clock_ms` shows where there is none."""
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    if date is None and clock_ms is not None:
        return clock_ms() // 1000 * 1000
    if date is None:
        raise IncompleteAnswerError("it has no Date header")
    if not _DATE.fullmatch(date):  # a part of one may pass for another time
        raise IncompleteAnswerError(f"its Date header is {date!r}")
    return int(parsedate_to_datetime(date).timestamp()) * 1000


def keys(page: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the keys of a page of ListObjectsV2, which leaves `Contents` out if there are none."""
    found = tuple(item["Key"] for item in page.get("Contents", ()))
    if fact(page, "KeyCount") != len(found):
        raise IncompleteAnswerError(f"its KeyCount is {page['KeyCount']}, and it has {len(found)}")
    return found
