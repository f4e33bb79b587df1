"""What the clients of an election did, from their own event logs alone. Pure.

A log is what one client noted, with the machine's one monotonic clock: when it invoked an
operation, and when and with what that returned. An operation whose outcome the client never learned
may have taken effect at any time after its invocation, or never.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

Event = Mapping[str, Any]
_CAMPAIGN_RETURNS = {"won", "loses", "finds no S3", "is cancelled"}
_TERM_RETURNS = {"completed", "resigned", "lost", "left open"}
_EFFECT_RETURNS = {"has claimed", "cannot claim", "has written", "is refused"}
# A refused write may have been applied, unheard, and then been written over.
_NEVER_KNOWN = {"never returned", "finds no S3", "is cancelled", "left open", "is refused"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """From its invocation to what it returned; `returned` is None where its client never knew.

    `facts` are those of both events.
    """

    client: str
    invoked: int
    returned: int | None
    result: str
    facts: Event

    def before(self, other: "Operation") -> bool:
        """Whether it was over before the other began."""
        return self.returned is not None and self.returned < other.invoked


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All that clients did: campaigns, ends of terms, effects under a token, and the last read."""

    campaigns: list[Operation] = field(default_factory=list)
    ends: list[Operation] = field(default_factory=list)
    effects: list[Operation] = field(default_factory=list)
    reads: list[Operation] = field(default_factory=list)

    @property
    def wins(self) -> list[Operation]:
        """The campaigns that were won."""
        return [one for one in self.campaigns if one.result == "won"]

    @property
    def completed(self) -> list[Operation]:
        """The terms whose leaders received a confirmation that their tick is completed."""
        return [one for one in self.ends if one.result == "completed"]


def history(events: Iterable[Event]) -> History:
    """Pair each client's invocations with what they returned."""
    found = History()
    kinds = {
        "campaigns": (found.campaigns, _CAMPAIGN_RETURNS),
        "ends": (found.ends, _TERM_RETURNS),
        "claims": (found.effects, _EFFECT_RETURNS),
        "tries a fenced write": (found.effects, _EFFECT_RETURNS),
        "reads the counter": (found.reads, {"has read"}),
    }
    logs: defaultdict[str, list[Event]] = defaultdict(list)
    for event in events:
        logs[event["who"]].append(event)
    for client, log in logs.items():
        log.sort(key=lambda event: int(event["at"]))
        for number, event in enumerate(log):
            if event["what"] in kinds:
                operations, returns = kinds[event["what"]]
                answer = _answer(event["what"], returns, log[number + 1 :])
                operations.append(_operation(client, event, answer))
    for operations in (found.campaigns, found.ends, found.effects):
        operations.sort(key=lambda one: one.invoked)
    return found


def _answer(invoked: str, returns: set[str], later: Iterable[Event]) -> Event:
    until_again = takewhile(lambda event: event["what"] != invoked, later)
    return next((event for event in until_again if event["what"] in returns), {})


def _operation(client: str, event: Event, answer: Event) -> Operation:
    result = answer.get("what", "never returned")
    unknown = result in _NEVER_KNOWN or answer.get("why") == "StoreUnavailable"
    return Operation(
        client=client,
        invoked=event["at"],
        returned=None if unknown else answer["at"],
        result="unknown" if unknown else result,
        facts={**event, **answer},
    )
