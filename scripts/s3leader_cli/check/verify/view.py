"""The report of `verify` for people. It needs rich."""

from __future__ import annotations

from rich.console import RenderableType
from rich.table import Table

from s3leader_cli.check.view import coloured, grid, plain, rendered

from .findings import SHOWN, Verdict
from .report import CANNOT_KNOW, Report


def render(report: Report) -> str:
    """Return a report as text."""
    table = Table(title=plain(f"{report.election}: what its locks show"), title_justify="left")
    table.add_column("rule", no_wrap=True)
    table.add_column("result", no_wrap=True)
    table.add_column("checked", justify="right")
    table.add_column("which says that", overflow="fold")
    for each in report.verdicts:
        table.add_row(each.rule, coloured(each.result), str(each.checked), each.claim)
    parts: list[RenderableType] = [_facts(report), table]
    parts += [_findings(each) for each in report.verdicts if each.findings]
    parts.append(plain("What the locks cannot show:", "bold"))
    parts += [plain(f"- {each}") for each in CANNOT_KNOW]
    return rendered(*parts)


def _facts(report: Report) -> Table:
    locks = f"{report.locks}, of terms {report.first} to {report.last}"
    rows = [("locks", locks), ("tagged up to", str(report.swept))]
    rows.append(("allowance", f"{report.skew_s:g} s for the clocks of S3"))
    counts = {
        "void wins": report.void,
        "deposed by operators": report.deposed_by_operators,
        "numbers created again": report.recreated,
    }
    rows += [(name, str(count)) for name, count in counts.items() if count]
    return grid([(name, plain(text)) for name, text in rows])


def _findings(verdict: Verdict) -> Table:
    """Return the findings of one rule, the certain ones first."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    found = sorted(verdict.findings, key=lambda each: not each.certain)
    for each in found[:SHOWN]:
        word = coloured("broken" if each.certain else "unclear")
        table.add_row(word, plain(f"term {each.term}"), plain(each.what))
    if len(found) > SHOWN:
        table.add_row(
            "", "", plain(f"… and {len(found) - SHOWN} more of the rule {verdict.rule!r}")
        )
    return table
