"""The faults that requests and answers meet, drawn from a seed."""

import random
from collections import Counter
from dataclasses import dataclass
from typing import Final

# How often each is drawn, among themselves.
KINDS: Final = {
    "late": 4,  # applied after a while; the asker may have given up, and its lease run out
    "slow": 2,  # the answer trickles
    "cut": 2,  # applied; the answer breaks off somewhere, in its head or its body
    "short body": 2,  # applied; the head promises more than comes
    "lost": 4,  # applied, and no answer
    "dropped": 3,  # not applied, and no answer
    "twice": 2,  # applied, answered, and applied once more later
    "echo": 4,  # a proxy sends it twice; the answer is the second one's
    "409": 2,  # ConditionalRequestConflict
    "500 after": 3,  # applied, and InternalError
    "500 before": 1,
    "503": 1,
    "SlowDown": 2,
    "RequestTimeout": 1,
}
ERRORS: Final = {
    "409": (409, "ConditionalRequestConflict"),
    "500 after": (500, "InternalError"),
    "500 before": (500, "InternalError"),
    "503": (503, "ServiceUnavailable"),
    "SlowDown": (503, "SlowDown"),
    "RequestTimeout": (400, "RequestTimeout"),
}
NOT_APPLIED: Final = {"dropped", *ERRORS} - {"500 after"}
_SHORT_S: Final = (0.0, 0.4)
_LONG_S: Final = (0.4, 5.0)


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to one request. `kind` is None where nothing does.

    `delay_s` is the delay of a late request, `share` how much of an answer arrives, `ahead_s` the
    clock of the front end.
    """

    kind: str | None
    delay_s: float
    share: float
    ahead_s: float
    date_first: bool


class FaultPlan:
    """Draws a fault, or none, for each request; `over` ends all but clock skew and echoes."""

    def __init__(
        self, seed: int, *, rate: float, clocks_s: tuple[float, float], echoes: bool = False
    ) -> None:
        """Harm that share of the requests; front ends' clocks are that far ahead, in seconds. With
        `echoes`, every request without another fault is sent twice.
        """
        self._chance = random.Random(seed)  # noqa: S311 - repeatable is what it must be
        self._rate = rate
        self._clocks_s = clocks_s
        self._unharmed = "echo" if echoes else None
        self.over = False
        self.done: Counter[str] = Counter()

    def draw(self) -> Fault:
        """Return the next request's fate."""
        chance = self._chance
        kind = self._unharmed
        if not self.over and chance.random() < self._rate:
            kind = chance.choices(list(KINDS), list(KINDS.values()))[0]
        if kind is not None:
            self.done[kind] += 1
        delay = _LONG_S if chance.random() < 0.3 else _SHORT_S
        return Fault(
            kind,
            chance.uniform(*delay),
            chance.random(),
            chance.uniform(*self._clocks_s),
            chance.random() < 0.5,
        )
