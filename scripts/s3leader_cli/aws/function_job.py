"""The job of a function that has no record, as far as AWS knows it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import click

from s3leader_cli.options import ElectionPlace

from .clients import client
from .deployed_job import DeployedJob, home_region
from .environments import variables_of
from .failures import RequestFailed, explained

_ARN = re.compile(r"arn:[^:]+:lambda:(?P<region>[^:]+):\d{12}:function:.+")
_QUEUE = re.compile(r"arn:[^:]+:sqs:.+")


def job_of_function(place: ElectionPlace, function: str, region: str | None) -> DeployedJob:
    """Return the job of a function, by its ARN, or by its name in a Region."""
    arn = _ARN.fullmatch(function)
    where = arn["region"] if arn else region or home_region(place)
    lambdas = client("lambda", where)
    with explained("lambda:GetFunctionConfiguration", function):
        found = lambdas.get_function_configuration(FunctionName=function)
    variables = variables_of(
        found.get("Environment", {}),
        f"--function {function}",
        f"it may be a candidate of another election than {place.election!r}",
    )
    _check(place, function, variables)
    started = found["FunctionArn"]
    schedules = _schedules(where, started)
    queues = {**_undelivered(where, schedules), "unprocessed": _on_failure(lambdas, started)}
    return DeployedJob(
        region=where,
        election=place.election,
        source=f"function {started}",
        home=place.region,
        function=started,
        named=tuple(schedules),
        queues={name: queue for name, queue in queues.items() if queue is not None},
        log_group=found.get("LoggingConfig", {}).get("LogGroup"),
        timeout=timedelta(seconds=found["Timeout"]),
    )


def _check(place: ElectionPlace, function: str, variables: Mapping[str, str]) -> None:
    wanted = {
        "S3LEADER_ELECTION": place.election,
        "S3LEADER_BUCKET": place.bucket,
        "S3LEADER_PREFIX": place.prefix,
    }
    for name, value in wanted.items():
        if variables.get(name, value) != value:
            raise click.UsageError(
                f"--function {function} has {name}={variables[name]!r}, and {value!r} was asked"
                " for: it is a candidate of another election"
            )


def _schedules(region: str, function: str) -> list[tuple[str, str]]:
    with explained("scheduler:ListSchedules", "*"):
        pages = client("scheduler", region).get_paginator("list_schedules").paginate()
        return [
            (each["GroupName"], each["Name"])
            for page in pages
            for each in page["Schedules"]
            if each["Target"]["Arn"] == function
        ]


def _undelivered(region: str, schedules: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return the dead-letter queues of all schedules, each once: they need not share one."""
    found: dict[str, None] = {}
    scheduler = client("scheduler", region)
    for group, name in schedules:
        with explained("scheduler:GetSchedule", f"{group}/{name}"):
            target = scheduler.get_schedule(GroupName=group, Name=name)["Target"]
        if queue := target.get("DeadLetterConfig", {}).get("Arn"):
            found[queue] = None
    return {
        "undelivered" if number == 1 else f"undelivered-{number}": queue
        for number, queue in enumerate(found, 1)
    }


def _on_failure(lambdas: Any, function: str) -> str | None:  # noqa: ANN401 - a client
    arn, _, qualifier = function.partition(":function:")[2].partition(":")
    try:
        with explained("lambda:GetFunctionEventInvokeConfig", function):
            found = lambdas.get_function_event_invoke_config(
                FunctionName=arn, Qualifier=qualifier or "$LATEST"
            )
    except RequestFailed as error:
        if error.code == "ResourceNotFoundException":  # it has none
            return None
        raise
    destination: str | None = (
        found.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    )
    return destination if destination and _QUEUE.fullmatch(destination) else None
