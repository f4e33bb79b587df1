"""A dead-letter queue in memory, and letters for it."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from s3leader_cli.aws.dead_letter import DeadLetter, decoded
from s3leader_cli.aws.deployed_job import DeployedJob
from s3leader_cli.operate.held_letters import HeldLetters
from tests.s3leader_cli.operate.stubs import JOB

ARN = "arn:aws:sqs:us-east-1:123456789012:dead"


def letter(
    tick: str | None,
    message_id: str,
    job: DeployedJob = JOB,
    sent_at: str | None = None,
    **event: Any,
) -> DeadLetter:
    """Return a letter whose event has these keys too."""
    message = {
        "MessageId": message_id,
        "ReceiptHandle": f"receipt of {message_id}",
        "Body": json.dumps({**event, **({} if tick is None else {"tick": tick})}),
    }
    if sent_at is not None:
        sent_ms = int(datetime.fromisoformat(sent_at).timestamp() * 1000)
        message |= {"Attributes": {"SentTimestamp": str(sent_ms)}}  # type: ignore[dict-item]
    return decoded(job, "undelivered", message)


@dataclass
class FakeQueue:
    """Takes the place of a queue. `hidden` has until when each letter is hidden, by its id.

    `denied` are ids whose visibility cannot be changed, `kept` those that cannot be deleted, and
    `breaks` is raised after the last letter.
    """

    letters: list[DeadLetter]
    now: Callable[[], float] = lambda: 0.0
    arn: str = ARN
    limited: bool = False
    breaks: BaseException | None = None
    hidden: dict[str, float] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    denied: set[str] = field(default_factory=set)
    kept: set[str] = field(default_factory=set)

    def read(self, hidden_seconds: int) -> Iterator[list[DeadLetter]]:
        for each in self.letters:
            self.hidden[each.message_id] = self.now() + hidden_seconds
            yield [each]
        if self.breaks is not None:
            raise self.breaks

    def hide(self, letters: Sequence[DeadLetter], seconds: int) -> dict[str, str]:
        for each in letters:
            if each.message_id not in self.denied:
                self.hidden[each.message_id] = self.now() + seconds
        return dict.fromkeys(self.denied & {each.message_id for each in letters}, "denied")

    def delete(self, letters: Sequence[DeadLetter]) -> dict[str, str]:
        ids = [each.message_id for each in letters]
        self.deleted += [each for each in ids if each not in self.kept]
        return {each: "denied" for each in ids if each in self.kept}

    @property
    def visible(self) -> list[str]:
        """The ids of the letters that other readers see."""
        return [
            each.message_id
            for each in self.letters
            if self.hidden.get(each.message_id, 0.0) <= self.now()
            and each.message_id not in self.deleted
        ]

    def held(self) -> HeldLetters:
        """Return what holds the letters of this queue; they are not read yet."""
        return HeldLetters(monotonic=self.now)
