"""An observer that keeps what it receives."""

from __future__ import annotations

from typing import Any

from s3leader.observer import Observer, StoreAnswered

METHODS = [name for name in vars(Observer) if not name.startswith("_")]


class Recorder(Observer):
    """Keeps the events with the names of their methods, apart from the store's answers."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []
        self.answers: list[StoreAnswered] = []

    def __getattribute__(self, name: str) -> Any:
        if name in METHODS and name != "store_answered":
            return lambda event: self.events.append((name, event))
        return super().__getattribute__(name)

    def store_answered(self, event: StoreAnswered) -> None:
        self.answers.append(event)

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.events]
