"""What the demo prints: steps, a table of terms, results. The table is live on a terminal."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.table import Table

from bird_strikes.checks import Check
from s3leader_demo.rows import Row

_COLORS = {"completed": "green", "deposed": "yellow", "leads": "cyan", "failed": "red"}
_LINE = "  {:>4}  {:<8}  {:<11}  {:<11}  {:<9}  {:>6}  {:>5}  {}"


class Screen:
    """Prints what happens."""

    def __init__(self, console: Console) -> None:
        """Print to `console`."""
        self._console = console
        self._live: Live | None = None
        self.terms: set[int] = set()  # that a table has shown

    def say(self, text: str = "") -> None:
        """Print a line."""
        self._console.print(text, highlight=False, soft_wrap=True)

    def title(self, text: str) -> None:
        """Print a heading."""
        self.say()
        self.say(f"[bold]{text}[/bold]")

    @contextmanager
    def step(self, text: str) -> Iterator[list[str]]:
        """Print a step, its duration, and the texts that the block adds to the list."""
        seen: list[str] = []
        started = time.monotonic()
        if self._console.is_terminal:
            with self._console.status(text):
                yield seen
        else:
            yield seen
        text = ": ".join([text, *seen])
        self.say(f"  [green]✓[/green] {text} [dim]({time.monotonic() - started:.1f} s)[/dim]")

    @contextmanager
    def table(self) -> Iterator[None]:
        """Show the table of terms for the block; `update` fills it."""
        if not self._console.is_terminal:
            self.say(
                _LINE.format(
                    "term", "tick", "contended", "won by", "outcome", "lines", "parts", "remark"
                )
            )
            yield
            return
        with Live(console=self._console, refresh_per_second=8) as self._live:
            yield
        self._live = None

    def update(self, rows: Sequence[Row], status: str) -> None:
        """Show these rows, and a line of status on a terminal."""
        if self._live is not None:
            self._live.update(_table(rows, status))
            self.terms.update(row.term for row in rows)
            return
        for row in rows:
            if row.finished and row.term not in self.terms:
                self.terms.add(row.term)
                self.say(_LINE.format(*_cells(row)))

    def verdict(self, checks: Sequence[Check]) -> bool:
        """Print the result of each check; return whether all of them hold."""
        for check in checks:
            mark = "[green]✓[/green]" if check.holds else "[red]✗[/red]"
            self.say(f"  {mark} {check.claim}")
            for objection in check.objections:
                self._console.print(
                    f"      {objection}", markup=False, highlight=False, soft_wrap=True
                )
        holds = all(check.holds for check in checks)
        self.say()
        self.say(
            "[bold green]Result: all checks passed.[/bold green]"
            if holds
            else "[bold red]Result: a check failed, see above.[/bold red]"
        )
        return holds


def _cells(row: Row) -> list[str]:
    return [
        str(row.term),
        row.tick,
        row.contended,
        row.won_by,
        row.outcome,
        f"{row.lines:,}",
        f"{row.parts:,}",
        row.remark,
    ]


def _table(rows: Sequence[Row], status: str) -> Table:
    table = Table(caption=status, caption_justify="left", title_justify="left")
    for name in ("term", "tick"):
        table.add_column(name, justify="right")
    for name in ("contended", "won by", "outcome"):
        table.add_column(name)
    for name in ("lines", "parts"):
        table.add_column(name, justify="right")
    table.add_column("remark", style="dim")
    for row in rows:
        cells = _cells(row)
        color = _COLORS.get(row.outcome, "white")
        cells[4] = f"[{color}]{row.outcome}[/{color}]"
        table.add_row(*cells)
    return table
