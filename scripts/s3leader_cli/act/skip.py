"""`s3leader skip`: complete a tick without doing its work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import click

from s3leader import Election, InvalidArgument, Lock, NotElected
from s3leader_cli.confirmation import check_reason, confirm, yes_option
from s3leader_cli.exit_codes import DONE, NEEDS_YOU, NO_ELECTION
from s3leader_cli.options import Context, ElectionPlace, election_options, json_option
from s3leader_cli.report import lock_as_json, never_locked, utc
from s3leader_cli.streams import print_error, print_json, print_out, printable
from s3leader_cli.times import DURATION, TICK

from .unfinished import says_if_unfinished

_AHEAD = timedelta(hours=1)  # as the library: completing a tick completes all before it
_TERMS = 50  # that are searched for the last failure


@click.command(
    short_help="Complete a tick without doing its work.",
    help="Complete TICK without doing its work, so that it and all earlier ticks are never led"
    " again. The ledger records who did, and why.",
)
@election_options
@click.argument("tick", type=TICK)
@click.option("--reason", required=True, help="Why; the history shows it.")
@click.option(
    "--wait",
    type=DURATION,
    default="0",
    metavar="SECONDS",
    help="How long to wait while another leads (default 0).",
)
@yes_option
@json_option
@click.pass_obj
def skip(
    context: Context,
    /,
    *,
    place: ElectionPlace,
    tick: datetime,
    reason: str,
    wait: timedelta,
    yes: bool,
    as_json: bool,
) -> int:
    """Complete a tick, after showing what is skipped."""
    check_reason(reason)
    election = context.elect(place)
    lock = election.observe()
    if lock is None:
        return _say(_Result(election, tick, "no lock"), as_json=as_json)
    if lock.is_done(tick):
        return _say(_Result(election, tick, "done", lock), as_json=as_json)
    _refuse_future(lock, tick)
    if not wait and not lock.sealed and not election.is_lapsed(lock):
        return _say(_Result(election, tick, "held", lock), as_json=as_json)
    confirm(context.ask, _plan(election, lock, tick), f"Skip {utc(tick)}?", yes=yes)
    if wait and not lock.sealed:
        print_error(f"waiting for term {lock.term}, for up to {wait.total_seconds():g} s")
    with says_if_unfinished(
        f"whether {utc(tick)} is skipped is not known: run the same command again, which says it,"
        " and skips the tick if it is not done; with --wait 60, as this command's term may be left"
    ):
        term = election.campaign(tick, wait=wait)
        if isinstance(term, NotElected):
            return _say(_Result(election, tick, term.reason, term.lock), as_json=as_json)
        with term:
            term.resign("completed", reason=f"skipped by an operator: {reason}")
    return _say(_Result(election, tick, "skipped", term.lock), as_json=as_json)


@dataclass(frozen=True)
class _Result:
    """What came of it: `skipped`, `done`, `no lock`, or why the campaign was lost."""

    election: Election
    tick: datetime
    result: str
    lock: Lock | None = None

    def __str__(self) -> str:
        tick, lock = utc(self.tick), self.lock
        if self.result == "no lock" or lock is None:
            return never_locked(self.election)
        if self.result == "done":
            return f"Nothing to skip: the latest completed tick is {utc(lock.done)}."
        if self.result == "skipped":
            return f"Skipped {tick}: term {lock.term} completed it. No tick up to it is led again."
        return f"Not skipped: {_held(self.election, lock)}. Wait (--wait 60), or depose it."


def _say(result: _Result, *, as_json: bool) -> int:
    if as_json:
        lock = None if result.lock is None else lock_as_json(result.lock)
        facts = {"election": result.election.name, "tick": utc(result.tick)}
        print_json({**facts, "result": result.result, "lock": lock})
    else:
        print_out(f"{result}\n")
    codes = {"skipped": DONE, "done": DONE, "no lock": NO_ELECTION}
    return codes.get(result.result, NEEDS_YOU)


def _held(election: Election, lock: Lock) -> str:
    """Return who holds a lock, and until when."""
    holder = printable(lock.holder or "an unnamed candidate")
    config, grain = election.config, timedelta(milliseconds=1)
    left_ms = lock.left_ms(lease_ms=config.lease // grain, clock_skew_ms=config.clock_skew // grain)
    if lock.outcome == "continued":
        return f"tick {utc(lock.tick)} is to be continued first, after leg {lock.leg}"
    if lock.sealed or lock.seen_at is None:
        return f"term {lock.term} of {holder} came first"
    until = lock.seen_at + timedelta(milliseconds=left_ms)
    return f"{holder} leads term {lock.term}, at least until {utc(until)} unless it resigns"


def _plan(election: Election, lock: Lock, tick: datetime) -> str:
    """Return what would be skipped."""
    counts = dict(lock.attempts)
    if lock.tick is not None:
        counts[lock.tick] = lock.attempt
    attempts = counts.get(tick, 0)
    lines = [f"{utc(tick)}: {attempts} attempt{'' if attempts == 1 else 's'}"]
    terms = election.history(limit=_TERMS) if attempts else []
    failed = next((each for each in terms if each.tick == tick and each.outcome == "failed"), None)
    if failed is not None:
        lines.append(f"last failure, term {failed.term}: {printable(failed.reason or 'unknown')}")
    earlier = sorted(each for each in counts if each < tick and not lock.is_done(each))
    if earlier:
        names = ", ".join(str(utc(each)) for each in earlier)
        lines.append(f"also never led again, though not completed: {names}")
    lines.append(f"latest completed tick so far: {utc(lock.done) or 'none'}")
    if lock.state:
        lines.append("the next tick begins with the checkpoint that the last term left")
    return "\n".join(lines)


def _refuse_future(lock: Lock, tick: datetime) -> None:
    if lock.seen_at is not None and tick - lock.seen_at > _AHEAD:
        raise InvalidArgument(
            f"expected a tick at most an hour ahead of S3's clock, which shows {utc(lock.seen_at)},"
            f" got {utc(tick)}: to complete it would complete all the ticks before it, too"
        )
