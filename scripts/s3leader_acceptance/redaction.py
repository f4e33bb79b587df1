"""Removes from a report what identifies the account."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_PATTERNS = (
    (re.compile(r"arn:[a-z-]+:[^\s\"'`<>,\]})]+"), "<arn>"),
    (re.compile(r"https?://[^\s\"'`<>,\]})]+"), "<url>"),
    (re.compile(r"\bA[A-Z]{3}[A-Z0-9]{16}\b"), "<key id>"),
    (re.compile(r"(?<!\d)\d{12}(?!\d)"), "<account>"),
    (re.compile(r"\b\d{4}-\d{4}-\d{4}\b(?!-)"), "<account>"),  # as the console writes it
    # Of a request id enough is left to see whether two are the same.
    (re.compile(r"\b([0-9a-f]{4})[0-9a-f]{4}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), r"\1…"),
)


class Redactor:
    """Replaces account numbers, ARNs, URLs, key ids, request ids and the names of buckets."""

    def __init__(self, account: str, buckets: Iterable[str] = ()) -> None:
        """Know the account's number and the names of its buckets."""
        self._names = {account: "<account>"} | dict.fromkeys(buckets, "<bucket>")

    def text(self, text: str) -> str:
        """Return `text` without them."""
        for pattern, instead in _PATTERNS:
            text = pattern.sub(instead, text)
        for name in sorted(self._names, key=len, reverse=True):
            text = text.replace(name, self._names[name])
        return text

    def value(self, value: object) -> object:
        """Return a value for JSON with all its texts redacted."""
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.value(each) for key, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(each) for each in value]
        if value is None or isinstance(value, bool | float):
            return value
        if isinstance(value, int):
            text = self.text(str(value))
            return value if text == str(value) else text
        return self.text(str(value))


def masked(account: str) -> str:
    """Return an account's number with all but its last four digits hidden, for the terminal."""
    return f"{'*' * (len(account) - 4)}{account[-4:]}"
