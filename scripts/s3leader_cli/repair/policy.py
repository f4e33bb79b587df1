"""`s3leader repair policy`: put the lock bucket's policy back."""

from __future__ import annotations

import json

import click

from s3leader_cli.confirmation import confirm, yes_option
from s3leader_cli.exit_codes import DONE
from s3leader_cli.options import BucketPlace, Context, bucket_options, json_option
from s3leader_cli.streams import print_json, print_out


@click.command(
    short_help="Put the lock bucket's policy back.",
    help="Add what is missing of the policy that a LockBucket has: it denies deletes of locks,"
    " writes without a condition, and plain HTTP. Other statements stay.",
)
@bucket_options
@click.option(
    "--shared",
    is_flag=True,
    help="The bucket also holds other objects than locks: deny plain HTTP for locks only.",
)
@yes_option
@json_option
@click.pass_obj
def policy(
    context: Context, /, *, place: BucketPlace, shared: bool, yes: bool, as_json: bool
) -> int:
    """Put the policy back."""
    from s3leader_cli.aws.bucket_policy import read_policy  # noqa: PLC0415 - boto3 takes time

    found = read_policy(place.bucket, place.prefix, place.region, shared=shared)
    if found.missing:
        shown = "\n".join(json.dumps(each) for each in found.missing)
        plan = f"missing in the policy of {place.bucket}:\n{shown}"
        confirm(context.ask, plan, "Add it?", yes=yes)
        if not found.put_missing():
            raise click.ClickException("the policy was changed meanwhile; run the command again")
    if as_json:
        print_json({"bucket": place.bucket, "added": list(found.missing)})
    elif found.missing:
        print_out(f"Added {len(found.missing)} statements to the policy of {place.bucket}.\n")
    else:
        print_out(f"Nothing to do: the policy of {place.bucket} protects its locks.\n")
    return DONE
