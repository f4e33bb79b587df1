"""The alarms of a job, of CloudWatch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .clients import arn, client
from .deployed_job import DeployedJob
from .failures import explained

_BATCH = 100


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """One alarm; `kind` is its name in `MonitoringOptions`, and `state` None if it is gone."""

    region: str
    kind: str
    name: str
    state: str | None
    reason: str = ""
    since: datetime | None = None


def alarms_of(job: DeployedJob) -> list[Alarm]:
    """Return all alarms of a job in its Region."""
    names = list(job.alarms.values())
    found: dict[str, Any] = {}
    cloudwatch = client("cloudwatch", job.region)
    with explained("cloudwatch:DescribeAlarms", arn("cloudwatch", job.region, "alarm:*")):
        for start in range(0, len(names), _BATCH):
            pages = cloudwatch.get_paginator("describe_alarms").paginate(
                AlarmNames=names[start : start + _BATCH]
            )
            found |= {each["AlarmName"]: each for page in pages for each in page["MetricAlarms"]}
    return [
        Alarm(
            region=job.region,
            kind=kind,
            name=name,
            state=found.get(name, {}).get("StateValue"),
            reason=found.get(name, {}).get("StateReason", ""),
            since=found.get(name, {}).get("StateUpdatedTimestamp"),
        )
        for kind, name in job.alarms.items()
    ]
