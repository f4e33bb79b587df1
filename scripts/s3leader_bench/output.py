"""Shows progress on stderr and results on stdout, and writes them into a page of the docs."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from s3leader_bench.tables import Table, markdown


class Bar:
    """One bar for each section. Without a terminal, only a line for each."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = None if progress.disable else progress.add_task("", total=0)
        self._total = 0

    def begin(self, section: str) -> None:
        """Begin a section."""
        self._total = 0
        if self._task is None:
            print(f"bench: measuring {section} …", file=sys.stderr)
        else:
            self._progress.reset(self._task, total=0, description=section)

    def steps(self, more: int) -> None:
        """Announce more steps."""
        self._total += more
        if self._task is not None:
            self._progress.update(self._task, total=self._total)

    def advance(self) -> None:
        """Complete a step."""
        if self._task is not None:
            self._progress.advance(self._task)


@contextmanager
def progress(sections: Sequence[str]) -> Iterator[Bar]:
    """Show a bar on stderr while the block runs, if that is a terminal."""
    console = Console(stderr=True)
    width = max(map(len, sections), default=0)
    columns = (TextColumn(f"{{task.description:{width}}}"), BarColumn(), MofNCompleteColumn())
    shown = Progress(
        *columns,
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with shown:
        yield Bar(shown)


def show(results: Mapping[str, Sequence[Table]], found: Mapping[str, Any]) -> None:
    """Print all tables."""
    console = Console(width=None if sys.stdout.isatty() else 160, soft_wrap=False)
    for tables in results.values():
        for table in tables:
            console.print(table.as_rich())
    versions = ", ".join(f"{name} {value}" for name, value in found["versions"].items())
    rounds = "few rounds (--quick)" if found["quick"] else "all rounds"
    console.print(f"{rounds}, {found['seconds']} s; {versions}", highlight=False)


def check_docs(page: Path, sections: Sequence[str]) -> None:
    """Raise `ClickException` unless the page has both marks of each section: before measuring."""
    for name in sections:
        _parts(page, name)


def write_docs(page: Path, name: str, tables: Sequence[Table]) -> None:
    """Replace what is between `<!-- bench NAME -->` and `<!-- end -->`; the page is never half."""
    before, after = _parts(page, name)
    new = page.with_name(f".{page.name}.new")
    new.write_text(f"{before}\n{markdown(tables)}\n\n{after}", encoding="utf-8")
    new.replace(page)


def _parts(page: Path, name: str) -> tuple[str, str]:
    """Return what stands before a section's tables and after them, with the marks."""
    start, end = f"<!-- bench {name} -->\n", "<!-- end -->"
    before, found, rest = page.read_text(encoding="utf-8").partition(start)
    old, closed, after = rest.partition(end)
    if not found or not closed or "<!-- bench " in old:
        raise click.ClickException(
            f"{page} has no place for the section {name}: expected a line {start.strip()!r} and,"
            f" before any other mark, a line {end!r}"
        )
    return before + found, closed + after
