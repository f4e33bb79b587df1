"""The log lines of a job's contenders, of CloudWatch Logs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import click

from .clients import arn, client
from .deployed_job import DeployedJob
from .failures import explained


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which lines are wanted: those of an election, of one tick or term; or `every` line."""

    election: str
    tick: datetime | None = None
    term: int | None = None
    every: bool = False

    def pattern(self, job: DeployedJob) -> str:
        """Return it as a filter pattern of CloudWatch Logs; empty for every line."""
        if self.every:
            return ""
        field = "$.service" if job.task is None else "$.election"
        parts = [f"({field} = {json.dumps(self.election)})"]
        if self.tick is not None:
            parts.append(f"({'$.tick'} = {json.dumps(_utc(self.tick))})")
        if self.term is not None:
            parts.append(f"($.term = {self.term})")
        return "{ " + " && ".join(parts) + " }"

    def accepts(self, fields: Any) -> bool:  # noqa: ANN401 - JSON
        """Whether a line is wanted: S3's and Lambda's own lines have no election."""
        if self.every:
            return True
        if not isinstance(fields, dict) or "message" not in fields:
            return False  # metrics are printed as JSON too
        return (
            self.election in (fields.get("service"), fields.get("election"))  # values may be lists
            and (self.tick is None or fields.get("tick") == _utc(self.tick))
            and (self.term is None or fields.get("term") == self.term)
        )


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line: when it was written, in milliseconds since 1970, where, and what."""

    at_ms: int
    region: str
    event_id: str
    text: str

    def fields(self) -> Any:  # noqa: ANN401 - JSON
        """Return the line's JSON, None if it is not JSON; NaN, which JSON lacks, as a text."""
        try:
            return json.loads(self.text, parse_constant=str)
        except (ValueError, RecursionError):  # a job's own lines may be anything
            return None


class Log:
    """The log group of a job in one Region."""

    def __init__(self, job: DeployedJob, wanted: Filter) -> None:
        self._job, self._wanted = job, wanted
        self._group = job.log_group or _group_of_function(job)
        self._logs = client("logs", job.region)

    def lines(self, start_ms: int) -> Iterator[Line]:
        """Yield the wanted lines from a time on, in the order of CloudWatch."""
        region = self._job.region
        with explained("logs:FilterLogEvents", arn("logs", region, f"log-group:{self._group}")):
            pages = self._logs.get_paginator("filter_log_events").paginate(
                logGroupName=self._group,
                startTime=start_ms,
                filterPattern=self._wanted.pattern(self._job),
            )
            for page in pages:
                for event in page["events"]:
                    line = Line(
                        at_ms=event["timestamp"],
                        region=region,
                        event_id=event.get("eventId", ""),  # some emulators have none
                        text=event["message"].rstrip("\n"),
                    )
                    if self._wanted.accepts(line.fields()):
                        yield line


def _group_of_function(job: DeployedJob) -> str:
    if job.function is None:
        raise click.ClickException(f"{job.source} names no log group and no function")
    with explained("lambda:GetFunctionConfiguration", job.function):
        found = client("lambda", job.region).get_function_configuration(FunctionName=job.function)
    name = job.function.partition(":function:")[2].partition(":")[0]
    return str(found.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{name}")


def _utc(tick: datetime) -> str:
    return tick.isoformat().replace("+00:00", "Z")
