"""Finds the deployed job of an election, by the records that the constructs leave.

A record is an SSM parameter below `/s3leader/<election>/` (docs/decisions/0024).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import click

from s3leader_cli.options import ElectionPlace

from .clients import arn, clients, default_region, regions_beside
from .failures import RequestFailed, explained

VERSION = 1  # of the records that are understood
_MOST_SEGMENTS = 13
_AT_ONCE = 16
# What a Region answers that is not enabled for the account. It also answers so to temporary
# credentials of STS's global endpoint, which are valid in the older Regions alone.
_NOT_ENABLED = frozenset({"UnrecognizedClientException", "InvalidClientTokenId", "OptInRequired"})


@dataclass(frozen=True, kw_only=True)
class Task:
    """What the schedules of a `SingletonTask` start."""

    cluster: str
    definition: str
    container: str


@dataclass(frozen=True, kw_only=True)
class DeployedJob:
    """The resources of a job in one Region.

    `source` says where that is known from. `group` is the schedules' group; without it, `named`
    has their groups and names. `queues` has the ARNs of the queues `undelivered` and
    `unprocessed` (and `undelivered-2` and so on, if a function without a record has schedules with
    other queues), `alarms` the names of alarms.
    """

    region: str
    election: str
    source: str
    home: str | None = None
    regions: tuple[str, ...] = ()
    function: str | None = None
    task: Task | None = None
    group: str | None = None
    named: tuple[tuple[str, str], ...] = ()
    schedules: tuple[tuple[str, str], ...] = ()
    queues: Mapping[str, str] = field(default_factory=dict)
    log_group: str | None = None
    alarms: Mapping[str, str] = field(default_factory=dict)
    timeout: timedelta | None = None
    lease: timedelta | None = None
    max_tick_age: timedelta | None = None


@dataclass(frozen=True, kw_only=True)
class JobsFound:
    """The jobs of an election, the home Region's first, and the Regions that were not searched.

    `unsearched` has the reason for each. `not_enabled` are Regions of which AWS says that these
    credentials are unknown there, as it does if a Region is not enabled for the account.
    """

    jobs: tuple[DeployedJob, ...]
    searched: tuple[str, ...]
    unsearched: Mapping[str, str] = field(default_factory=dict)
    not_enabled: tuple[str, ...] = ()

    def missing(self, wanted: Sequence[str]) -> set[str]:
        """Return the Regions, of those wanted or else named in records, where no job was found."""
        named = {region for job in self.jobs for region in job.regions}
        return (set(wanted) or named) - {job.region for job in self.jobs}


def find_jobs(place: ElectionPlace, regions: Sequence[str] = ()) -> JobsFound:
    """Return the jobs of an election in the given Regions; without any, in all of the partition."""
    path = parameter_path(place.election)
    home = regions[0] if regions else home_region(place)
    names = list(regions) or regions_beside(home, "ssm")
    found: list[DeployedJob] = []
    unsearched: dict[str, str] = {}
    not_enabled: list[str] = []
    reached = clients("ssm", names)
    with ThreadPoolExecutor(min(_AT_ONCE, len(names))) as pool:
        searches = {each: pool.submit(_search, reached[each], each, path, place) for each in names}
    for region, search in searches.items():
        try:
            found += search.result()
        except RequestFailed as error:
            if error.code in _NOT_ENABLED and region != home and not regions:
                not_enabled.append(region)
            else:
                unsearched[region] = error.message
    searched = [each for each in names if each not in {*unsearched, *not_enabled}]
    return JobsFound(
        jobs=tuple(sorted(found, key=lambda job: (job.region != job.home, job.region))),
        searched=tuple(searched),
        unsearched=unsearched,
        not_enabled=tuple(not_enabled),
    )


def parameter_path(election: str) -> str:
    """Return the path of the records; `UsageError` for an election that can have none."""
    if election.count("/") >= _MOST_SEGMENTS:
        raise click.UsageError(
            f"ELECTION has more than {_MOST_SEGMENTS} segments, so its job has no record: give"
            " --function"
        )
    return f"/s3leader/{election}"


def home_region(place: ElectionPlace) -> str:
    """Return the bucket's Region as it was given, or as boto3 finds it."""
    region = place.region or default_region()
    if region is None:
        raise click.UsageError(
            "no Region is known: give --region, or set AWS_DEFAULT_REGION or the Region of the"
            " profile"
        )
    return region


def _search(ssm: Any, region: str, path: str, place: ElectionPlace) -> list[DeployedJob]:  # noqa: ANN401 - a client
    resource = arn("ssm", region, f"parameter{path}")
    with explained("ssm:GetParametersByPath", resource):
        pages = ssm.get_paginator("get_parameters_by_path").paginate(Path=path)
        parameters = [each for page in pages for each in page["Parameters"]]
    jobs = [job_of(each["Name"], each["Value"], region, place) for each in parameters]
    return [each for each in jobs if each is not None]


def job_of(name: str, text: str, region: str, place: ElectionPlace) -> DeployedJob | None:
    """Return the job of a record; None for one of another bucket or prefix."""
    try:
        record: dict[str, Any] = json.loads(text)
        if record["version"] > VERSION:
            raise RequestFailed(
                f"record {name} has version {record['version']}, and this version of s3leader reads"
                f" {VERSION}: update s3leader"
            )
        if (record["bucket"], record["prefix"]) != (place.bucket, place.prefix):
            return None
        return _decoded(record, name, region, place)
    except (ValueError, TypeError, LookupError) as error:
        raise RequestFailed(
            f"record {name} cannot be read ({error!r}): deploy its stack again; commands that take"
            " --function do not need it"
        ) from error


def _decoded(
    record: Mapping[str, Any], name: str, region: str, place: ElectionPlace
) -> DeployedJob:
    task = record.get("task")
    return DeployedJob(
        region=region,
        election=place.election,
        source=f"record {name}",
        home=record.get("home"),
        regions=tuple(record.get("regions", ())),
        function=record.get("function"),
        task=None
        if task is None
        else Task(
            cluster=task["cluster"], definition=task["definition"], container=task["container"]
        ),
        group=record.get("group"),
        schedules=tuple((text, zone) for text, zone in record.get("schedules", ())),
        queues=dict(record.get("queues", {})),
        log_group=record.get("log_group"),
        alarms=dict(record.get("alarms", {})),
        timeout=_duration(record, "timeout"),
        lease=_duration(record, "lease"),
        max_tick_age=_duration(record, "max_tick_age"),
    )


def _duration(record: Mapping[str, Any], name: str) -> timedelta | None:
    value = record.get(name)
    return None if value is None else timedelta(seconds=value)
