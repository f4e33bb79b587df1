"""What a worker knows of each thing that it does again and again."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from s3leader.election import Election
from s3leader.term import Term

from .work import Work


class Wish(enum.Enum):
    """What a worker wants of a partition."""

    LEAD = "lead"
    GIVE_UP = "give up"
    KEEP = "keep"  # neither campaign for it nor give it up


@dataclass(slots=True, kw_only=True)
class Task:
    """Something that is due at a time. `failures` in a row make the pauses longer.

    `busy` while an action of it is submitted or runs.
    """

    name: str
    due_ms: float = 0
    busy: bool = False
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Led:
    """The term of a partition that is led, and its work."""

    term: Term
    work: Work


@dataclass(slots=True, kw_only=True)
class Partition(Task):
    """`slow` while a campaign or a resignation runs. `led` is set while it is led, and `ending`
    once the work was asked to stop.
    """

    election: Election
    slow: bool = False
    ending: bool = False
    led: Led | None = None
