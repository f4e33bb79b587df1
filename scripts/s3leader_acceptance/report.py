"""The report of a run, in Markdown and JSON, without anything that identifies the account."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from s3leader_acceptance.checks.table import NOT_CHECKABLE
from s3leader_acceptance.redaction import Redactor
from s3leader_acceptance.results import Finding

_LONGEST = 300


@dataclass(frozen=True, kw_only=True)
class Report:
    """The findings, and where and when they were made."""

    findings: Sequence[Finding]
    region: str
    endpoint: bool
    began: datetime
    redactor: Redactor

    @property
    def failed(self) -> bool:
        """Whether an assumption did not hold."""
        return any(one.result.outcome == "fail" for one in self.findings)

    def write(self, folder: Path) -> list[Path]:
        """Write `acceptance.md` and `acceptance.json`; return their paths."""
        files = {"acceptance.md": self.markdown(), "acceptance.json": self.json()}
        for name, text in files.items():
            (folder / name).write_text(text)
        return [folder / name for name in files]

    def json(self) -> str:
        """Return the report as JSON."""
        facts = {
            "version": version("s3leader"),
            "region": self.region,
            "aws": not self.endpoint,
            "began": f"{self.began:%Y-%m-%dT%H:%M:%SZ}",
            "ended": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "outcomes": self._counts(),
            "checks": [
                {
                    "name": one.check.name,
                    "assumption": one.check.assumption,
                    "does": one.check.does,
                    "outcome": one.result.outcome,
                    "why": one.result.why,
                    "evidence": one.result.evidence,
                    "seconds": one.seconds,
                }
                for one in self.findings
            ],
            "not checkable": [
                {"assumption": quote, "why": why} for quote, why in NOT_CHECKABLE.items()
            ],
        }
        return json.dumps(self.redactor.value(facts), indent=2, ensure_ascii=False) + "\n"

    def _counts(self) -> Mapping[str, int]:
        found = Counter(one.result.outcome for one in self.findings)
        return {"pass": found["pass"], "fail": found["fail"], "not checked": found["not checked"]}

    def markdown(self) -> str:
        """Return the report as Markdown."""
        where = f"an emulator, as {self.region}" if self.endpoint else f"AWS, {self.region}"
        counts = ", ".join(f"{count} {outcome}" for outcome, count in self._counts().items())
        lines = [
            "# What s3leader assumes of AWS",
            "",
            f"Checked on {where}, on {self.began:%Y-%m-%d %H:%M} UTC: {counts}.",
            "",
            "| check | result | assumption |",
            "|---|---|---|",
            *(
                f"| {one.check.name} | {one.result.outcome} | {one.check.assumption} |"
                for one in self.findings
            ),
        ]
        for one in self.findings:
            lines += ["", f"## {one.check.name}: {one.result.outcome}", ""]
            lines.append(f"{one.check.does} It took {one.seconds:.0f} s.".lstrip())
            if one.result.why:
                lines += ["", f"{one.result.why[:1].upper()}{one.result.why[1:]}."]
            if one.result.evidence:
                lines.append("")
            lines += [f"- {name}: {_short(value)}" for name, value in one.result.evidence.items()]
        lines += ["", "## What cannot be checked", ""]
        lines += [f"- “{quote}”: {why}." for quote, why in NOT_CHECKABLE.items()]
        return self.redactor.text("\n".join(lines)) + "\n"


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… (whole in acceptance.json)"
