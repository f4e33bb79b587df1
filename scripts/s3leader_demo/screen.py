"""What the demo prints: steps, a table of terms, results."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Self

from rich.console import Console

from bird_strikes.checks import Check
from s3leader_demo.rows import Row

_LINE = "  {:>4}  {:<8}  {:<11}  {:<11}  {:<9}  {:>6}  {:>5}  {}"
_HEADINGS = ("term", "tick", "contended", "won by", "outcome", "lines", "parts", "remark")


class Screen:
    """Prints what happens."""

    def __init__(self, console: Console) -> None:
        """Print to `console`."""
        self._console = console
        self._shown: set[int] = set()

    def say(self, text: str = "") -> None:
        """Print a line."""
        self._console.print(text, highlight=False, soft_wrap=True)

    def title(self, text: str) -> None:
        """Print a heading."""
        self.say(f"\n[bold]{text}[/bold]")

    def waiting(self, what: str) -> AbstractContextManager[object]:
        """Say on a terminal, for the block, what the demo waits for."""
        return self._console.status(what) if self._console.is_terminal else nullcontext()

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Print a step with its duration, once the block has ended."""
        started = time.monotonic()
        with self.waiting(text):
            yield
        self.say(f"  [green]✓[/green] {text} [dim]({time.monotonic() - started:.1f} s)[/dim]")

    def for_another_election(self) -> Self:
        """Return a screen for a table of another election's terms."""
        return type(self)(self._console)

    def headings(self) -> None:
        """Print the headings of the table of terms."""
        self.say(_LINE.format(*_HEADINGS))

    def update(self, rows: Iterable[Row]) -> None:
        """Print the rows that are finished, each once."""
        for row in rows:
            if row.finished and row.term not in self._shown:
                self._shown.add(row.term)
                cells = (row.term, row.tick, row.contended, row.won_by, row.outcome)
                counts = ("" if count is None else f"{count:,}" for count in (row.lines, row.parts))
                self.say(_LINE.format(*cells, *counts, row.remark))

    def verdict(self, checks: Sequence[Check]) -> bool:
        """Print the result of each check; return whether all of them hold."""
        for check in checks:
            self.say(f"  {'[green]✓' if check.holds else '[red]✗'}[/] {check.claim}")
            for violation in check.violations:
                self._console.print(
                    f"      {violation}", markup=False, highlight=False, soft_wrap=True
                )
        holds = all(check.holds for check in checks)
        good, bad = "[green]Result: all checks passed.", "[red]Result: a check failed, see above."
        self.say(f"\n[bold]{good if holds else bad}[/]")
        return holds
