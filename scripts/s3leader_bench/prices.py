"""What Amazon charges for counted requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final, Self

MONTH_S: Final = 730 * 3600

# What each kind of request is charged as, and how often. A failed conditional write costs as much;
# its `ReturnValuesOnConditionCheckFailure` costs nothing. Items of up to 1 KB: a write unit is
# 1 KB, a read unit a consistent read of 4 KB, or two reads that are not.
_S3: Final = {"LIST": "put", "PUT": "put", "tag": "put", "GET": "get", "HEAD": "get", "DELETE": ""}
_DYNAMODB: Final = {
    **dict.fromkeys(("PutItem", "UpdateItem", "DeleteItem"), ("write", 1.0)),
    **dict.fromkeys(("GetItem", "Query"), ("read", 0.5)),
    **dict.fromkeys(("consistent GetItem", "consistent Query"), ("read", 1.0)),
    "TransactWriteItems": ("write", 2.0),  # an item
    "TransactGetItems": ("read", 2.0),
    "DescribeTable": ("", 0.0),
}


@dataclass(frozen=True, slots=True)
class Prices:
    """Dollars for a million, in us-east-1, November 2026: requests to S3, units of DynamoDB.

    `put` is also the price of LIST and of tagging. `write` and `read` are on-demand request units.
    """

    put: float = 5.0
    get: float = 0.4
    write: float = 0.625
    read: float = 0.125

    @classmethod
    def parsed(cls, settings: Sequence[str]) -> Self:
        """Return the prices, with those in `NAME=DOLLARS` replaced.

        Raises:
            ValueError: a setting has another form or an unknown name.
        """
        names = [field.name for field in fields(cls)]
        found = {}
        for setting in settings:
            name, equals, dollars = setting.partition("=")
            try:
                found[name] = float(dollars)
            except ValueError:
                found[name] = -1.0
            if not equals or name not in names or not found[name] >= 0:
                raise ValueError(
                    f"expected a price like {names[0]}=5.0, of {', '.join(names)}; got {setting!r}"
                )
        return cls(**found)

    def dollars(self, requests: Mapping[str, float]) -> float:
        """Return the price of requests by kind.

        Raises:
            RuntimeError: no price of a kind is known.
        """
        return sum(self._of(kind) * number for kind, number in requests.items()) / 1e6

    def _of(self, kind: str) -> float:
        operation, _, items = kind.partition(" of ")
        if operation in _S3:
            name, units = _S3[operation], 1.0
        elif operation in _DYNAMODB:
            name, units = _DYNAMODB[operation]
        else:
            raise RuntimeError(
                f"no price is known for requests of the kind {kind!r}; add it to {__name__}"
            )
        price: float = getattr(self, name) if name else 0.0
        return price * units * int(items or 1)

    @property
    def of_s3(self) -> str:
        """The prices of S3 as a clause."""
        return f"${self.put:g} for a million PUT or LIST, ${self.get:.2f} for a million GET"

    @property
    def of_dynamodb(self) -> str:
        """The prices of DynamoDB as a clause."""
        return f"${self.write:g} for a million write units on demand, ${self.read:g} for read units"
