"""The emulator's decisions on permissions, as `enforcement` logs them."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A decision on one action on one resource, requested by a role's session.

    `principal` is the session's ARN, `reason` says why the action was refused.
    """

    principal: str
    action: str
    resource: str
    allowed: bool
    reason: str = ""

    @property
    def role(self) -> str:
        """The name of the role that the session is in; empty if it is in none."""
        return self.principal.partition(":assumed-role/")[2].split("/")[0]

    def to_json(self) -> str:
        """One line, for the file that the emulator appends to."""
        return json.dumps(asdict(self)) + "\n"


def read_decisions(path: Path) -> list[Decision]:
    """Return the decisions logged so far, oldest first."""
    if not path.exists():
        return []
    lines = path.read_text().split("\n")[:-1]  # the last line may be incomplete
    return [Decision(**json.loads(line)) for line in lines]
