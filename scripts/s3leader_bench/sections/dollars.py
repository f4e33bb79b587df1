"""What the requests of each case cost."""

from __future__ import annotations

from typing import Final

from s3leader_bench.bench import Bench
from s3leader_bench.prices import MONTH_S
from s3leader_bench.rounds import measure
from s3leader_bench.sections.cases import Cases
from s3leader_bench.tables import Table, by_kind

_MINUTES: Final = MONTH_S // 60
_TAKEOVER: Final = "a takeover and its end"
_PARTS: Final = {
    "a win and its end, warm": ("win, warm", "resign"),
    "a win and its end, cold": ("win, cold", "resign"),
    "a loss, warm": ("lose, warm",),
    "a loss, cold": ("lose, cold",),
    _TAKEOVER: (_TAKEOVER,),
}


def run(bench: Bench) -> list[Table]:
    """Count the requests and multiply."""
    bench.steps(1)
    made = Cases(bench, 10)
    cases = {**made.all(), _TAKEOVER: made.take_over_and_resign}
    counted = {name: measure(cases[name], bench.stub.counts, 1).requests for name in cases}
    bench.advance()
    rows = []
    for name, parts in _PARTS.items():
        total: dict[str, float] = {}
        for part in parts:
            for kind, number in counted[part].items():
                total[kind] = total.get(kind, 0) + number
        rows.append((name, by_kind(total), bench.prices.dollars(total) * 1e6))
    standby = counted["standby for a minute"]
    month = f"a standby's month, {_MINUTES:,} campaigns of a minute"
    rows.append((month, by_kind(standby), bench.prices.dollars(standby) * _MINUTES))
    return [
        Table(
            "Dollars for a million ticks, and for one standby's month",
            ("what", "requests", "dollars"),
            rows,
            f"By S3's prices in us-east-1, November 2026: {bench.prices.of_s3}. Lambda, storage and"
            f" traffic are not included.",
        )
    ]
