"""The dead-letter queues of a job: events that started no contender, or that Lambda gave up on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from .clients import client
from .dead_letter import DeadLetter, decoded
from .deployed_job import DeployedJob
from .failures import RequestFailed, explained

MOST = 10_000  # events that are read of one queue
_BATCH = 10


class DeadLetterQueue:
    """One queue of a job; `names` are what it holds: `undelivered`, `unprocessed` or both.

    `limited` says that the queue has more events than were read.
    """

    def __init__(self, job: DeployedJob, arn: str, names: Iterable[str]) -> None:
        self.job, self.arn, self.name = job, arn, "+".join(names)
        self.limited = False
        self._sqs = client("sqs", job.region)
        self._url = ""

    def read(self, hidden_seconds: int) -> Iterator[list[DeadLetter]]:
        """Yield the events as they come, and hide each from other readers for so long.

        A long read may yield an event again, with a new receipt.
        """
        account, name = self.arn.split(":")[4:6]
        with explained("sqs:GetQueueUrl", self.arn):
            self._url = self._sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)[
                "QueueUrl"
            ]
        read = 0
        while messages := self._receive(hidden_seconds):
            self.limited = read >= MOST
            yield [decoded(self.job, self.name, each) for each in messages]
            read += len(messages)
            if self.limited:
                return

    def hide(self, letters: Sequence[DeadLetter], seconds: int) -> dict[str, str]:
        """Hide events for so long from now on, 0 to show them again.

        Return the problem of each that stays as it was, by its id.
        """

        def change(entries: list[dict[str, Any]]) -> Any:  # noqa: ANN401 - an answer of boto3
            timed = [{**each, "VisibilityTimeout": seconds} for each in entries]
            return self._sqs.change_message_visibility_batch(QueueUrl=self._url, Entries=timed)

        return self._in_batches("sqs:ChangeMessageVisibility", letters, change)

    def delete(self, letters: Sequence[DeadLetter]) -> dict[str, str]:
        """Delete events. Return the problem of each that stays, by its id."""

        def delete(entries: list[dict[str, Any]]) -> Any:  # noqa: ANN401 - an answer of boto3
            return self._sqs.delete_message_batch(QueueUrl=self._url, Entries=entries)

        return self._in_batches("sqs:DeleteMessage", letters, delete)

    def _receive(self, hidden_seconds: int) -> list[dict[str, Any]]:
        with explained("sqs:ReceiveMessage", self.arn):
            found = self._sqs.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=_BATCH,
                VisibilityTimeout=hidden_seconds,
                WaitTimeSeconds=1,  # long polling asks all servers of the queue
                MessageAttributeNames=["All"],  # Scheduler says the cause there
                MessageSystemAttributeNames=["SentTimestamp"],
            )
        messages: list[dict[str, Any]] = found.get("Messages", [])
        return messages

    def _in_batches(
        self,
        action: str,
        letters: Sequence[DeadLetter],
        send: Callable[[list[dict[str, Any]]], Any],
    ) -> dict[str, str]:
        """Send the receipts, ten at a time. A request that fails fails all that are not sent."""
        problems: dict[str, str] = {}
        for start in range(0, len(letters), _BATCH):
            batch = letters[start : start + _BATCH]
            entries = [
                {"Id": str(number), "ReceiptHandle": each.receipt}
                for number, each in enumerate(batch)
            ]
            try:
                with explained(action, self.arn):
                    answer = send(entries)
            except RequestFailed as error:
                return problems | {each.message_id: error.message for each in letters[start:]}
            # An answer of 200 may list entries that failed.
            done = {each["Id"] for each in answer.get("Successful", [])}
            failed = {each["Id"]: _failure(action, each) for each in answer.get("Failed", [])}
            problems |= {
                each.message_id: failed.get(str(number), f"{action} gave no result for it")
                for number, each in enumerate(batch)
                if str(number) not in done
            }
        return problems


def queues_of(job: DeployedJob) -> list[DeadLetterQueue]:
    """Return the queues of a job, each once: one may take both kinds of events."""
    names: dict[str, list[str]] = {}
    for name, arn in job.queues.items():
        names.setdefault(arn, []).append(name)
    return [DeadLetterQueue(job, arn, each) for arn, each in names.items()]


def _failure(action: str, entry: dict[str, Any]) -> str:
    return f"{action} failed: {entry.get('Code')}: {entry.get('Message', 'no message')}"
