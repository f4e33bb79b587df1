"""Tables of results, and how they are written: to a terminal, as JSON, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from s3leader_bench.rounds import Spread

if TYPE_CHECKING:
    from rich.table import Table as RichTable

_ORDER = (
    *("LIST", "GET", "PUT", "tag"),
    *("DescribeTable", "Query", "consistent GetItem", "PutItem", "UpdateItem", "DeleteItem"),
)
Cell: TypeAlias = str | int | float | Spread | None


@dataclass(frozen=True, slots=True)
class Table:
    """`note` says what the figures are and are not. With `text`, all columns are aligned left."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]
    note: str = ""
    text: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return it for `json.dumps`, each row by its columns."""
        rows = [dict(zip(self.columns, map(_plain, row), strict=True)) for row in self.rows]
        return {"title": self.title, "note": self.note, "rows": rows}

    def as_markdown(self) -> str:
        """Return it as Markdown."""
        others = "---" if self.text else "---:"
        rule = "|".join(["---", *[others] * (len(self.columns) - 1)])
        lines = [f"**{self.title}.** {self.note}".rstrip(), ""]
        lines += [f"| {' | '.join(self.columns)} |", f"|{rule}|"]
        lines += [f"| {' | '.join(map(shown, row))} |" for row in self.rows]
        return "\n".join(lines)

    def as_rich(self) -> RichTable:
        """Return it for rich's console."""
        from rich.box import SIMPLE_HEAD  # noqa: PLC0415 - only where a table is shown
        from rich.table import Table as RichTable  # noqa: PLC0415

        table = RichTable(
            title=self.title, caption=self.note, box=SIMPLE_HEAD, title_justify="left"
        )
        table.caption_justify = "left"
        for index, column in enumerate(self.columns):
            table.add_column(column, justify="left" if self.text or index == 0 else "right")
        for row in self.rows:
            table.add_row(*map(shown, row))
        return table


def shown(cell: Cell) -> str:
    """Return a cell as text: a spread as its median with the quartiles."""
    if isinstance(cell, Spread):
        return f"{number(cell.median)} ({number(cell.low)} to {number(cell.high)})"
    if isinstance(cell, float):
        return number(cell)
    if isinstance(cell, int):
        return f"{cell:,}"
    return "" if cell is None else cell


def number(value: float) -> str:
    """Return a number with as many digits as it is worth."""
    if value and abs(value) < 0.1:
        return f"{value:.3f}"
    return (
        f"{value:,.0f}"
        if abs(value) >= 100
        else f"{value:.2f}"
        if abs(value) < 10
        else f"{value:.1f}"
    )


def by_kind(counts: Mapping[str, float]) -> str:
    """Return requests by kind, such as `1 LIST, 1 GET, 1 PUT`, in this order."""
    known = {kind: rank for rank, kind in enumerate(_ORDER)}
    kinds = sorted(counts, key=lambda kind: (known.get(kind, len(known)), kind))
    return ", ".join(f"{counts[kind]:g} {kind}" for kind in kinds) or "none"


def _plain(cell: Cell) -> object:
    return cell.as_json() if isinstance(cell, Spread) else cell


def markdown(tables: Iterable[Table]) -> str:
    """Return tables as Markdown, with blank lines between them."""
    return "\n\n".join(table.as_markdown() for table in tables)
