"""The report of `cost` for people. It needs rich."""

from __future__ import annotations

from rich.table import Table

from s3leader_cli.check.view import grid, plain, rendered

from .model import Line
from .prices import AS_OF
from .report import ASSUMPTIONS, Report


def render(report: Report) -> str:
    """Return a report as text."""
    table = Table(title=plain("a month"), title_justify="left", show_footer=True)
    table.add_column("item", footer="total", overflow="fold")
    table.add_column("count", footer="", justify="right")
    table.add_column("of", footer="")
    table.add_column("price", footer="", justify="right")
    table.add_column("dollars", footer=_dollars(report.total), justify="right")
    for each in report.lines:
        table.add_row(
            each.item, _count(each.count), each.unit, _price(each), _dollars(each.dollars)
        )
    notes = [plain(f"- {each}") for each in (f"prices: {AS_OF}", *ASSUMPTIONS)]
    return rendered(_facts(report), table, *notes)


def _facts(report: Report) -> Table:
    plan = report.plan
    when = "one leader all the time" if report.schedule is None else report.schedule
    rows = [("schedule", when)]
    if plan.ticks is not None:
        rows.append(("ticks", _count(plan.ticks)))
        rows.append(("terms", _count(plan.terms)))
        rows.append(("locks kept", _count(plan.locks_kept)))
    rows.append(("requests to S3", _count(report.requests)))
    return grid([(name, plain(text)) for name, text in rows])


def _count(count: float) -> str:
    return f"{count:,.0f}" if count >= 10 or count == int(count) else f"{count:,.3g}"


def _price(line: Line) -> str:
    if not line.price:
        return "free"
    per = "" if line.per == 1 else f" for {line.per:,.0f}"
    return f"${line.price:.10g}{per}"


def _dollars(dollars: float) -> str:
    return f"{dollars:,.2f}" if dollars >= 1 or not dollars else f"{dollars:,.4f}"
