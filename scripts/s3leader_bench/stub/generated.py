"""Objects that a bucket has without storing them: each is computed from its number."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

HINT_EVERY = 500


@dataclass(frozen=True, slots=True)
class Generated:
    """The objects `prefix + number + suffix` for the numbers from 1 to `last`.

    A `kind` of "locks" makes sealed locks, "events" makes objects to compact, of 1 to 4 KiB.
    """

    kind: str
    prefix: str
    last: int

    @property
    def stem(self) -> str:
        """What each key begins with."""
        return self.prefix + ("lock_" if self.kind == "locks" else "")

    @property
    def suffix(self) -> str:
        """What each key ends with."""
        return ".json" if self.kind == "locks" else ".ndjson"

    def key(self, number: int) -> str:
        """Return the key of an object."""
        return f"{self.stem}{number:010d}{self.suffix}"

    def number(self, key: str) -> int | None:
        """Return the number of the object at `key`, None if this range has no such object."""
        digits = key.removeprefix(self.stem).removesuffix(self.suffix)
        if not digits.isdecimal() or key != self.key(int(digits)):
            return None
        return int(digits) if 1 <= int(digits) <= self.last else None

    def keys_after(self, key: str) -> Iterator[str]:
        """Yield the keys that follow `key`, in order."""
        first = 1
        if key.startswith(self.stem):
            digits = key.removeprefix(self.stem)[:10]
            first = int(digits) if digits.isdecimal() and len(digits) == 10 else 1
        elif key > self.stem:
            return
        for number in range(max(1, first), self.last + 1):
            if (found := self.key(number)) > key:
                yield found

    def body(self, number: int) -> bytes:
        """Return the content of an object."""
        if self.kind == "locks":
            lock = {"format": 1, "expired": True, "term": number, "nonce": f"generated-{number}"}
            ended = {"outcome": "completed", "proved": True, "swept": number - 1}
            return json.dumps({**lock, **ended}).encode()
        row = json.dumps({"row": number, "text": "strike " * 12}).encode() + b"\n"
        return row * (10 + number * 7 % 30)  # 1 to 4 KiB
