"""Powertools idempotency: a function that runs once for each payload. It does not wait."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import SimpleNamespace

from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
)

TABLE = "powertools"


@cache
def _layer() -> DynamoDBPersistenceLayer:
    return DynamoDBPersistenceLayer(TABLE)


class Candidate:
    """Runs a function for a payload: the name, and the first number that is not yet completed."""

    def __init__(self, name: str, lease: float) -> None:
        self._name = name
        self._tick = 0
        config = IdempotencyConfig()
        remaining = SimpleNamespace(get_remaining_time_in_millis=lambda: int(lease * 1000))
        config.register_lambda_context(remaining)  # type: ignore[arg-type]

        @idempotent_function(  # type: ignore[untyped-decorator]
            data_keyword_argument="tick", config=config, persistence_store=_layer()
        )
        def run(*, tick: str, body: Callable[[], object]) -> str:
            body()
            return tick

        self._run = run

    def lead(self, body: Callable[[], object]) -> bool:
        """Run it once for a payload."""
        ran = False

        def noticed() -> None:
            nonlocal ran
            ran = True
            body()

        while not ran:
            try:
                self._run(tick=f"{self._name}-{self._tick}", body=noticed)
            except IdempotencyAlreadyInProgressError:
                return False
            self._tick += 1
        return True
