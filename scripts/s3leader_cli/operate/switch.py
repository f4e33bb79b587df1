"""`s3leader pause` and `s3leader resume`: the schedules of a job, in all its Regions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from s3leader import CorruptLock, Election, S3LeaderError
from s3leader_cli.exit_codes import DONE, NEEDS_YOU
from s3leader_cli.options import Context, json_option
from s3leader_cli.report import advice, utc
from s3leader_cli.streams import print_json, print_out, printable

from .options import Jobs, Wanted, job_options, note, warn

if TYPE_CHECKING:
    from s3leader_cli.aws.schedules import Switched

_ON, _OFF = "ENABLED", "DISABLED"
_WORDS = {_ON: "on", _OFF: "off"}
_LAMBDA_QUEUE = timedelta(hours=6)  # how long Lambda keeps an event at most
_LONGEST = timedelta(minutes=15)  # that a function runs


@click.command(
    short_help="Switch the job's schedules off, in all Regions.",
    help="Switch off all schedules of a job, in all its Regions, and EventBridge rules that start"
    " its function alone. Nothing else of them changes. What has started goes on: the command"
    " says what, and for how long.",
)
@job_options
@json_option
@click.pass_obj
def pause(context: Context, /, *, wanted: Wanted, as_json: bool) -> int:
    """Switch the schedules off, and say what still runs."""
    election = context.elect(wanted.place)  # refuses a wrong option before anything is switched
    return _switch(wanted.find(), _OFF, election, as_json=as_json)


@click.command(
    short_help="Switch the job's schedules on again.",
    help="Switch on all schedules of a job, in all its Regions, and EventBridge rules that start"
    " its function alone, also those that were off before it was paused. Ticks that were due in"
    " between are not made up: `s3leader trigger --tick` runs one.",
)
@job_options
@json_option
def resume(*, wanted: Wanted, as_json: bool) -> int:
    """Switch the schedules on."""
    return _switch(wanted.find(), _ON, None, as_json=as_json)


def _switch(jobs: Jobs, state: str, election: Election | None, *, as_json: bool) -> int:
    """Switch all, print each result at once, and return the exit code; JSON comes at the end.

    With an election, what still runs is said too. What was switched before an interruption is
    known here alone, so it is printed then, too.
    """
    switched: list[Switched] = []
    running: list[str] = []
    all_tried = complete = False
    try:
        for each in _results(jobs, state):
            switched.append(each)
            if not as_json:
                print_out(_line(each, state))
        all_tried, complete = True, _is_complete(jobs, switched, state)
        running = [] if election is None else still_running(election, jobs)
    except KeyboardInterrupt:
        if not all_tried:
            warn("interrupted: the schedule that was being switched may be either on or off")
        raise
    finally:
        if as_json:
            print_json(_document(jobs, switched, state, running, complete=complete))
        else:
            empty = _without_schedule(jobs, switched) if all_tried else []
            _print_rest(empty, state, running, complete=complete)
    return DONE if complete else NEEDS_YOU


def _results(jobs: Jobs, state: str) -> Iterator[Switched]:
    from s3leader_cli.aws.schedules import switch_rules, switch_schedules  # noqa: PLC0415 - boto3

    for job in jobs.found:
        note(f"switching {_WORDS[state]} the schedules in {job.region}")
        yield from switch_schedules(job, state)
        yield from switch_rules(job, state)


def still_running(election: Election, jobs: Jobs) -> list[str]:
    """Return what goes on after the schedules are off, and until when."""
    said = [_leader(election)]
    age = max((job.max_tick_age or _LAMBDA_QUEUE for job in jobs.found), default=_LAMBDA_QUEUE)
    timeout = max((job.timeout or _LONGEST for job in jobs.found), default=_LONGEST)
    if any(job.task is not None for job in jobs.found):
        said.append("Tasks that have started run until their command ends.")
    if any(job.function is not None for job in jobs.found):
        said.append(
            f"Events that wait or are tried again may still start contenders for {_shown(age)}, and"
            f" each runs for {_shown(timeout)} at most: the job is quiet after"
            f" {_shown(age + timeout)}. A tick of several legs goes on until its last one."
        )
    return said


def _leader(election: Election) -> str:
    try:
        lock = election.observe()
    except CorruptLock as error:
        return f"The highest lock is corrupt, so nobody leads: {advice(error)}"
    except S3LeaderError as error:
        return f"Whether somebody leads is not known: {advice(error)}"
    if lock is None or (lock.sealed and lock.outcome != "continued"):
        return "Nobody leads at the moment."
    tick = f"tick {utc(lock.tick)}" if lock.tick else "no tick"
    if lock.sealed:
        return f"Term {lock.term} ({tick}) is continued: its next leg may start."
    if election.is_lapsed(lock):
        return f"Term {lock.term} ({tick}) has lapsed: its leader has crashed."
    lease_ms = lock.lease_ms or election.config.lease // timedelta(milliseconds=1)
    left = timedelta(milliseconds=lock.left_ms(lease_ms=lease_ms, clock_skew_ms=0))
    return (
        f"Term {lock.term} ({tick}) is led by {lock.holder or 'an unnamed candidate'} for"
        f" {_shown(left)} more, or longer if it renews its lease."
    )


def _without_schedule(jobs: Jobs, switched: Sequence[Switched]) -> list[str]:
    regions = {each.region for each in switched}
    return [job.region for job in jobs.found if job.region not in regions]


def _is_complete(jobs: Jobs, switched: Sequence[Switched], state: str) -> bool:
    failed = [each for each in switched if each.problem is not None or each.state != state]
    empty = _without_schedule(jobs, switched)
    return bool(switched) and not failed and not empty and jobs.complete


def _document(
    jobs: Jobs, switched: Sequence[Switched], state: str, running: list[str], *, complete: bool
) -> dict[str, Any]:
    return {
        "election": jobs.place.election,
        "state": state,
        "complete": complete,
        "switched": [asdict(each) for each in switched],
        "running": running,
    }


def _line(each: Switched, state: str) -> str:
    how = _WORDS.get(each.state or "", each.state or "state not known")
    if each.state == state and not each.changed:
        how += " already"
    problem = f": {each.problem}" if each.problem else ""
    return printable(f"{each.region} {each.kind} {each.name}: {how}{problem}") + "\n"


def _print_rest(
    empty: Sequence[str], state: str, running: Sequence[str], *, complete: bool
) -> None:
    for region in empty:
        print_out(f"{region}: no schedule was found\n")
    for text in running:
        print_out(printable(text) + "\n")
    if not complete:
        what = "paused" if state == _OFF else "resumed"
        print_out(f"The job is not, or perhaps not, {what} completely: see above.\n")


def _shown(duration: timedelta) -> str:
    """Return a duration for people, such as `1 h 5 min`."""
    seconds = max(0, round(duration.total_seconds()))
    parts = {"h": seconds // 3600, "min": seconds // 60 % 60, "s": seconds % 60}
    return " ".join(f"{number} {unit}" for unit, number in parts.items() if number) or "0 s"
