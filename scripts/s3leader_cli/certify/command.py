"""`s3leader certify`: can elections be held on this store?"""

from __future__ import annotations

import secrets
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import click

import s3leader
from s3leader import BucketUnusable, InvalidArgument, StoreUnavailable
from s3leader._core.requests import List, Unknown
from s3leader_cli.exit_codes import DONE, NEEDS_YOU
from s3leader_cli.options import Context, connection_options, json_option
from s3leader_cli.streams import print_error, print_json, print_out

from .check import FULL, QUICK, Scale, Subject
from .inspection import dollars, inspect, measure, total_costs
from .racers import ProcessRacers
from .render import markdown, table
from .report import Report

if TYPE_CHECKING:
    from s3leader._core.requests import Store
    from s3leader_cli.aws.certified_bucket import CertifiedBucket

# Kinds of bucket that S3 itself says cannot hold an election, as s3leader knows them.
_UNFIT: Final = {
    "DirectoryBucket", "MultiRegionAccessPoint", "Outposts", "ObjectLambda", "FileSystem",
    "TableBucket",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Target:
    """A bucket, and the folder in it to write to: all keys begin with `prefix`."""

    bucket: str
    prefix: str
    region: str | None

    @classmethod
    def parse(cls, text: str, region: str | None) -> Target:
        """Read `s3://bucket/prefix`, or the ARN of an access point."""
        if text.startswith("arn:"):
            return cls(bucket=text, prefix="", region=region)
        url = urlsplit(text)
        if url.scheme != "s3" or not url.netloc or url.query or url.fragment:
            raise InvalidArgument(f"expected a store such as s3://locks/elections, got {text!r}")
        prefix = url.path.strip("/")
        return cls(bucket=url.netloc, prefix=f"{prefix}/" if prefix else "", region=region)

    def __str__(self) -> str:
        return self.bucket if self.bucket.startswith("arn:") else f"s3://{self.bucket}"


@contextmanager
def _ended_as_by_ctrl_c() -> Iterator[None]:
    """Let SIGTERM (`docker stop`, `timeout`) end the block as Ctrl-C does, which cleans up."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@click.command()
@click.argument("store", metavar="s3://BUCKET[/PREFIX]")
@connection_options
@click.option("--quick", is_flag=True, help="Fewer and shorter races, and no list of two pages.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print Markdown.")
@click.option("--name", help="The store's name in Markdown (default: what the server says).")
@json_option
@click.pass_obj
def certify(
    _: Context,
    /,
    *,
    store: str,
    region: str | None,
    quick: bool,
    as_markdown: bool,
    name: str | None,
    as_json: bool,
) -> int:
    """Check whether a store can hold elections, and how fast they are on it.

    Writes to a folder of its own in the bucket, below PREFIX, and deletes it afterwards. It says
    beforehand how much it sends. Each check has the rules of the protocol that rest on it. A race
    that passes is evidence, not a proof. Exit code 0 only if elections can be held.
    """
    with _ended_as_by_ctrl_c():
        report = examine(Target.parse(store, region), QUICK if quick else FULL)
    if as_json:
        print_json(report.as_json())
    elif as_markdown:
        print_out(markdown(report, name or report.server))
    else:
        print_out(table(report))
    if report.left is not None:
        print_error(f"s3leader: left behind: {report.left}. Delete it with the rights to do so.")
    return DONE if report.usable else NEEDS_YOU


def examine(target: Target, scale: Scale) -> Report:
    """Run all checks on a bucket, and delete what they wrote."""
    from s3leader_cli.aws.certified_bucket import (  # noqa: PLC0415 - boto3 takes time to import
        FOLDER,
        BucketStore,
        CertifiedBucket,
    )

    connect = BucketStore(bucket=target.bucket, region=target.region)
    at = datetime.now(UTC).isoformat(timespec="seconds")
    report = Report(store=str(target), version=s3leader.__version__, at=at)
    try:
        store = connect()
    except BucketUnusable as error:
        if error.code not in _UNFIT:
            raise
        return replace(report, unfit=str(error))
    folder = f"{target.prefix}{FOLDER}{secrets.token_hex(4)}/"
    _reach(store, target, folder)
    bucket = CertifiedBucket(target.bucket, target.region)
    _announce(target, folder, scale)
    try:
        _progress(f"starting {scale.processes} processes")
        with ProcessRacers(connect, processes=scale.processes, threads=scale.threads) as racers:
            subject = Subject(
                store=store,
                dated=replace(connect, dated=True)(),
                connect=connect,
                folder=folder,
                racers=racers,
                scale=scale,
                extras=bucket,
            )
            findings = inspect(subject, _progress)
            speed = measure(subject, _progress)
    finally:
        left = _clean_up(bucket, folder)
    answers = bucket.server() or bucket.endpoint
    return replace(report, findings=findings, speed=speed, left=left, server=answers)


def _reach(store: Store, target: Target, folder: str) -> None:
    """Raise an error that says why the store cannot be reached, before anything is written."""
    answer = store.perform(List(folder))
    if isinstance(answer, Unknown) and "incomplete" not in answer.cause:  # the checks say that
        raise StoreUnavailable(f"{target} does not answer: {answer.cause}")


def _announce(target: Target, folder: str, scale: Scale) -> None:
    costs = total_costs(scale, scale.writers)
    print_error(
        f"s3leader: certify writes to {target}/{folder} and deletes it afterwards. It sends about"
        f" {costs.writes:,} PUTs and LISTs and {costs.reads:,} GETs, which Amazon S3 charges about"
        f" {dollars(costs):.2f} dollars for, from {scale.writers} writers in"
        f" {scale.processes} processes. Each race ends after about {scale.race_s:.0f} s."
    )


def _progress(text: str) -> None:
    """Say what is being done, to a person."""
    if sys.stderr is not None and sys.stderr.isatty():
        print_error(text)


def _clean_up(bucket: CertifiedBucket, folder: str) -> str | None:
    _progress("deleting what was written")
    left = bucket.delete_folder(folder)
    if left is not None and sys.exc_info()[0] is not None:  # no report will say it
        print_error(f"s3leader: left behind: {left}")
    return left
