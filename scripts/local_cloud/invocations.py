"""The invocations that schedules start, as the emulator's launcher logs them."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """One contender's run on `event`, logged when it starts and again when it has ended.

    `execution` is the Scheduler's id of it, `result` what the handler returned, or the error.
    """

    execution: str
    schedule: str
    tick: str
    event: Any
    started: float
    ended: float | None = None
    failed: bool = False
    result: Any = None

    @property
    def answer(self) -> Mapping[str, Any]:
        """The handler's answer if it is an object, else an empty one."""
        return self.result if isinstance(self.result, dict) else {}

    def to_json(self) -> str:
        """One line, for the file that the emulator appends to."""
        return json.dumps(asdict(self), default=str) + "\n"


def read_invocations(path: Path) -> list[Invocation]:
    """Return the invocations in the order of their starts, each as last logged."""
    if not path.exists():
        return []
    latest: dict[str, Invocation] = {}
    for line in path.read_text().split("\n")[:-1]:  # the last line may be incomplete
        invocation = Invocation(**json.loads(line))
        latest[invocation.execution] = invocation
    return list(latest.values())
