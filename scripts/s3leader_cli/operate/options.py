"""Options that say which deployed job is meant, and the jobs that they find."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from s3leader_cli.options import Command, ElectionPlace, election_options
from s3leader_cli.streams import print_error, printable

if TYPE_CHECKING:
    from s3leader_cli.aws.deployed_job import DeployedJob


@dataclass(frozen=True, kw_only=True)
class Jobs:
    """The deployed jobs of an election, the home Region's first.

    `complete` is False if a Region could not be searched though nobody limited the search, and
    `has_all` if one of those that the records name, or that were asked for, has shown no job.
    """

    place: ElectionPlace
    found: tuple[DeployedJob, ...]
    complete: bool = True
    has_all: bool = True

    @property
    def first(self) -> DeployedJob:
        """The job of the home Region, or else that of another."""
        return self.found[0]


_REGION = re.compile(r"[a-z]{2,3}(?:-[a-z]+)+-[0-9]{1,2}")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which jobs an operator has asked for."""

    place: ElectionPlace
    regions: tuple[str, ...]
    function: str | None

    def find(self) -> Jobs:
        """Return the jobs, with a warning of what was not searched; `ClickException` for none."""
        if self.function is not None:
            return self._of_function(self.function)
        from s3leader_cli.aws.deployed_job import find_jobs, parameter_path  # noqa: PLC0415 - boto3

        where = ", ".join(self.regions) or "all Regions"
        note(f"searching {where} for the job of {self.place.election}")
        found = find_jobs(self.place, self.regions)
        by_reason: dict[str, list[str]] = {}
        for region, reason in found.unsearched.items():
            by_reason.setdefault(reason, []).append(region)
        if not found.searched and len(by_reason) == 1:
            raise click.ClickException(f"no Region could be searched: {next(iter(by_reason))}")
        for reason, names in by_reason.items():
            warn(f"not searched for a job: {', '.join(names)}: {reason}")
        if found.not_enabled:
            note(
                "not searched, because these credentials are not known there, as if the Regions"
                f" were not enabled for the account: {', '.join(found.not_enabled)}"
            )
        if not found.jobs:
            searched = found.searched
            raise click.ClickException(
                f"no record of a job of election {self.place.election!r} on bucket"
                f" {self.place.bucket!r} with prefix {self.place.prefix!r} was found below"
                f" {parameter_path(self.place.election)} in"
                f" {', '.join(searched) if len(searched) < 4 else f'{len(searched)} Regions'}."
                " Check the name and the bucket; deploy the job's stack again with this version of"
                " the constructs; or give --function NAME and --regions REGION"
            )
        missing = found.missing(self.regions)
        for region in sorted(missing - found.unsearched.keys()):
            warn(f"Region {region} has a job, by the records, and none was found there")
        unreached = [each for each in found.unsearched if not self.regions or each in self.regions]
        complete = not unreached and not missing
        # Each record names all Regions of its job, none if that is the only one.
        return Jobs(place=self.place, found=found.jobs, complete=complete, has_all=not missing)

    def _of_function(self, function: str) -> Jobs:
        from s3leader_cli.aws.function_job import job_of_function  # noqa: PLC0415 - boto3

        regions: Sequence[str | None] = self.regions or [None]
        jobs = tuple(job_of_function(self.place, function, each) for each in regions)
        return Jobs(place=self.place, found=jobs)


def job_options(wrapped: Command) -> Command:
    """Add ELECTION, where its locks are, and which jobs: the command gets one `wanted`."""

    @election_options
    @click.option(
        "--regions",
        callback=_split,
        metavar="REGIONS",
        help="The job's Regions, separated by commas (default: all of the partition are searched).",
    )
    @click.option(
        "--function",
        metavar="ARN",
        help="The job's function, by ARN or name, if the job has no record.",
    )
    @functools.wraps(wrapped)
    def command(
        *, place: ElectionPlace, regions: tuple[str, ...], function: str | None, **others: object
    ) -> int:
        return wrapped(wanted=Wanted(place=place, regions=regions, function=function), **others)

    return command


def note(text: str) -> None:
    """Say what is being done, if a person watches."""
    if sys.stderr is not None and sys.stderr.isatty():
        print_error(f"s3leader: {printable(text)}")


def warn(text: str) -> None:
    """Say on standard error what a person has to know."""
    print_error(f"s3leader: {printable(text)}")


def _split(_: click.Context, __: click.Parameter, value: Any) -> tuple[str, ...]:  # noqa: ANN401 - of a file or a word
    texts = [value] if isinstance(value, str) else list(value or ())
    names = tuple(each.strip() for text in texts for each in text.split(",") if each.strip())
    for name in names:
        if not _REGION.fullmatch(name):
            raise click.BadParameter(f"{name!r} is not a Region; write one as eu-west-1")
    return names
