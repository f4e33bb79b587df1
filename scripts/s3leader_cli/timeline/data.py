"""The terms of an election as columns of plain values, for the page and for the SVG.

Columns are a third of the size of objects, which matters at fifty thousand terms. Times are
milliseconds since 1970, all of them S3's. `groups` are the lanes, `links` join a term to the next.
Texts may come from anybody who can write to the bucket, so control characters in them are escaped.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, TypeAlias

from s3leader_cli.streams import printable

from .lanes import lanes
from .palette import LOOKS

Terms: TypeAlias = Sequence[Mapping[str, Any]]
_MOST_STATE, _LEAST_STATE = 600, 60  # characters of a state that the page shows
_ALL_STATES = 4_000_000  # characters of all states together
_MARGIN = 0.02  # of the time axis, on both sides of the terms
_LEAST_SPAN_MS = 10_000


def timeline_data(
    terms: Terms,
    *,
    election: str,
    generated_at: datetime,  # S3's time
    standing: Literal["held", "lapsed"] = "held",
    missed: Iterable[datetime] = (),
    schedule: str | None = None,
    older: int = 0,
) -> dict[str, Any]:
    """Return what is drawn of `terms`, which are as `lock_as_json` returns them, in any order.

    `standing` is that of the highest lock if it is not sealed. `missed` are the ticks that no term
    was led for, `schedule` says whose. `older` terms precede those given.
    """
    ordered = sorted(terms, key=lambda term: int(term["term"]))
    now = _ms(generated_at)
    starts, ends = _times(ordered, now)
    outcomes = [_outcome(term, "lapsed") for term in ordered]
    if ordered:
        outcomes[-1] = _outcome(ordered[-1], standing)
    names, lane_of = lanes([term.get("holder") for term in ordered])
    ticks = [_ms(term.get("tick")) for term in ordered]
    gone = sorted({_ms(tick) for tick in missed} - {*ticks, None}, key=lambda tick: tick or 0)
    return {
        "election": printable(election),
        "generated_at": now,
        "schedule": schedule,
        "older": older,
        "range": _range([*starts, *ends, *(tick for tick in [*ticks, *gone] if tick)], now),
        "groups": [printable(name) for name in names],
        "outcomes": [*LOOKS],
        "terms": {
            "term": [term["term"] for term in ordered],
            "start": starts,
            "end": ends,
            "outcome": [[*LOOKS].index(outcome) for outcome in outcomes],
            "group": lane_of,
            "tick": ticks,
            **_details(ordered),
        },
        "missed": gone,
        "links": _links(ordered, outcomes),
    }


def _details(ordered: Terms) -> dict[str, list[Any]]:
    room = max(_LEAST_STATE, min(_MOST_STATE, _ALL_STATES // max(1, len(ordered))))
    return {
        "holder": [_text(term.get("holder")) for term in ordered],
        "reason": [_text(term.get("problem") or term.get("reason")) for term in ordered],
        "attempt": [term.get("attempt", 1) for term in ordered],
        "leg": [term.get("leg", 1) for term in ordered],
        "renewals": [term.get("renewals", 0) for term in ordered],
        "lease": [term.get("lease_ms") for term in ordered],
        "repeat": [_repeat(term) for term in ordered],
        "state": [_state(term.get("state"), room) for term in ordered],
    }


def _outcome(term: Mapping[str, Any], standing: str) -> str:
    if term.get("problem"):
        return "corrupt"
    if not term.get("expired"):
        return standing
    outcome = term.get("outcome")
    return outcome if outcome in LOOKS and outcome not in {"held", "lapsed"} else "sealed"


def _times(ordered: Terms, now: int | None) -> tuple[list[int], list[int]]:
    """Return when each term started and ended; a corrupt lock has no times of its own."""
    starts: list[int] = []
    ends: list[int] = []
    found = (_first(term, "started_at", "modified_at") for term in ordered)
    known = next((start for start in found if start is not None), now or 0)
    for term in ordered:
        start = _first(term, "started_at", "modified_at")
        start = known if start is None else start
        last = ("ended_at", "modified_at") if term.get("expired") else ("seen_at", "modified_at")
        end = _first(term, *last)
        known = start if end is None else max(start, end)
        starts.append(start)
        ends.append(known)
    return starts, ends


def _first(term: Mapping[str, Any], *names: str) -> int | None:
    return next((_ms(term[name]) for name in names if term.get(name) is not None), None)


def _range(moments: list[int], now: int | None) -> list[int]:
    least, most = min(moments, default=now or 0), max(moments, default=now or 0)
    margin = max(_LEAST_SPAN_MS / 2, (most - least) * _MARGIN)
    return [int(least - margin), int(most + margin)]


def _links(ordered: Terms, outcomes: list[str]) -> list[list[Any]]:
    """Return from which position to the next there is a `leg` or a `takeover`."""
    links: list[list[Any]] = []
    for i in range(len(ordered) - 1):
        here, there = ordered[i], ordered[i + 1]
        if there["term"] != here["term"] + 1:
            continue
        if outcomes[i] == "continued" and there.get("tick") == here.get("tick"):
            links.append([i, i + 1, "leg"])
        elif outcomes[i] in {"deposed", "lapsed"}:
            links.append([i, i + 1, "takeover"])
    return links


def _repeat(term: Mapping[str, Any]) -> str | None:
    return _text(term.get("repeat_reason") or "by an operator") if term.get("repeat") else None


def _state(state: object, room: int) -> str | None:
    if not state:
        return None
    text = printable(json.dumps(state, ensure_ascii=False))
    return text if len(text) <= room else f"{text[:room]}… ({len(text):,} characters)"


def _text(text: str | None) -> str | None:
    return None if text is None else printable(text)


def _ms(moment: datetime | str | None) -> int | None:
    if moment is None:
        return None
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return round(moment.timestamp() * 1000)
