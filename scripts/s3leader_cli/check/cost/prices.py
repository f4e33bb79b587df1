"""The prices of AWS, in US dollars: defaults, which options replace."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

AS_OF = "November 2026, us-east-1, without the free tier and without discounts for volume"
SOURCES = (
    "https://aws.amazon.com/s3/pricing/",
    "https://aws.amazon.com/lambda/pricing/",
    "https://aws.amazon.com/eventbridge/pricing/",
)


def _price(default: float, text: str) -> Any:  # noqa: ANN401 - as `field`
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True, kw_only=True)
class Prices:
    """Each is for the number that its help names."""

    put: float = _price(0.005, "1,000 PUT requests, tags included")
    list: float = _price(0.005, "1,000 LIST requests")
    get: float = _price(0.0004, "1,000 GET requests")
    storage: float = _price(0.023, "1 GB of S3 Standard for a month")
    tag: float = _price(0.0065, "10,000 object tags for a month")
    invocation: float = _price(0.20, "1,000,000 Lambda invocations")
    gb_second: float = _price(0.0000133334, "1 GB-second of Lambda on arm64")
    schedule: float = _price(1.00, "1,000,000 invocations by EventBridge Scheduler")


HELP = {each.name: str(each.metadata["help"]) for each in fields(Prices)}
DEFAULTS = {each.name: float(each.default) for each in fields(Prices)}  # type: ignore[arg-type]  # each has one
