"""What the rules of `verify` find, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Result: TypeAlias = Literal["holds", "broken", "unclear"]
SHOWN = 20
"""The most findings of one rule that are printed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something about `term` that a rule forbids. If not `certain`, it may have a good reason."""

    term: int
    what: str
    certain: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The result of one rule: `checked` counts the locks or pairs of locks it was applied to."""

    rule: str
    claim: str
    checked: int
    findings: Sequence[Finding]

    @property
    def result(self) -> Result:
        """Whether the rule holds for all that was checked."""
        if any(each.certain for each in self.findings):
            return "broken"
        return "unclear" if self.findings else "holds"

    def as_json(self) -> dict[str, Any]:
        """Return it for programs, with the first findings."""
        return {
            "rule": self.rule,
            "claim": self.claim,
            "result": self.result,
            "checked": self.checked,
            "findings": [
                {"term": each.term, "what": each.what, "certain": each.certain}
                for each in self.findings[:SHOWN]
            ],
            "more": max(0, len(self.findings) - SHOWN),
        }
