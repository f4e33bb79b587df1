"""Terms as `lock_as_json` returns them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from s3leader_cli.timeline.data import timeline_data

START = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
HOLDER = "nightly-eu/657c11bf-ce42-9edd-c3d3-561f903e07b5/9b7d630d"


def at(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat()


def term(number: int, outcome: str | None = "completed", **others: Any) -> dict[str, Any]:
    """Return a term of 20 s that starts a second after its tick; ticks are a minute apart."""
    second = 60 * number
    sealed = outcome is not None
    return {
        "term": number,
        "expired": sealed,
        "outcome": outcome,
        "holder": HOLDER,
        "tick": at(second),
        "started_at": at(second + 1),
        "ended_at": at(second + 21) if sealed else None,
        "modified_at": at(second + 21),
        "seen_at": at(second + 25),
        "lease_ms": 30000,
        "state": {},
        **others,
    }


def data_of(*terms: dict[str, Any], **others: Any) -> dict[str, Any]:
    return timeline_data(terms, **{"election": "nightly", "generated_at": START, **others})


def drawn(*terms: dict[str, Any], **others: Any) -> list[str]:
    """Return the outcomes as they are drawn."""
    data = data_of(*terms, **others)
    return [data["outcomes"][index] for index in data["terms"]["outcome"]]
