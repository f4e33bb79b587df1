"""The dead-letter queues of a job while an operator looks at them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from .options import note, warn

if TYPE_CHECKING:
    from s3leader_cli.aws.deployed_job import DeployedJob
    from s3leader_cli.aws.queues import Letter, Queue


@dataclass
class Mail:
    """What was read of all queues. At the end, other readers see again what is left.

    `complete` is False if a queue could not be read.
    """

    letters: list[Letter] = field(default_factory=list)
    complete: bool = True
    _queues: list[Queue] = field(default_factory=list)
    _queue_of: dict[str, Queue] = field(default_factory=dict)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Release the events, also after Ctrl-C."""
        from s3leader_cli.aws.failures import RequestFailed  # noqa: PLC0415 - boto3

        for queue in self._queues:
            try:
                queue.release(
                    [each for each in self.letters if self._queue_of[each.message_id] is queue]
                )
            except RequestFailed as error:
                warn(f"{error.message}. Other readers see the events after 15 minutes")

    def read(self, job: DeployedJob) -> None:
        """Read the queues of a job; one that cannot be read is reported."""
        from s3leader_cli.aws.failures import RequestFailed  # noqa: PLC0415 - boto3
        from s3leader_cli.aws.queues import queues_of  # noqa: PLC0415 - boto3

        for queue in queues_of(job):
            note(f"reading {queue.arn}")
            try:
                letters = queue.read()
            except RequestFailed as error:
                warn(f"queue {queue.name} was not read: {error.message}")
                self.complete = False
                continue
            self._queues.append(queue)
            self.letters += letters
            self._queue_of |= {each.message_id: queue for each in letters}

    def delete(self, letter: Letter) -> bool:
        """Delete an event from its queue; if that fails, say so, and return False."""
        from s3leader_cli.aws.failures import RequestFailed  # noqa: PLC0415 - boto3

        try:
            self._queue_of[letter.message_id].delete(letter)
        except RequestFailed as error:
            warn(f"an event stays in {letter.queue}, whose work was started: {error.message}")
            self.complete = False
            return False
        self.letters.remove(letter)
        return True
