"""`s3leader doctor`: whether a bucket and an election are set up as they must be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import click

from s3leader import BucketOptions, Election
from s3leader_cli.exit_codes import DONE, NEEDS_YOU
from s3leader_cli.options import BucketPlace, Context, ElectionPlace, bucket_options, json_option
from s3leader_cli.streams import print_error, print_json, print_out

from .examination import Examination
from .findings import Finding
from .schedules import SchedulesFound

_REQUESTS = """\
Requests: 8 for the bucket's settings; LIST, GET and three PUTs that change nothing for the rights;
one LIST for each 1,000 locks; a GET for each of the latest 50 terms; the tags of up to 21 locks;
unsigned ones for the clocks. It changes nothing and never leads. Exit code 1: there is a problem.
"""
_SKEW = timedelta(seconds=3)


@click.command(epilog=_REQUESTS)
@click.argument("election", metavar="[ELECTION]", required=False)
@bucket_options
@click.option(
    "--candidate",
    is_flag=True,
    help="These credentials are a candidate's: a missing right to write is a problem.",
)
@click.option(
    "--connections",
    type=click.IntRange(min=0, max=1000),
    default=40,
    metavar="N",
    help="New connections on which S3's clocks are compared; 0 for none (default 40).",
)
@json_option
@click.pass_obj
def doctor(
    context: Context,
    /,
    *,
    place: BucketPlace,
    election: str | None,
    candidate: bool,
    connections: int,
    as_json: bool,
) -> int:
    """Examine the bucket, the rights of these credentials, the locks, S3's clocks and schedules.

    Each finding says what it means and what to do; where a right is missing, it names the action.
    Without ELECTION, only the bucket and the clocks are examined.
    """
    at, found = _place(place, election), None
    if at is not None:
        found = context.elect(at)
    findings = list(_examination(place, at, found, connections, candidate=candidate).findings())
    if as_json:
        print_json(
            {
                "bucket": place.bucket,
                "election": election,
                "result": "problem" if _problems(findings) else "ok",
                "findings": [each.as_json() for each in findings],
            }
        )
    else:
        from .view import render  # noqa: PLC0415 - rich takes time to import

        print_out(render(f"{place.bucket} {election or ''}".strip(), findings))
    return NEEDS_YOU if _problems(findings) else DONE


def _problems(findings: Sequence[Finding]) -> bool:
    return any(each.level == "problem" for each in findings)


def _place(place: BucketPlace, election: str | None) -> ElectionPlace | None:
    if election is None:
        return None
    return ElectionPlace(
        election=election,
        bucket=place.bucket,
        prefix=place.prefix,
        region=place.region,
        lease=place.lease,
    )


def _examination(
    place: BucketPlace,
    at: ElectionPlace | None,
    election: Election | None,
    connections: int,
    *,
    candidate: bool,
) -> Examination:
    from s3leader_cli.aws.examined_bucket import S3ExaminedBucket  # noqa: PLC0415 - boto3
    from s3leader_cli.aws.front_ends import sample_clocks  # noqa: PLC0415 - the same

    bucket = S3ExaminedBucket(
        place.bucket, replace(BucketOptions.from_environment(), region=place.region)
    )
    return Examination(
        bucket=bucket,
        prefix=place.prefix,
        election=election,
        candidate=candidate,
        skew=_SKEW if election is None else election.config.clock_skew,
        clocks=None if not connections else lambda: sample_clocks(bucket.endpoint, connections),
        schedules=None if at is None else lambda: _schedules(at),
        step=_step,
    )


def _schedules(place: ElectionPlace) -> SchedulesFound:
    from s3leader_cli.aws.job_schedules import job_schedules  # noqa: PLC0415 - boto3

    return job_schedules(place)


def _step(what: str) -> None:
    import sys  # noqa: PLC0415

    if sys.stderr is not None and sys.stderr.isatty():
        print_error(f"examining {what} …")
