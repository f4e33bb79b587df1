"""`s3leader repair highest`: the highest term number that is recorded anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from s3leader import CorruptLock, Election
from s3leader_cli.exit_codes import DONE, NEEDS_YOU
from s3leader_cli.options import Context, ElectionPlace, election_options, json_option
from s3leader_cli.report import utc
from s3leader_cli.streams import print_error, print_json, print_out, printable

from .addresses import ADDRESS
from .deployed import functions_option, log_groups

if TYPE_CHECKING:
    from s3leader_cli.aws.used_numbers import Used


@click.command(
    short_help="Find the highest term number that is recorded anywhere.",
    help="After locks were deleted: find the highest term number in the locks that are left, the"
    " hint, the functions' logs, and what you name. Changes nothing.",
)
@election_options
@click.option(
    "--fenced",
    type=ADDRESS,
    multiple=True,
    metavar="S3://BUCKET/KEY",
    help="A FencedObject, which carries the token of its last writer. Repeatable.",
)
@click.option(
    "--labelled",
    type=ADDRESS,
    multiple=True,
    metavar="S3://BUCKET/PREFIX",
    help="Keys with numbers in their names, such as term_0000000042. Repeatable.",
)
@functions_option
@json_option
@click.pass_obj
def highest(
    context: Context,
    /,
    *,
    place: ElectionPlace,
    as_json: bool,
    **sources: Any,  # noqa: ANN401 - as declared above
) -> int:
    """Find the highest number."""
    used = [*_sources(place, **sources)]
    numbers = [each.number for each in used if each.number is not None]
    top = max(numbers, default=None)
    done = max(
        [*_done_in_lock(context.elect(place)), *(u.done for u in used if u.done)], default=None
    )
    if as_json:
        places = [{"place": u.place, "number": u.number, "problem": u.problem} for u in used]
        facts = {"highest": top, "latest_completed_tick": done}
        print_json({"election": place.election, **facts, "places": places})
    else:
        for each in used:
            number = "-" if each.number is None else each.number
            problem = f": {printable(each.problem)}" if each.problem else ""
            print_out(f"{number:>10}  {each.place}{problem}\n")
        print_out(_conclusion(place, top, done))
    return DONE if top is not None and not any(each.problem for each in used) else NEEDS_YOU


def _sources(
    place: ElectionPlace,
    *,
    fenced: Sequence[tuple[str, str]],
    labelled: Sequence[tuple[str, str]],
    functions: Sequence[str],
) -> Iterator[Used]:
    from s3leader_cli.aws import used_numbers as numbers  # noqa: PLC0415 - boto3 takes time

    folder = f"{place.prefix}{place.election}/"
    yield numbers.highest_lock(place.bucket, folder, place.region)
    yield numbers.hinted(place.bucket, folder, place.region)
    for bucket, key in fenced:
        yield numbers.fenced(bucket, key)
    for bucket, prefix in labelled:
        yield numbers.labelled(bucket, prefix, print_error)
    for region, group in log_groups(place, functions):
        print_error(f"reading the log group {group} in {region}")
        yield numbers.logged(place.election, region, group)


def _done_in_lock(election: Election) -> Iterator[str]:
    try:
        lock = election.observe()
    except CorruptLock:
        return
    done = None if lock is None else utc(lock.done)
    if done is not None:
        yield done


def _conclusion(place: ElectionPlace, top: int | None, done: str | None) -> str:
    if top is None:
        return "No number is recorded there. Name further places, or choose a generous number.\n"
    advice = "" if done else " (TICK: none is known; the present time skips all ticks up to it)"
    return (
        f"{top:>10}  is the highest. Latest completed tick: {done or 'unknown'}\n"
        f"Next: s3leader repair restart-numbers {place.election} --above {top}"
        f" --done {done or 'TICK'}{advice}\n"
    )
