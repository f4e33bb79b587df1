"""What a run has created, on disk before it is created, so that another run can destroy it."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from s3leader_acceptance.account import Account

_FILE = "state.json"
PREFIX = "s3leader-acceptance-"


@dataclass(kw_only=True)
class State:
    """The stack of a run and all that it creates beside it.

    `assets` are buckets and keys of what the CDK uploads, `schedules` groups and names of what the
    checks create, `bucket` the stack's.
    """

    folder: Path
    stack: str
    account: str
    region: str
    endpoint: str | None
    bucket: str | None = None
    assets: list[tuple[str, str]] = field(default_factory=list)
    schedules: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def create(cls, parent: Path, account: Account) -> State:
        """Choose a name that no other stack has, and write the first state."""
        stack = PREFIX + secrets.token_hex(4)
        folder = parent / stack
        folder.mkdir(parents=True)
        state = cls(
            folder=folder.resolve(),
            stack=stack,
            account=account.number,
            region=account.region,
            endpoint=account.endpoint,
        )
        state.save()
        return state

    @property
    def suffix(self) -> str:
        """The random part of the stack's name, which all its resources have in theirs."""
        return self.stack.removeprefix(PREFIX)

    def save(self) -> None:
        """Write the state, whole or not at all, for this user alone."""
        facts = {**asdict(self), "folder": None}
        draft = self.folder / f"{_FILE}.new"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(facts, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(self.folder / _FILE)

    def forget(self) -> None:
        """Remove the state: nothing is left to destroy."""
        (self.folder / _FILE).unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove the folder of a run that has created nothing."""
        shutil.rmtree(self.folder)

    @contextmanager
    def locked(self) -> Iterator[bool]:
        """Keep other processes from destroying the stack; yield whether none uses it."""
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            free = True
        except BlockingIOError:
            free = False
        try:
            yield free
        finally:
            os.close(descriptor)


def read_states(parent: Path) -> list[State]:
    """Return the states of runs that did not destroy all that they created."""
    states = []
    for file in sorted(parent.glob(f"{PREFIX}*/{_FILE}")):
        facts = json.loads(file.read_text())
        pairs = {
            name: [(first, second) for first, second in facts[name]]
            for name in ("assets", "schedules")
        }
        states.append(State(**{**facts, **pairs, "folder": file.parent.resolve()}))
    return states
