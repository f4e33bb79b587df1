"""Renders a report as Markdown, and as a table for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .checks import GROUPS
from .races import COUNTERS
from .report import Outcome, Verdict

if TYPE_CHECKING:
    from .report import Finding, Report
    from .speed import RoundTrip, Speed

_HEADINGS: Final = ("store", "verdict", *GROUPS, "swaps/s", "PUT ms", "GET ms", "LIST ms")
_WIDTH: Final = 120  # of a table that is not printed to a terminal
_COLOURS: Final = {
    "pass": "green",
    "fail": "red",
    "not checked": "yellow",
    "skipped": "dim",
    Verdict.USABLE.value: "bold green",
    Verdict.LIMITED.value: "bold yellow",
    Verdict.UNPROVED.value: "bold yellow",
    Verdict.UNUSABLE.value: "bold red",
}


def matrix_header() -> str:
    """Return the two lines above the rows of a matrix of stores."""
    return f"{_row(_HEADINGS)}\n{_row(['---'] * len(_HEADINGS))}\n"


def matrix_row(report: Report, name: str) -> str:
    """Return a report as one row of a matrix."""
    groups = [report.group(group) for group in GROUPS]
    return _row([name, report.verdict.value, *groups, *_figures(report.speed)]) + "\n"


def markdown(report: Report, name: str) -> str:
    """Return a report: its row of the matrix, and what fails, with the reason and the meaning."""
    text = f"{matrix_header()}{matrix_row(report, name)}"
    failing = [each for each in report.findings if each.outcome is not Outcome.PASS]
    if report.unfit is not None:
        return f"{text}\n{report.unfit}\n"
    if not failing:
        return f"{text}\nEvery check passes.\n"
    lines = [_row(["check", "rules", "result", "seen", "means"]), _row(["---"] * 5)]
    for each in failing:
        means = each.check.if_missing if each.outcome is Outcome.FAIL else ""
        words = [each.check.name, each.check.rules, each.outcome.value, each.detail, means]
        lines.append(_row(words))
    return text + "\n" + "\n".join(lines) + "\n"


def _row(cells: Any) -> str:  # noqa: ANN401 - words of any kind
    plain = [" ".join(str(cell).split()).replace("|", "\\|") for cell in cells]
    return f"| {' | '.join(plain)} |"


def _figures(speed: Speed | None) -> list[str]:
    if speed is None:
        return [""] * 4
    trips = [speed.put, speed.get, speed.list]
    return [f"{speed.swaps_per_s:.0f}", *(f"{trip.median_ms:.1f}" for trip in trips)]


def table(report: Report) -> str:
    """Return a report for people, coloured on a terminal."""
    from rich.console import Console  # noqa: PLC0415 - rich takes time to import
    from rich.table import Table  # noqa: PLC0415 - the same
    from rich.text import Text  # noqa: PLC0415 - the same

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_WIDTH)
    checks = Table(title=f"{report.store} ({report.server})", title_justify="left")
    for heading in ("check", "rules", "result", "seen"):
        checks.add_column(heading, overflow="fold")
    for each in report.findings:
        word = each.outcome.value
        checks.add_row(
            Text(each.check.name), each.check.rules, Text(word, _COLOURS[word]), Text(_seen(each))
        )
    with console.capture() as captured:
        if report.findings:
            console.print(checks)
        if report.speed is not None:
            console.print(Text(_speed(report.speed)))
        verdict = report.verdict.value
        console.print(Text(f"{verdict}: ", _COLOURS[verdict]).append(report.summary, "default"))
    return captured.get()


def _seen(finding: Finding) -> str:
    if finding.outcome is not Outcome.FAIL:
        return finding.detail
    return f"{finding.check.statement} Seen: {finding.detail}. Means: {finding.check.if_missing}"


def _speed(speed: Speed) -> str:
    def trip(name: str, one: RoundTrip) -> str:
        return f"{name} {one.median_ms:.1f} ms (p99 {one.p99_ms:.1f})"

    trips = [trip("PUT", speed.put), trip("GET", speed.get), trip("LIST", speed.list)]
    text = f"round trips: {', '.join(trips)}\n"
    text += f"compare-and-swaps a second on one key: {speed.swaps_per_s:.0f} by one client"
    if speed.contended_swaps_per_s is not None and speed.creates_per_s is not None:
        text += f", {speed.contended_swaps_per_s:.0f} by {min(speed.writers, COUNTERS)}"
        text += f"; creates a second by {speed.writers}: {speed.creates_per_s:.0f}"
    return text
