"""Checks of metrics and alarms."""

from __future__ import annotations

import json
import time
from collections.abc import Generator
from typing import Any

from s3leader_acceptance.app_names import COMMAND
from s3leader_acceptance.deployment import Deployment
from s3leader_acceptance.results import Result, failed, not_checked, passed

_NO_METRICS = (
    "this cloud does not even record how many lines a log gets, so it makes no metrics of what they"
    " say"
)
_METRIC_SECONDS, _ALARM_SECONDS = 600, 1200
_NAMESPACE = "s3leader"


def emf_metrics(deployment: Deployment) -> Generator[None, None, Result]:
    """Let a term fail, and wait for the metric that its function has printed."""
    deployment.begin("Failing")
    yield
    return _metric(deployment, "Failed", "Failing")


def filter_metrics(deployment: Deployment) -> Generator[None, None, Result]:
    """Write a line as `s3leader run` does, and wait for the metric of the metric filter."""
    group, stream = deployment.outputs["CommandsLog"], "acceptance"
    line = {
        "event": "ended",
        "outcome": "completed",
        "requests": 5,
        "duration_ms": 12,
        "bucket": deployment.bucket,
        "election": deployment.election(COMMAND),
        "contender": "1",
    }
    logs = deployment.client("logs")
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    event = {"timestamp": int(time.time() * 1000), "message": json.dumps(line)}
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[event])
    yield
    return _metric(deployment, "Completed", COMMAND)


def _metric(deployment: Deployment, name: str, job: str) -> Result:
    if not deployment.makes_log_metrics:
        return not_checked(_NO_METRICS)

    def poll() -> list[float] | None:
        found = deployment.points(
            _NAMESPACE, name, bucket=deployment.bucket, election=deployment.election(job)
        )
        return found if sum(found) > 0 else None

    points = deployment.wait(f"the metric {name}", poll, seconds=_METRIC_SECONDS)
    if points is None:
        return failed(f"the metric {name} has no data, although its line is in the log")
    return passed(metric=name, sum=sum(points))


def alarms(deployment: Deployment) -> Generator[None, None, Result]:
    """Wait until the failed term and its dead letter set alarms off, and until these end."""
    deployment.begin("Failing")
    yield
    if not deployment.makes_log_metrics:
        return not_checked(_NO_METRICS)
    evidence = {}
    for name in ("Failed", "Unprocessed"):
        states = _states_after(deployment, name, "ALARM")
        if states is not None and name == "Unprocessed":
            # Not earlier: an alarm on a queue goes on while a message waits in it.
            deployment.client("sqs").purge_queue(QueueUrl=deployment.outputs["FailingUnprocessed"])
        states = states and _states_after(deployment, name, "OK")
        evidence[f"alarm {name.lower()}"] = states or _states(deployment, name)
        if states is None:
            return failed(
                f"the alarm {name.lower()} did not go to ALARM and back to OK", **evidence
            )
    return passed(**evidence)


def _states_after(deployment: Deployment, alarm: str, last: str) -> list[str] | None:
    """Wait until an alarm is in a state, after ALARM; return the states that it was in."""

    def poll() -> list[str] | None:
        states = _states(deployment, alarm)
        # It may have been in ALARM, and be back in OK, before the wait began.
        there = "ALARM" in states and (last == "ALARM" or states[-1] == last)
        return states if there else None

    what = f"the alarm {alarm.lower()} to go to {last}"
    return deployment.wait(what, poll, seconds=_ALARM_SECONDS)


def _states(deployment: Deployment, alarm: str) -> list[str]:
    answer = deployment.client("cloudwatch").describe_alarm_history(
        AlarmName=deployment.outputs[f"Failing{alarm}Alarm"], HistoryItemType="StateUpdate"
    )
    items: list[dict[str, Any]] = sorted(
        answer["AlarmHistoryItems"], key=lambda one: one["Timestamp"]
    )
    return [json.loads(one["HistoryData"])["newState"]["stateValue"] for one in items]
