"""Tables for people. It needs rich."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from s3leader_cli.streams import printable

_WIDTH = 120  # of a table that is not printed to a terminal
_NARROWEST = 40  # some terminals report 0 columns, and wrap lines themselves
_COLOURS = {
    "ok": "green", "holds": "green",
    "warning": "yellow", "unclear": "yellow", "cannot tell": "yellow",
    "problem": "bold red", "broken": "bold red",
}  # fmt: skip


def plain(text: str, style: str = "") -> Text:
    """Return a text that is printed as it is, without markup and control characters."""
    return Text(printable(text), style=style)


def coloured(word: str) -> Text:
    """Return a result in its colour."""
    return plain(word, _COLOURS.get(word, ""))


def grid(rows: Sequence[tuple[str, RenderableType]]) -> Table:
    """Return lines of a name and a value."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, value)
    return table


def rendered(*parts: RenderableType) -> str:
    """Return what rich would print: if it prints itself, it ends the process on a closed pipe."""
    console = Console(highlight=False)
    width = max(console.width, _NARROWEST) if console.is_terminal else _WIDTH
    console = Console(highlight=False, width=width)
    with console.capture() as captured:
        console.print(Group(*parts))
    return captured.get()
