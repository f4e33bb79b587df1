"""Renders reports and histories for people."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from rich.console import Console
from rich.table import Table
from rich.text import Text

from s3leader import Election, Lock
from s3leader_cli.report import Report, never_locked, standing_of, state_in_words
from s3leader_cli.streams import printable

_COLOURS = {
    "held": "green",
    "completed": "green",
    "lapsed": "yellow",
    "resigned": "yellow",
    "deposed": "magenta",
    "failed": "red",
    "unreadable": "red",
    "corrupt": "red",
}
_HEADINGS = ("term", "outcome", "holder", "tick", "try", "started", "lasted", "why")
_LEAST = 8  # characters of a line of `why` or `holder`, for others not to be folded
_WIDTH = 120  # of a table that is not printed to a terminal
# function/request id/random: the identity that s3leader.aws_lambda gives a candidate
_LAMBDA = re.compile(r"([\w-]+)/([0-9a-f]{8})(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/[0-9a-f]{8}")
_NARROWEST = 40  # some terminals report 0 columns, and wrap lines themselves


def render_report(
    report: Report, outcomes: str = "", steps: Sequence[tuple[str, Sequence[str]]] = ()
) -> str:
    """Return a report as text, with the last outcomes, and what is off with the commands for it."""
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="bold")
    rows.add_column(overflow="fold")
    rows.add_row("election", plain(report.election))
    rows.add_row("standing", coloured(report.standing))
    if report.key is not None:
        rows.add_row("lock", plain(report.key))
    if report.problem is not None:
        rows.add_row("problem", plain(report.problem))
    if report.doubt is not None:
        rows.add_row("note", plain(report.doubt))
    if report.lock is not None:
        _add_lock(rows, report, report.lock)
    if outcomes:
        rows.add_row("last outcomes", plain(outcomes))
    rows.add_row("a contender would", plain(report.contender))
    return rendered(console(), rows) + "".join(_step(*each) for each in steps)


def _step(what: str, commands: Sequence[str]) -> str:
    """Return what is off, and each command on a line of its own, so that it can be copied."""
    lines = [f"\n! {printable(what)}", *(f"    {printable(each)}" for each in commands)]
    return "\n".join(lines) + "\n"


def render_history(election: Election, locks: Sequence[Lock]) -> str:
    """Return the newest terms as a table."""
    if not locks:
        return f"{election.name} has no term: {never_locked(election)}\n"
    screen = console()
    table = Table(
        title=plain(f"{election.name}: newest terms first"),
        title_justify="left",
        show_edge=False,  # a term of a function fits into one line of 120 columns without it
        pad_edge=False,
    )
    table.add_column(_HEADINGS[0], justify="right")
    rows = [_cells(election, lock) for lock in locks]
    spare = _spare(screen, rows)
    if spare < 2 * _LEAST:
        rows = [_with_days_above_times(row) for row in rows]
        spare = _spare(screen, rows)
    folded = {"why", "holder"} if spare >= 2 * _LEAST else {*_HEADINGS}
    if spare >= _LEAST + max(len(row[2]) for row in rows):
        folded = {"why"}
    for name in _HEADINGS[1:]:
        table.add_column(name, overflow="fold", no_wrap=name not in folded)
    for row in rows:
        table.add_row(row[0], coloured(row[1]), *map(_lines, row[2:]))
    return rendered(screen, table)


def _spare(screen: Console, rows: Sequence[Sequence[str]]) -> int:
    """Return how many characters of a line are left for `why` and `holder`."""
    lines = 3 * (len(_HEADINGS) - 1)
    for name, *cells in zip(_HEADINGS, *rows, strict=True):
        if name not in {"why", "holder"}:
            lines += max(len(line) for cell in (name, *cells) for line in cell.split("\n"))
    return screen.width - lines


def _with_days_above_times(row: Sequence[str]) -> list[str]:
    """Return the cells in a form in which rich breaks neither a day nor a time."""
    named = zip(_HEADINGS, row, strict=True)
    return [
        cell.replace(" ", "\n") if name in {"tick", "started"} else cell for name, cell in named
    ]


def _lines(cell: str) -> Text:
    return Text("\n").join(map(plain, cell.split("\n")))


def _cells(election: Election, lock: Lock) -> list[str]:
    if lock.problem is not None:
        return [str(lock.term), "corrupt", "", "", "", "", "", lock.problem]
    return [
        str(lock.term),
        lock.outcome or standing_of(election, lock),
        short_holder(lock.holder or "unnamed"),
        _time(lock.tick),
        str(lock.attempt),
        _time(lock.started_at),
        _lasted(lock),
        _LAMBDA.sub(r"…/\2", lock.reason or ""),
    ]


def _add_lock(rows: Table, report: Report, lock: Lock) -> None:
    rows.add_row("term", f"{lock.term}, which is its fencing token")
    rows.add_row("holder", plain(lock.holder or "unnamed (a lock of the original scheme)"))
    rows.add_row("began", plain(f"{_time(lock.started_at)}, since {report.came_about}"))
    if lock.sealed:
        why = f" ({lock.reason})" if lock.reason else ""
        rows.add_row("ended", plain(f"{_time(lock.ended_at)}: {lock.outcome or 'sealed'}{why}"))
    elif report.left is not None and report.lapses_in is not None:
        written = f"{lock.renewals} renewals, last written {_time(lock.modified_at)}"
        rows.add_row("lease", f"{_left(report.left)}; {written}")
        rows.add_row("lapses", f"{_when(report.lapses_in)}, clock skew allowed for")
    tick = f"{_time(lock.tick)}, attempt {lock.attempt}" if lock.tick else "none"
    rows.add_row("tick", tick)
    rows.add_row("last done tick", _time(lock.done) if lock.done else "none")
    if lock.state:
        rows.add_row("progress", plain(state_in_words(lock.state)))


def _left(left: timedelta) -> str:
    seconds = round(left.total_seconds())
    return f"{seconds} s left by S3's clock" if seconds >= 0 else f"over since {-seconds} s"


def _when(lapses_in: timedelta) -> str:
    seconds = round(lapses_in.total_seconds())
    return f"in {seconds} s" if seconds >= 0 else f"since {-seconds} s"


def _lasted(lock: Lock) -> str:
    end = lock.ended_at if lock.sealed else lock.seen_at
    if end is None or lock.started_at is None:
        return ""
    return f"{(end - lock.started_at).total_seconds():.0f} s"


def _time(time: datetime | None) -> str:
    return "" if time is None else time.strftime("%Y-%m-%d %H:%M:%SZ")


def short_holder(holder: str) -> str:
    """Return a candidate's identity, that of a function without what makes it unique."""
    return _LAMBDA.sub(r"\1/\2", holder)


def coloured(word: str) -> Text:
    """Return a state or an outcome in its colour."""
    return Text(printable(word), style=_COLOURS.get(word, ""))


def plain(text: str) -> Text:
    """Return text from a bucket, which is neither markup nor control characters."""
    return Text(printable(text))


def console() -> Console:
    """Return what tables are rendered for: the terminal, or a file of a fixed width."""
    screen = Console(highlight=False)
    width = max(screen.width, _NARROWEST) if screen.is_terminal else _WIDTH
    return Console(highlight=False, width=width)


def rendered(screen: Console, what: Table) -> str:
    """Return what rich would print: if it prints itself, it ends the process on a closed pipe."""
    with screen.capture() as captured:
        screen.print(what)
    return captured.get()
