"""Renders the elections of a bucket for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from .elections import Row
from .view import coloured, console, plain, rendered, short_holder

_HEADINGS = ("election", "state", "leader", "term", "tick", "since", "lease left")


def render_list(rows: Sequence[Row]) -> str:
    """Return the elections as a table, and below it what is wrong with some."""
    table = Table(box=None, pad_edge=False)
    for heading in _HEADINGS:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(
            plain(row.election),
            coloured(row.state),
            plain(short_holder(row.leader or "")),
            "" if row.term is None else str(row.term),
            plain(_shown(row.tick)),
            plain(_shown(row.since)),
            _left(row.lease_left_seconds),
        )
    problems = "".join(
        f"{plain(row.election)}: {plain(row.problem)}\n" for row in rows if row.problem is not None
    )
    return rendered(console(), table) + (f"\n{problems}" if problems else "")


def _left(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds:.0f} s" if seconds >= 0 else f"ended {-seconds:.0f} s ago"


def _shown(time: str | None) -> str:
    return "" if time is None else time.replace("T", " ")
