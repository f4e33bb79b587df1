"""`s3leader watch`: an election, live."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import chain

import click

from s3leader import S3LeaderError
from s3leader_cli.exit_codes import DONE, NEEDS_YOU
from s3leader_cli.options import Context, ElectionPlace, election_options, json_option
from s3leader_cli.report import advice, never_locked, state_in_words, utc
from s3leader_cli.streams import print_error, print_out, printable
from s3leader_cli.times import DURATION, TICK_TO_SHOW, now

from .changes import Change, Watcher
from .elections import names_like

_EPILOG = (
    "Requests: 2 at the start (up to 4 for over 1,000 locks), then at each interval one GET while"
    " nobody leads, and two while somebody does, and each minute without a new term a list of the"
    " locks, whose numbers may have been restarted: at 2 s, 3 to 6 cents a day. Errors of S3 are"
    " shown and watching goes on. Exit codes: 0 if --until-done or --for ended it, 1 if --for"
    " ended it before the tick of --until-done was completed, 130 on Ctrl-C. With --json, each"
    " change is a line with the keys at, event, election, term, holder, tick, attempt, leg,"
    " outcome, reason, state, text."
)
_LIST_EVERY_SECONDS = 60


@click.command(epilog=_EPILOG)
@election_options
@click.option(
    "--interval",
    type=DURATION,
    default="2",
    metavar="SECONDS",
    help="Between two looks (default 2, at least 0.1).",
)
@click.option(
    "--until-done",
    type=TICK_TO_SHOW,
    metavar="TICK",
    help="End when this tick is completed.",
)
@click.option("--for", "duration", type=DURATION, metavar="DURATION", help="End after this time.")
@json_option
@click.pass_obj
def watch(
    context: Context, /, *, place: ElectionPlace, interval: timedelta,
    until_done: datetime | None, duration: timedelta | None, as_json: bool,
) -> int:  # fmt: skip
    """Show live who leads: terms that begin, progress, lapsing leaders, ends and take-overs."""
    interval_s = max(0.1, interval.total_seconds())
    list_every = max(1, round(_LIST_EVERY_SECONDS / interval_s))
    watcher = Watcher(context.elect(place), list_every)
    looks = looks_of(watcher, interval_s, duration)
    first = next(looks)
    if watcher.lock is None and not first:
        _explain_vacancy(watcher, place)
    looks = chain([first], looks)
    if as_json or not sys.stdout.isatty():
        show = _json_line if as_json else _line
        done = _print_changes(watcher, looks, show, until_done)
    else:
        from .live import show_live  # noqa: PLC0415 - rich takes time to import

        done = show_live(watcher, looks, lambda: _is_done(watcher, until_done))
    return DONE if done or until_done is None else NEEDS_YOU


def looks_of(
    watcher: Watcher, interval_s: float, duration: timedelta | None
) -> Iterator[list[Change]]:
    """Yield what each look shows, an error too, until the duration is over."""
    end = None if duration is None else time.monotonic() + duration.total_seconds()
    failed: object = None
    while True:
        changes: list[Change] = []
        try:
            changes.extend(watcher.look())  # keeps those before an error
            if failed is not None:
                text = "S3 answers again"
                changes.insert(
                    0, Change(kind="recovered", at=utc(now().replace(microsecond=0)), text=text)
                )
            failed = None
        except S3LeaderError as error:
            text = " ".join(advice(error).split())
            kind = (type(error), getattr(error, "code", None))
            if kind != failed:  # not again at every look
                changes.append(
                    Change(kind="error", at=utc(now().replace(microsecond=0)), text=text)
                )
            failed = kind
        yield changes
        pause = interval_s if end is None else min(interval_s, end - time.monotonic())
        if pause <= 0:
            return
        time.sleep(pause)


def _print_changes(
    watcher: Watcher,
    looks: Iterator[list[Change]],
    show: Callable[[str, Change], str],
    until_done: datetime | None,
) -> bool:
    """Print each change on a line. Return whether the tick is completed."""
    for changes in looks:
        lines = "".join(show(watcher.election.name, change) for change in changes)
        if lines and not print_out(lines):
            return True  # nobody reads it any more
        if _is_done(watcher, until_done):
            return True
    return False


def _is_done(watcher: Watcher, tick: datetime | None) -> bool:
    return watcher.lock is not None and watcher.lock.is_done(tick)


def _json_line(election: str, change: Change) -> str:
    return json.dumps(change.as_json(election)) + "\n"


def _line(_: str, change: Change) -> str:
    state = change.lock.state if change.lock is not None and change.kind == "progress" else {}
    progress = f": {state_in_words(state)}" if state else ""
    return printable(f"{change.at or ''}  {change.kind:12}  {change.text}{progress}") + "\n"


def _explain_vacancy(watcher: Watcher, place: ElectionPlace) -> None:
    """Say on standard error that there is no lock yet: the name may be mistyped."""
    similar = names_like(place)
    names = f" Similar names: {', '.join(similar)}." if similar else ""
    print_error(f"s3leader: {never_locked(watcher.election)}{names} Waiting for its first term")
