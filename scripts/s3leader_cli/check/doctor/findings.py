"""What `doctor` finds, as plain data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

Level: TypeAlias = Literal["ok", "warning", "problem", "cannot tell"]
RUN_AGAIN = "see to that, and run this again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The result of one check: `what` was found and means, and what to `do`, if anything."""

    check: str
    level: Level
    what: str
    do: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What AWS answered to a read: a `value`, None if there is none, or why it gave no answer.

    `denied` is the action whose right is missing, `failed` any other error.
    """

    value: Any = None
    denied: str | None = None
    failed: str | None = None

    @property
    def known(self) -> bool:
        """Whether AWS answered."""
        return self.denied is None and self.failed is None

    def unknown(self, check: str) -> Finding:
        """Return the finding that a check could not be made."""
        if self.denied is not None:
            return Finding(
                check=check,
                level="cannot tell",
                what=f"these credentials have no right to {self.denied}",
                do=f"allow {self.denied}, or run this with other credentials",
            )
        return Finding(
            check=check, level="cannot tell", what=f"the read failed: {self.failed}", do=RUN_AGAIN
        )


def ok(check: str, what: str) -> Finding:
    """Return a finding that needs nothing."""
    return Finding(check=check, level="ok", what=what)
