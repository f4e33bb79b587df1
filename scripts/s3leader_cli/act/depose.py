"""`s3leader depose`: seal the highest lock."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import click

from s3leader import Election, InvalidArgument, Lock
from s3leader_cli.exit_codes import DONE, NO_ELECTION, Unchanged
from s3leader_cli.options import Ask, Context, ElectionPlace, election_options, json_option
from s3leader_cli.report import Report, lock_as_json, look_at, never_locked, utc
from s3leader_cli.streams import print_error, print_json, print_out, printable

from .unfinished import says_if_unfinished

WHAT_FORCING_MEANS = """\
Forcing seals the lock; it does not stop its holder. A holder that is still at work continues until
its next renewal fails or its lease ends, and meanwhile the next candidate leads too. Only writes
that are fenced with the term number are safe from it (s3leader.fencing, or your own check)."""
_SHOWN = 1000  # characters of a corrupt body or a state


@click.command(
    short_help="Seal the highest lock, so that the next candidate may lead.",
    help="Seal a lapsed lock. Candidates do so themselves. Depose by hand if no candidate"
    " campaigns, if the lock is corrupt, or to remove a holder (--force).",
)
@election_options
@click.option("--reason", required=True, help="Why; the history shows it.")
@click.option(
    "--force",
    is_flag=True,
    help="Seal also a lock that has not lapsed or that is corrupt. This does not stop its holder.",
)
@click.option(
    "--done",
    metavar="TICK",
    help="With --force, for a corrupt lock, in which it cannot be read: the latest completed tick,"
    " or none.",
)
@click.option("--yes", is_flag=True, help="With --force: do not ask.")
@json_option
@click.pass_obj
def depose(context: Context, /, *, place: ElectionPlace, as_json: bool, **options: Any) -> int:  # noqa: ANN401 - as declared above
    """Seal the highest lock; one that has not lapsed only with --force, and after a warning."""
    election = context.elect(place)
    seal = _Seal(election, context.ask, **options)
    lock = seal.perform()
    report = look_at(election) if lock is None else None
    missing = report is not None and report.standing == "vacant"
    if as_json:
        note = {"note": never_locked(election)} if missing else {}
        print_json({"deposed": None if lock is None else lock_as_json(lock), **note})
    elif missing:
        print_out(f"Nothing to depose: {never_locked(election)}\n")
    elif report is not None and report.standing != "sealed":
        print_out(
            f"Nothing to depose: that term is over, and term {report.term} has begun since.\n"
        )
    elif lock is None:
        print_out(f"Nothing to depose: the highest lock of {election.name} is sealed already.\n")
    else:
        print_out(f"Term {lock.term} is deposed. The next candidate leads term {lock.term + 1}.\n")
        print_out(_carried_on(lock) if options["done"] is not None else "")
    return NO_ELECTION if missing else DONE


@dataclass(frozen=True)
class _Seal:
    """What is to be sealed, and on what conditions."""

    election: Election
    ask: Ask
    reason: str
    force: bool
    done: str | None
    yes: bool

    def perform(self) -> Lock | None:
        if not self.force:
            if self.done is not None:
                raise InvalidArgument(
                    "--done is only for a corrupt lock, which is sealed with --force"
                )
            return self._depose()
        report = look_at(self.election)
        if report.closed is not None:
            raise click.ClickException(report.closed)
        _check_done(self.election, report, self.done)
        force = report.standing in {"held", "corrupt"}
        if force and not _confirmed(self.election, report, self.ask, yes=self.yes):
            raise Unchanged
        # Only the term that was shown, so that --force cannot seal one that began since.
        return self._depose(force=force, term=report.term, done=self.done if force else None)

    def _depose(self, **options: Any) -> Lock | None:  # noqa: ANN401 - of Election.depose
        again = "run the same command again, which seals the lock if it is not sealed"
        if self.force:  # with --yes it would seal a lock of a term that began since
            again = "run the command again without --yes, which shows the lock before it seals it"
        status = f"`s3leader status {self.election.name}`"
        with says_if_unfinished(
            f"whether the lock is sealed is not known: {status} shows it; or {again}"
        ):
            return self.election.depose(reason=self.reason, **options)


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
