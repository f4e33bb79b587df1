"""What an inspection found, and what it means for elections."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .check import Check
    from .speed import Speed


class Outcome(Enum):
    """What a check came to."""

    PASS = "pass"  # noqa: S105 - the word for it
    FAIL = "fail"
    NOT_CHECKED = "not checked"
    SKIPPED = "skipped"
    """Left out by `--quick`."""


class Verdict(Enum):
    """Whether the store can hold elections."""

    USABLE = "usable"
    LIMITED = "usable with limits"
    UNPROVED = "not proved"
    UNUSABLE = "unusable"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The outcome of one check; `detail` says what was seen."""

    check: Check
    outcome: Outcome
    detail: str

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        check, failed = self.check, self.outcome is Outcome.FAIL
        return {
            "check": check.name,
            "group": check.group,
            "statement": check.statement,
            "rules": check.rules,
            "result": self.outcome.value,
            "detail": self.detail,
            "needed": check.fatal,
            "means": check.if_missing if failed else None,
        }


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything that an inspection found. `unfit` is why a kind of bucket is not even tried."""

    store: str
    version: str
    at: str
    server: str = ""
    findings: tuple[Finding, ...] = ()
    speed: Speed | None = None
    left: str | None = None
    unfit: str | None = None

    @property
    def verdict(self) -> Verdict:
        """Whether the store can hold elections."""
        if self.unfit is not None or any(self._needed(Outcome.FAIL)):
            return Verdict.UNUSABLE
        if not self.findings or any(self._needed(Outcome.NOT_CHECKED)):
            return Verdict.UNPROVED
        failed = any(finding.outcome is Outcome.FAIL for finding in self.findings)
        return Verdict.LIMITED if failed else Verdict.USABLE

    @property
    def usable(self) -> bool:
        """Whether it was shown that the store can hold elections."""
        return self.verdict in {Verdict.USABLE, Verdict.LIMITED}

    def _needed(self, outcome: Outcome) -> list[Finding]:
        return [each for each in self.findings if each.check.fatal and each.outcome is outcome]

    @property
    def summary(self) -> str:
        """Return one sentence for people."""
        match self.verdict:
            case Verdict.USABLE:
                return "Elections can be held on this store, as far as tests can show."
            case Verdict.LIMITED:
                failed = [each for each in self.findings if each.outcome is Outcome.FAIL]
                limits = "; ".join(dict.fromkeys(each.check.if_missing for each in failed))
                return f"Elections can be held on this store: {limits}."
            case Verdict.UNPROVED:
                names = ", ".join(each.check.name for each in self._needed(Outcome.NOT_CHECKED))
                return f"Hold no election here before this is checked: {names or 'everything'}."
            case Verdict.UNUSABLE:
                if self.unfit is not None:
                    return self.unfit
                names = ", ".join(each.check.name for each in self._needed(Outcome.FAIL))
                return f"Hold no election on this store. It fails: {names}."

    def group(self, name: str) -> str:
        """Return the outcome of a group: the worst of its checks."""
        outcomes = {each.outcome for each in self.findings if each.check.group == name}
        for outcome, word in (
            (Outcome.FAIL, "fail"), (Outcome.NOT_CHECKED, "not checked"), (Outcome.PASS, "pass"),
        ):  # fmt: skip
            if outcome in outcomes:
                return word
        return "not checked"

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "store": self.store,
            "server": self.server,
            "s3leader": self.version,
            "at": self.at,
            "verdict": self.verdict.value,
            "usable": self.usable,
            "summary": self.summary,
            "checks": [finding.as_json() for finding in self.findings],
            "speed": None if self.speed is None else asdict(self.speed),
            "left_behind": self.left,
        }
