"""Options that several commands have, and the places that they name."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeAlias

import click

from s3leader import Election, InvalidArgument

from .json_errors import ErrorOutput
from .times import DURATION

Command: TypeAlias = Callable[..., int]
Ask: TypeAlias = Callable[[str], str] | None
"""Asks a person and returns the answer; None if standard input is not a terminal."""

_BUCKET = re.compile(
    r"[A-Za-z0-9._-]{1,255}"
    r"|arn:aws[a-z-]*:s3[a-z-]*:[a-z0-9-]*:[0-9]{12}:(?:accesspoint|outpost)[/:][A-Za-z0-9./:-]+"
)
_ADDRESS = re.compile(r"\s*|arn:.*|.*://.*|/.*|.*/|(?:.*/)?(?:lock_[0-9]{10}|hint)\.json")


@dataclass(frozen=True, kw_only=True)
class BucketPlace:
    """Where elections are, and how the bucket is reached. `lease` is for locks without one."""

    bucket: str
    prefix: str
    region: str | None = None
    lease: timedelta = timedelta(seconds=30)

    def __post_init__(self) -> None:
        """Raise `InvalidArgument` for a URL or an ARN in the place of a name, or a bad prefix."""
        if not _BUCKET.fullmatch(self.bucket):
            raise InvalidArgument(
                f"--bucket {self.bucket!r} is not a bucket's name: give the name (or the ARN of an"
                " access point) alone, and a folder of elections with --prefix"
            )
        if self.prefix and not self.prefix.endswith("/"):  # `list` would find parts of names
            raise InvalidArgument(
                f"prefix {self.prefix!r} must end in a slash: {self.prefix + '/'!r}"
            )


@dataclass(frozen=True, kw_only=True)
class ElectionPlace(BucketPlace):
    """Where the locks of one election are.

    `encryption` and `kms_key` are headers of writes, by default those of the environment.
    """

    election: str
    max_attempts: int | None = None
    long_ledger: bool = False
    encryption: str | None = None
    kms_key: str | None = None

    def __post_init__(self) -> None:
        """Raise `InvalidArgument` for a URL, an ARN or a key in the place of a name."""
        super().__post_init__()
        if _ADDRESS.fullmatch(self.election):
            raise InvalidArgument(
                f"ELECTION {self.election!r} is not an election's name: give the name alone, and"
                " the bucket's with --bucket"
            )


Elect: TypeAlias = Callable[[ElectionPlace], Election]


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a command has besides its options. Tests replace it.

    `elect` returns an election, `ask` asks a person, `words` is the command that `run` is to run,
    `errors` shows errors.
    """

    elect: Elect
    ask: Ask = None
    words: tuple[str, ...] = ()
    errors: ErrorOutput = field(default_factory=ErrorOutput)


def _choose_error_output(ctx: click.Context, _: click.Parameter, value: Any) -> Any:  # noqa: ANN401
    context = ctx.find_object(Context)
    if context is not None:
        context.errors.as_json = bool(value)
    return value


json_option = click.option(
    "--json", "as_json", is_flag=True, is_eager=True, callback=_choose_error_output,
    help="Print JSON, for programs.",
)  # fmt: skip


def lease_option(function: Command) -> Command:
    """Add --lease, for a lock that does not state its own."""
    return click.option(
        "--lease",
        type=DURATION,
        default="30",
        metavar="SECONDS",
        help="For a lock that does not state its lease (default 30).",
    )(function)


def bucket_options(function: Command) -> Command:
    """Add the options that say where elections are; the command gets them as one `place`."""

    @lease_option
    @where_options
    @functools.wraps(function)
    def command(
        *, bucket: str, prefix: str, region: str | None, lease: timedelta, **others: object
    ) -> int:
        place = BucketPlace(bucket=bucket, prefix=prefix, region=region, lease=lease)
        return function(place=place, **others)

    return command


def election_options(function: Command) -> Command:
    """Add ELECTION and the options that say where its locks are, as one `place`."""

    @election_argument
    @lease_option
    @where_options
    @functools.wraps(function)
    def command(
        *, election: str, bucket: str, prefix: str, region: str | None, lease: timedelta,
        **others: object,
    ) -> int:  # fmt: skip
        place = ElectionPlace(
            election=election, bucket=bucket, prefix=prefix, region=region, lease=lease
        )
        return function(place=place, **others)

    return command


def election_argument(function: Command) -> Command:
    """Add ELECTION."""
    return click.argument("election", metavar="ELECTION")(function)


def where_options(function: Command) -> Command:
    """Add --bucket and --prefix, and the options of the connection."""
    options = [
        click.option(
            "--bucket", envvar="S3LEADER_BUCKET", show_envvar=True, required=True,
            help="The lock bucket.",
        ),
        click.option(
            "--prefix", envvar="S3LEADER_PREFIX", show_envvar=True,
            default=lambda: os.environ.get("S3LEADER_PREFIX", "elections/"),
            show_default="elections/", help="Prefix of the keys of all elections.",
        ),
    ]  # fmt: skip
    function = connection_options(function)
    for option in reversed(options):
        function = option(function)
    return function


def connection_options(function: Command) -> Command:
    """Add --region, and what boto3 is to use."""
    options = [
        click.option(
            "--region", envvar="S3LEADER_REGION", show_envvar=True,
            help="The bucket's Region (default: as boto3 finds it).",
        ),
        click.option(
            "--profile", expose_value=False, is_eager=True, callback=_use_profile,
            help="The profile of the AWS configuration, also for its credentials.",
        ),
        click.option(
            "--endpoint-url", expose_value=False, is_eager=True, callback=_use_endpoint,
            help="The address of a server that is not AWS.",
        ),
    ]  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


def _use_profile(_: click.Context, __: click.Parameter, name: str | None) -> None:
    """Set the variable that boto3 reads, for this process and the command that it runs.

    Credentials in the environment come first for boto3, so a profile that was asked for removes
    them, as `aws --profile` ignores them.
    """
    if name:
        os.environ["AWS_PROFILE"] = name
        for variable in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN"):
            os.environ.pop(f"AWS_{variable}", None)


def _use_endpoint(_: click.Context, __: click.Parameter, url: str | None) -> None:
    if url:
        os.environ["AWS_ENDPOINT_URL"] = url
        for variable in [each for each in os.environ if each.startswith("AWS_ENDPOINT_URL_")]:
            del os.environ[variable]
