"""The findings of `doctor` for people. It needs rich."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.table import Table

from s3leader_cli.check.view import coloured, plain, rendered

from .findings import Finding


def render(title: str, findings: Sequence[Finding]) -> str:
    """Return a table of the findings."""
    table = Table(title=plain(title), title_justify="left")
    table.add_column("check", no_wrap=True)
    table.add_column("result", no_wrap=True)
    table.add_column("what was found, and what to do", overflow="fold")
    for each in findings:
        text = plain(each.what)
        if each.do:
            text.append("\n").append(plain(f"Do: {each.do}", "bold"))
        table.add_row(each.check, coloured(each.level), text)
    counts = Counter(each.level for each in findings)
    summary = ", ".join(f"{count} {level}" for level, count in counts.items())
    return rendered(table, plain(summary))
