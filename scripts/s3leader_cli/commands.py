"""The three commands. Each returns its exit code."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Any, TypeAlias

from s3leader import Election, InvalidArgument, Lock

from .report import Report, lock_as_json, look_at, never_locked, older_terms, utc
from .streams import print_error, print_out, printable

Ask: TypeAlias = Callable[[str], str] | None
"""Asks a person and returns the answer; None if standard input is not a terminal."""

NEEDS_YOU, NO_ELECTION = 1, 3

WHAT_FORCING_MEANS = """\
Forcing seals the lock; it does not stop its holder. A holder that is still at work continues until
its next renewal fails or its lease ends, and meanwhile the next candidate leads too. Only writes
that are fenced with the term number are safe from it (s3leader.fencing, or your own check)."""
_SHOWN = 1000  # characters of a corrupt body or a state


def status(options: argparse.Namespace, election: Election) -> int:
    """Show who leads."""
    report = look_at(election)
    if options.json:
        _say_json(report.as_json())
    else:
        from .view import render_report  # noqa: PLC0415 - rich is an extra

        print_out(render_report(report))
    return {"corrupt": NEEDS_YOU, "vacant": NO_ELECTION}.get(report.standing, 0)


def history(options: argparse.Namespace, election: Election) -> int:
    """Show the terms, newest first."""
    locks = election.history(limit=options.limit)
    if options.json:
        terms = [lock_as_json(lock) for lock in locks]
        note = {} if locks else {"note": never_locked(election)}
        more = older_terms(locks, options.limit) > 0
        _say_json({"election": election.name, "terms": terms, "more": more, **note})
    else:
        from .view import render_history  # noqa: PLC0415 - rich is an extra

        print_out(render_history(election, locks) + _rest(older_terms(locks, options.limit)))
    return 0 if locks else NO_ELECTION


def _rest(older: int) -> str:
    """Return the line below a table that does not show all terms."""
    if not older:
        return ""
    terms = "1 older term is" if older == 1 else f"{older} older terms are"
    return f"{terms} not shown; --limit N shows more, unless their locks are deleted\n"


def depose(options: argparse.Namespace, election: Election, ask: Ask) -> int:
    """Seal the highest lock; one that has not lapsed only with --force, and after a warning."""
    force, term, done = False, None, options.done
    if done is not None and not options.force:
        raise InvalidArgument("--done is only for a corrupt lock, which is sealed with --force")
    if options.force:
        report = look_at(election)
        # Only the term that was shown, so that --force cannot seal one that began since.
        force, term = report.standing in {"held", "corrupt"}, report.term
        _check_done(election, report, done)
        if force and not _confirmed(election, report, ask, yes=options.yes):
            print_error("s3leader: nothing was changed")
            return NEEDS_YOU
        done = done if force else None
    lock = election.depose(reason=options.reason, force=force, term=term, done=done)
    missing = lock is None and election.observe() is None
    if options.json:
        note = {"note": never_locked(election)} if missing else {}
        _say_json({"deposed": None if lock is None else lock_as_json(lock), **note})
    elif missing:
        print_out(f"Nothing to depose: {never_locked(election)}\n")
    elif lock is None:
        print_out(f"Nothing to depose: the highest lock of {election.name} is sealed already.\n")
    else:
        print_out(f"Term {lock.term} is deposed. The next candidate leads term {lock.term + 1}.\n")
        print_out(_carried_on(lock) if done is not None else "")
    return NO_ELECTION if missing else 0


def _confirmed(election: Election, report: Report, ask: Ask, *, yes: bool) -> bool:
    if report.lock is None:
        whom = f"{_before(election, report)}\nWhether a leader is at work under it is unknown."
    else:
        seconds = round(report.lapses_in.total_seconds()) if report.lapses_in is not None else 0
        holder = ascii(report.lock.holder) if report.lock.holder else "an unnamed candidate"
        whom = f"Term {report.lock.term} is held by {holder}; it lapses in {seconds} s."
    print_error(f"{whom}\n{WHAT_FORCING_MEANS}")
    if yes:
        return True
    if ask is None:
        print_error("s3leader: standard input is not a terminal, so nobody can confirm: add --yes")
        return False
    return ask("Seal it? Type yes: ").strip() == "yes"


def _before(election: Election, report: Report) -> str:
    """Return what a corrupt lock and the lock before it hold, for a person to judge."""
    body = printable((report.body or b"")[:_SHOWN].decode("utf-8", "backslashreplace"))
    shown = f"{report.key} is corrupt. It begins with: {body}"
    if report.term is None or report.term == 1:
        return f"{shown}\nIt is the first term: there is no earlier lock."
    earlier = {lock.term: lock for lock in election.history(limit=2)}.get(report.term - 1)
    name = f"The lock before it, of term {report.term - 1},"
    if earlier is None:
        return f"{shown}\n{name} is deleted: the checkpoint is lost."
    if earlier.problem is not None:
        return f"{shown}\n{name} is corrupt too: the checkpoint is lost."
    state = json.dumps(earlier.state)[:_SHOWN]
    facts = f"latest completed tick {utc(earlier.done) or 'none'}, state {state}"
    if earlier.sealed:
        return f"{shown}\n{name} is {earlier.outcome or 'sealed'}: {facts}"
    return (
        f"{shown}\n{name} is not sealed, though candidates seal it before they go on. Its holder"
        f" {earlier.holder!a} may be at work. It is sealed first: {facts}"
    )


def _check_done(election: Election, report: Report, done: str | None) -> None:
    """Raise before the question what `Election.depose` would raise after it."""
    if done is not None and report.standing in {"held", "lapsed"}:
        raise InvalidArgument(f"--done is only for a corrupt lock, and {report.key} can be read")
    if done is not None or report.standing != "corrupt":
        return
    print_error(_before(election, report))
    raise InvalidArgument(
        f"--done is missing: {report.key} cannot be read, so it does not say whether its term"
        f" completed a tick, and a tick that is not recorded as done would be led again. See"
        f" the job's logs and results; then add --done TICK, the latest tick that was completed, or"
        f" --done none if none was (or the election has no ticks)"
    )


def _carried_on(lock: Lock) -> str:
    done = f"Ticks up to {utc(lock.done)} are done" if lock.done else "No tick is done"
    state = "an empty checkpoint" if not lock.state else "the checkpoint of the lock before it"
    return f"{done}. The next term begins with {state}. The unreadable body is kept in the lock.\n"


def _say_json(value: dict[str, Any]) -> None:
    print_out(json.dumps(value, indent=2) + "\n")
