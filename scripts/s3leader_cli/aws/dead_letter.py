"""One event in a dead-letter queue: its cause, its tick, and what the function was to get."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from s3leader._core.lock import MAX_REASON

from .deployed_job import DeployedJob


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """One event in a dead-letter queue.

    `payload` is what the function was to get, None if the event starts no function. `tick` is
    None for an event without one, and for one whose tick is no time, which `problem` says.
    `repeats` says that an operator asked to lead the tick again though it may be done, with
    `repeat_reason` as the ledger keeps it. A `foreign` one is of another job.
    """

    job: DeployedJob
    queue: str
    message_id: str
    receipt: str
    sent_at: datetime | None
    cause: str
    payload: str | None
    tick: datetime | None
    repeats: bool = False
    repeat_reason: str | None = None
    leg: int = 1
    problem: str | None = None
    foreign: bool = False


def decoded(job: DeployedJob, queue: str, message: Mapping[str, Any]) -> DeadLetter:
    """Return the event in a message of SQS."""
    body, attributes = message["Body"], message.get("MessageAttributes", {})
    cause, payload, text = _read(body, attributes)
    tick, problem = _tick(text)
    event = {} if payload is None else _object(payload)
    repeat, leg = event.get("repeat", False), event.get("leg", 1)
    if not isinstance(repeat, bool | str):
        problem = problem or f"its repeat {repeat!r} is neither true nor a text"
    elif repeat and tick is None:
        problem = problem or "it repeats a tick and names none"
    if type(leg) is not int or leg < 1:
        problem, leg = problem or f"its leg {leg!r} is not a number from 1", 1
    other = _other_job(job, body, attributes)
    if other is not None:  # one queue may take the events of several jobs
        problem = f"it is of another job: {other}"
    if payload is None and problem is None:
        problem = "it holds no event of a function"
    return DeadLetter(
        job=job,
        queue=queue,
        message_id=message["MessageId"],
        receipt=message["ReceiptHandle"],
        sent_at=_sent(message.get("Attributes", {}).get("SentTimestamp")),
        cause=cause,
        payload=payload,
        tick=tick,
        repeats=bool(repeat),
        repeat_reason=repeat[:MAX_REASON] if isinstance(repeat, str) and repeat else None,
        leg=leg,
        problem=problem,
        foreign=other is not None,
    )


def _object(text: str) -> Mapping[str, Any]:
    found = json.loads(text)
    return found if isinstance(found, dict) else {}


def _read(body: str, attributes: Mapping[str, Any]) -> tuple[str, str | None, object]:
    """Return the cause, what the function was to get, and its tick as it stands there."""
    try:
        found = json.loads(body)
    except ValueError:
        return f"not JSON: {body[:80]!r}", None, None
    if not isinstance(found, dict):
        return f"not an event: {body[:80]!r}", None, None
    if "requestPayload" in found:
        sent = found["requestPayload"]
        return _of_lambda(found), json.dumps(sent), _tick_in(sent)
    if found.get("detail-type") == "ECS Task State Change":
        return _of_task(found), None, _variable(found.get("detail", {}).get("overrides", {}))
    code = _attribute(attributes, "ERROR_CODE")
    cause = f"not delivered: {code}: {_attribute(attributes, 'ERROR_MESSAGE')}"
    if "containerOverrides" in found:
        return cause, None, _variable(found)
    return cause, body, _tick_in(found)


def _tick_in(event: object) -> str | None:
    """Return the tick of an event, where a contender finds it."""
    if not isinstance(event, dict):
        return None
    scheduled = event.get("detail-type") == "Scheduled Event"  # of an EventBridge rule
    text = event.get("tick", event.get("time") if scheduled else None)
    return None if text is None else str(text)


def _other_job(job: DeployedJob, body: str, attributes: Mapping[str, Any]) -> str | None:
    """Return the schedule or function that an event is of, if it says so and is not of this job."""
    schedule = attributes.get("SCHEDULE_ARN", {}).get("StringValue")
    if schedule is not None and job.group is not None:
        return None if f":schedule/{job.group}/" in schedule else str(schedule)
    try:
        context = json.loads(body).get("requestContext", {})
        function = context.get("functionArn")
    except (ValueError, AttributeError):
        return None
    if function is None or job.function is None:
        return None
    return None if _unqualified(function) == _unqualified(job.function) else str(function)


def _unqualified(function: str) -> str:
    return ":".join(function.split(":")[:7])


def _of_lambda(found: Mapping[str, Any]) -> str:
    answer = found.get("responsePayload")
    error = answer.get("errorMessage") if isinstance(answer, dict) else None
    kind = answer.get("errorType", "error") if isinstance(answer, dict) else ""
    condition = str(found.get("requestContext", {}).get("condition", "given up"))
    return condition if error is None else f"{condition}: {kind}: {error}"


def _of_task(found: Mapping[str, Any]) -> str:
    detail = found.get("detail", {})
    codes = [str(each.get("exitCode")) for each in detail.get("containers", [])]
    return f"task failed: {detail.get('stoppedReason', '')} (exit codes {', '.join(codes)})"


def _variable(overrides: Mapping[str, Any]) -> object:
    for container in overrides.get("containerOverrides", []):
        for each in container.get("environment", []):
            if each.get("name") == "S3LEADER_TICK":
                return each.get("value")
    return None


def _attribute(attributes: Mapping[str, Any], name: str) -> str:
    return str(attributes.get(name, {}).get("StringValue", "no cause given"))


def _tick(text: object) -> tuple[datetime | None, str | None]:
    if text is None:
        return None, None
    try:
        found: datetime | None = datetime.fromisoformat(str(text))
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        return None, f"its tick {text!r} is not a time with a zone"
    return found.astimezone(UTC), None


def _sent(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromtimestamp(int(text) // 1000, UTC)
