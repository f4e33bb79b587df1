"""What became of each invocation that a schedule fired, as the emulator's launcher notes it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """One contender's run on `event`. `result` is what the handler returned, or the error."""

    schedule: str
    tick: str
    event: Any
    started: float
    ended: float
    failed: bool
    result: Any

    @property
    def answer(self) -> Mapping[str, Any]:
        """The handler's answer, if it is an object; else nothing."""
        return self.result if isinstance(self.result, dict) else {}

    def to_json(self) -> str:
        """One line, for the file that the emulator appends to."""
        return json.dumps(asdict(self), default=str) + "\n"


def read_invocations(path: Path) -> list[Invocation]:
    """Return the invocations noted so far, oldest first; a line still being written is left out."""
    if not path.exists():
        return []
    lines = path.read_text().split("\n")[:-1]
    return [Invocation(**json.loads(line)) for line in lines]
