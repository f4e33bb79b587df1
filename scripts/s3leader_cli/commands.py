"""The three commands. Each returns the exit code."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from typing import Any, TypeAlias

from s3leader import Election

from .report import Report, lock_as_json, look_at

Ask: TypeAlias = Callable[[str], str] | None
"""Asks a person and returns the answer; None where there is nobody to ask."""

WHAT_FORCING_MEANS = """\
Forcing seals the lock; it does not stop its holder. A holder that is still at work goes on until
its next renewal fails or its lease is over, and meanwhile the next candidate leads too. Only writes
that are fenced with the term number are safe from it (s3leader.fencing, or your own check)."""


def status(options: argparse.Namespace, election: Election) -> int:
    """Show who leads. A corrupt lock needs somebody: exit code 1."""
    report = look_at(election)
    if options.json:
        _print_json(report.as_json())
    else:
        from .view import show_report  # noqa: PLC0415 - rich is an extra

        show_report(report)
    return 1 if report.standing == "corrupt" else 0


def history(options: argparse.Namespace, election: Election) -> int:
    """Show the terms, newest first."""
    locks = election.history(limit=options.limit)
    if options.json:
        terms = [lock_as_json(lock) for lock in locks]
        _print_json({"election": election.name, "terms": terms})
    else:
        from .view import show_history  # noqa: PLC0415 - rich is an extra

        show_history(election, locks)
    return 0


def depose(options: argparse.Namespace, election: Election, ask: Ask) -> int:
    """Seal the highest lock. A good lease is sealed only by force, and after a warning."""
    force, term = False, None
    if options.force:
        report = look_at(election)
        # Only the term that was shown, so that force cannot hit one that has begun since.
        force, term = report.standing in {"held", "corrupt"}, report.term
        if force and not _confirmed(report, ask, yes=options.yes):
            print("s3leader: nothing was changed", file=sys.stderr)
            return 1
    lock = election.depose(reason=options.reason, force=force, term=term)
    if options.json:
        _print_json({"deposed": None if lock is None else lock_as_json(lock)})
    elif lock is None:
        print(f"Nothing to depose: {election.name} has no lock, or its highest is sealed already.")
    else:
        print(f"Term {lock.term} is deposed. The next candidate leads term {lock.term + 1}.")
    return 0


def _confirmed(report: Report, ask: Ask, *, yes: bool) -> bool:
    if report.lock is None:
        whom = f"{report.key} is corrupt, so whether somebody is at work under it is unknown."
    else:
        seconds = round(report.lapses_in.total_seconds()) if report.lapses_in is not None else 0
        holder = ascii(report.lock.holder) if report.lock.holder else "an unnamed candidate"
        whom = f"Term {report.lock.term} is held by {holder}; it lapses by itself in {seconds} s."
    print(f"{whom}\n{WHAT_FORCING_MEANS}", file=sys.stderr)
    if yes:
        return True
    if ask is None:
        print("s3leader: there is nobody to ask, so say --yes", file=sys.stderr)
        return False
    return ask("Seal it all the same? Type yes: ").strip() == "yes"


def _print_json(value: dict[str, Any]) -> None:
    print(json.dumps(value, indent=2))
