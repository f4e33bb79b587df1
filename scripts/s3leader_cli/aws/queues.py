"""The dead-letter queues of a job: events that started no contender, or that Lambda gave up on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .clients import client
from .deployed_job import DeployedJob
from .failures import explained

HIDDEN_SECONDS = 900  # how long no other reader sees an event that was read
_MOST = 10_000  # events that are read of one queue
_BATCH = 10


@dataclass(frozen=True, kw_only=True)
class Letter:
    """One event in a dead-letter queue.

    `payload` is what the function was to get, None if the event starts no function. `tick` is
    None for an event without one, and for one whose tick is no time, which `problem` says. A
    `foreign` one is of another job.
    """

    job: DeployedJob
    queue: str
    message_id: str
    receipt: str
    sent_at: datetime | None
    cause: str
    payload: str | None
    tick: datetime | None
    problem: str | None = None
    foreign: bool = False


class Queue:
    """One queue of a job; `names` are what it holds: `undelivered`, `unprocessed` or both."""

    def __init__(self, job: DeployedJob, arn: str, names: Iterable[str]) -> None:
        self.job, self.arn, self.name = job, arn, "+".join(names)
        self._sqs = client("sqs", job.region)
        self._url = ""

    def read(self) -> list[Letter]:
        """Return all events; other readers do not see them for 15 minutes, or until `release`."""
        account, name = self.arn.split(":")[4:6]
        with explained("sqs:GetQueueUrl", self.arn):
            self._url = self._sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)[
                "QueueUrl"
            ]
        found = {each["MessageId"]: each for each in self._messages()}
        return [self._letter(each) for each in found.values()]

    def delete(self, letter: Letter) -> None:
        """Delete an event."""
        with explained("sqs:DeleteMessage", self.arn):
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=letter.receipt)

    def release(self, letters: list[Letter]) -> None:
        """Let other readers see events again."""
        with explained("sqs:ChangeMessageVisibility", self.arn):
            for start in range(0, len(letters), _BATCH):
                entries = [
                    {"Id": str(number), "ReceiptHandle": each.receipt, "VisibilityTimeout": 0}
                    for number, each in enumerate(letters[start : start + _BATCH])
                ]
                self._sqs.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)

    def _messages(self) -> Iterator[dict[str, Any]]:
        read = 0
        while read < _MOST:
            with explained("sqs:ReceiveMessage", self.arn):
                messages = self._sqs.receive_message(
                    QueueUrl=self._url,
                    MaxNumberOfMessages=_BATCH,
                    VisibilityTimeout=HIDDEN_SECONDS,
                    WaitTimeSeconds=1,  # long polling asks all servers of the queue
                    MessageAttributeNames=["All"],  # Scheduler says the cause there
                    MessageSystemAttributeNames=["SentTimestamp"],
                ).get("Messages", [])
            if not messages:
                return
            read += len(messages)
            yield from messages

    def _letter(self, message: Mapping[str, Any]) -> Letter:
        body, attributes = message["Body"], message.get("MessageAttributes", {})
        cause, payload, text = _read(body, attributes)
        tick, problem = _tick(text)
        other = _other_job(self.job, body, attributes)
        if other is not None:  # one queue may take the events of several jobs
            problem = f"it is of another job: {other}"
        if payload is None and problem is None:
            problem = "it holds no event of a function"
        return Letter(
            job=self.job,
            queue=self.name,
            message_id=message["MessageId"],
            receipt=message["ReceiptHandle"],
            sent_at=_sent(message.get("Attributes", {}).get("SentTimestamp")),
            cause=cause,
            payload=payload,
            tick=tick,
            problem=problem,
            foreign=other is not None,
        )


def queues_of(job: DeployedJob) -> list[Queue]:
    """Return the queues of a job, each once: one may take both kinds of events."""
    names: dict[str, list[str]] = {}
    for name, arn in job.queues.items():
        names.setdefault(arn, []).append(name)
    return [Queue(job, arn, each) for arn, each in names.items()]


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
