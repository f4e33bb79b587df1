"""`s3leader list`: the elections of a bucket."""

from __future__ import annotations

import time

import click

from s3leader_cli.exit_codes import DONE, NEEDS_YOU
from s3leader_cli.options import BucketPlace, Context, bucket_options, json_option
from s3leader_cli.reading import progress
from s3leader_cli.streams import print_error, print_json, print_out

from .elections import look_at_each, names_in

_EPILOG = (
    "Requests: one or two LIST for each 1,000 locks, but no more than about one for each"
    " election, and one GET for each election (LIST, GET, LIST and GET for one with more locks"
    " than a page has). So a thousand elections cost some 2,000 requests at most. Exit code 1: an"
    " election is corrupt, or cannot be read."
)


@click.command("list", epilog=_EPILOG)
@bucket_options
@json_option
@click.pass_obj
def list_command(context: Context, /, *, place: BucketPlace, as_json: bool) -> int:
    """Show all elections of a bucket, with the leader and the state of each.

    The state is held, lapsed, corrupt, or how the latest term ended; unreadable if S3 refuses.
    """
    began = time.monotonic()
    found = names_in(place)
    with progress("elections read") as seen:
        rows = list(look_at_each(found, place, context.elect, seen))
    if as_json:
        elections = [row.as_json() for row in rows]
        print_json({"bucket": place.bucket, "prefix": place.prefix, "elections": elections})
    elif rows:
        from .view_list import render_list  # noqa: PLC0415 - rich takes time to import

        print_out(render_list(rows))
        seconds = time.monotonic() - began
        number = f"{len(rows)} election{'s' if len(rows) > 1 else ''}"
        print_error(f"{number} in {seconds:.1f} s")
    else:
        print_error(
            f"s3leader: there is no election in bucket {place.bucket} under the prefix"
            f" {place.prefix!r}; give another with --prefix"
        )
    broken = any(row.state in {"corrupt", "unreadable"} for row in rows)
    return NEEDS_YOU if broken else DONE
