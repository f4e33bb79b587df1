"""Shows a watched election on a terminal: the state on top, below it the latest changes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from rich.live import Live
from rich.table import Table

from s3leader_cli.report import lease_left, standing_of, state_in_words, utc

from .changes import Change, Watcher
from .view import coloured, console, plain, short_holder

_SHOWN = 15  # changes


def show_live(watcher: Watcher, looks: Iterator[list[Change]], is_done: Callable[[], bool]) -> bool:
    """Redraw at each look. Return whether it is done."""
    latest: deque[Change] = deque(maxlen=_SHOWN)
    with Live(console=console(), auto_refresh=False) as live:
        for changes in looks:
            latest.extend(changes)
            live.update(_drawn(watcher, latest), refresh=True)
            if is_done():
                return True
    return False


def _drawn(watcher: Watcher, latest: deque[Change]) -> Table:
    rows = Table.grid(padding=(0, 2))
    rows.add_row("election", plain(watcher.election.name))
    lock = watcher.lock
    if lock is None:
        rows.add_row("standing", "no term yet")
    elif lock.problem is not None:
        rows.add_row("standing", coloured("corrupt"))
    else:
        standing = lock.outcome or standing_of(watcher.election, lock)
        rows.add_row("standing", coloured(standing))
        rows.add_row("term", str(lock.term))
        rows.add_row("holder", plain(short_holder(lock.holder or "unnamed")))
        rows.add_row("tick", plain(utc(lock.tick) or "none"))
        if not lock.sealed:
            left = lease_left(watcher.election, lock).total_seconds()
            rows.add_row(
                "lease", f"{left:.0f} s left" if left >= 0 else f"over since {-left:.0f} s"
            )
        if lock.state:
            rows.add_row("progress", plain(state_in_words(lock.state)))
        rows.add_row("looked at", plain(utc(lock.seen_at) or ""))
    lines = [plain(f"{each.at or '':20}  {each.text}") for each in latest]
    whole = Table.grid()
    whole.add_row(rows)
    whole.add_row("")
    for line in lines:
        whole.add_row(line)
    return whole
