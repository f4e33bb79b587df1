"""`s3leader missed`: ticks of a schedule without a completed term."""

from __future__ import annotations

import itertools
from contextlib import closing
from datetime import datetime, timedelta

import click

from s3leader import Election, InvalidArgument
from s3leader.schedule import Schedule
from s3leader_cli.exit_codes import DONE, NEEDS_YOU, NO_ELECTION
from s3leader_cli.operate.options import Wanted, job_options, note
from s3leader_cli.options import Context, json_option
from s3leader_cli.reading import progress, read_terms
from s3leader_cli.report import never_locked, utc
from s3leader_cli.streams import print_error, print_json, print_out, printable
from s3leader_cli.times import DURATION, TIME, now

from .filters import Filters
from .missed_ticks import LedgerOfTicks, Missed
from .words import typed

_EPILOG = (
    "The schedule is EventBridge's: 'cron(0 3 * * ? *)' or 'at(2026-11-23T03:00:00)', in --time-"
    " zone. Without --schedule, the schedules of the deployed job are taken: see --regions and"
    " --function. Ticks that are older than the ledger reaches are counted, but not judged."
    " Requests: as of history --since, one GET for each term since then."
)


@click.command(epilog=_EPILOG)
@job_options
@click.option(
    "--schedule",
    "expressions",
    multiple=True,
    metavar="EXPRESSION",
    help="The schedule, if it is not the deployed job's. May be repeated.",
)
@click.option(
    "--time-zone",
    default="UTC",
    show_default=True,
    metavar="ZONE",
    help="Of --schedule.",
)
@click.option(
    "--since",
    type=TIME,
    default="7d",
    show_default=True,
    metavar="TIME",
    help="The earliest tick, as ISO 8601 or how long ago: 12h, 3d.",
)
@click.option(
    "--grace",
    type=DURATION,
    default="5m",
    show_default=True,
    metavar="DURATION",
    help="Ticks that are younger are not due yet.",
)
@click.option("--any-term", is_flag=True, help="Only ticks without any term, even a failed one.")
@click.option(
    "--exit-code", is_flag=True, help="Exit with 1 if a tick was missed, or nobody can lead."
)
@json_option
@click.pass_obj
def missed(
    context: Context, /, *, wanted: Wanted, expressions: tuple[str, ...], time_zone: str,
    since: datetime, grace: timedelta, any_term: bool, exit_code: bool, as_json: bool,
) -> int:  # fmt: skip
    """Show the ticks of a schedule that no term has completed, and why."""
    schedules = [Schedule(each, time_zone) for each in expressions] or schedules_of(wanted)
    until = now() - grace
    ticks = ticks_of(schedules, since, until)
    election = context.elect(wanted.place)
    ledger = _ledger(election, since)
    if ledger is None:
        if as_json:
            print_json({"election": election.name, "note": never_locked(election)})
        else:
            print_error(f"s3leader: {never_locked(election)}")
        return NO_ELECTION
    older = [tick for tick in ticks if ledger.is_older(tick)]
    found = [
        ledger.why(tick)
        for tick in ticks
        if not ledger.is_older(tick) and not ledger.is_met(tick, any_term=any_term)
    ]  # fmt: skip
    certain = [each for each in found if each.why != "unknown"]
    if as_json:
        print_json({
            "election": election.name, "since": utc(since), "until": utc(until),
            "schedules": [{"expression": each.expression, "zone": each.zone} for each in schedules],
            "ticks": len(ticks), "older_than_ledger": len(older),
            "missed": [each.as_json() for each in certain],
            "unknown": [each.as_json() for each in found if each.why == "unknown"],
        })  # fmt: skip
    else:
        _print_for_people(wanted, found, len(ticks) - len(older), older)
    if ledger.is_blocked:
        command = typed(wanted.place, "status")
        print_error(f"s3leader: the highest lock is corrupt, so nobody can lead: see {command}")
    return NEEDS_YOU if exit_code and (certain or ledger.is_blocked) else DONE


def ticks_of(schedules: list[Schedule], since: datetime, until: datetime) -> list[datetime]:
    """Return the ticks from `since` to `until`, in order."""
    before = since - timedelta(microseconds=1)
    after = until + timedelta(microseconds=1)
    try:
        return sorted(set(itertools.chain.from_iterable(s.ticks(before, after) for s in schedules)))
    except ValueError as error:
        if isinstance(error, InvalidArgument):
            raise
        raise click.UsageError(f"a schedule cannot be evaluated: {error}") from error


def schedules_of(wanted: Wanted) -> list[Schedule]:
    """Return the schedules of the deployed job, in all its Regions."""
    from s3leader_cli.aws.schedules import expressions_of  # noqa: PLC0415 - boto3

    try:
        jobs = wanted.find()
    except click.ClickException as error:
        raise click.ClickException(
            f"{error.message}. For candidates that something else starts, give --schedule"
        ) from error
    found = {each for job in jobs.found for each in (job.schedules or expressions_of(job))}
    if not found:
        raise click.ClickException(
            f"the job of {wanted.place.election} has no schedule: give one with --schedule"
        )
    note(f"schedules of the job: {', '.join(f'{text} {zone}' for text, zone in sorted(found))}")
    return [Schedule(expression, zone) for expression, zone in sorted(found)]


def _ledger(election: Election, since: datetime) -> LedgerOfTicks | None:
    """Read the terms that ended since then; None if the election has none at all."""
    terms = election.terms()
    if not terms:
        return None
    filters, locks, reaches_back = Filters(since=since), [], False
    with (
        progress(f"terms of {election.name} read") as seen,
        closing(read_terms(election, terms)) as read,
    ):
        for lock in read:
            locks.append(lock)
            seen(len(locks))
            if filters.is_before(lock):
                reaches_back = True
                break
    return LedgerOfTicks(election, locks, reaches_back=reaches_back)


def _print_for_people(
    wanted: Wanted, found: list[Missed], ticks: int, older: list[datetime]
) -> None:
    election = wanted.place.election
    lines = [printable(f"{utc(each.tick)}  {each.in_words()}") + "\n" for each in found]
    certain = [each for each in found if each.why != "unknown"]
    lines.append(f"{election} missed {len(certain)} of {ticks} ticks.\n")
    if older:
        lines.append(
            f"Not judged, because the ledger begins later: {len(older)}, up to {utc(older[-1])}.\n"
        )
    if certain:
        last = certain[-1]
        again = ' --repeat --reason "…"' if last.passed_by else ""
        command = typed(wanted.place, f"trigger --tick {utc(last.tick)}{again}")
        lines.append(f"To lead the latest of them now: {command}\n")
    print_out("".join(lines))
