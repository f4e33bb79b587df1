"""What Amazon charges for counted requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from s3leader_bench.bench import Bench
from s3leader_bench.rounds import measure
from s3leader_bench.sections.cases import Cases
from s3leader_bench.tables import Table, by_kind

# Dollars a million, us-east-1, November 2026. A failed conditional write costs as much.
S3_PRICES: Final = {"LIST": 5.0, "PUT": 5.0, "tag": 5.0, "GET": 0.4, "DELETE": 0.0}
_MINUTES: Final = 60 * 24 * 30
_PARTS: Final = {
    "a win and its end, warm": ("win, warm", "resign"),
    "a win and its end, cold": ("win, cold", "resign"),
    "a loss, warm": ("lose, warm",),
    "a loss, cold": ("lose, cold",),
    "a takeover and its end": ("take over, cold", "resign"),
}


def run(bench: Bench) -> list[Table]:
    """Count the requests and multiply."""
    bench.steps(1)
    cases = Cases(bench, 10).all()
    counted = {name: measure(cases[name], bench.stub.counts, 1).requests for name in cases}
    bench.advance()
    rows = []
    for name, parts in _PARTS.items():
        total: dict[str, float] = {}
        for part in parts:
            for kind, number in counted[part].items():
                total[kind] = total.get(kind, 0) + number
        rows.append((name, by_kind(total), dollars(total) * 1e6))
    standby = counted["standby for a minute"]
    month = f"a standby's month, {_MINUTES:,} campaigns of a minute"
    rows.append((month, by_kind(standby), dollars(standby) * _MINUTES))
    return [
        Table(
            "Dollars for a million ticks, and for one standby's month",
            ("what", "requests", "dollars"),
            rows,
            "By S3's prices in us-east-1, November 2026: $5 for a million PUT or LIST, $0.40 for a"
            " million GET. Lambda, storage and traffic are not included.",
        )
    ]


def dollars(requests: Mapping[str, float]) -> float:
    """Return the price of requests; an unknown kind is an error."""
    return sum(S3_PRICES[kind] * number for kind, number in requests.items()) / 1e6
