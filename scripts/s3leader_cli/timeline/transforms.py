"""The data sets of the specification: what is matched, what is visible, what is counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

_MATCHES = "shown[datum.o] && (needle == '' || indexof(datum.h, needle) >= 0)"
_IN_VIEW = "datum.e >= domain[0] && datum.s <= domain[1]"
_PARTS = 4096
_TICK_IN_VIEW = "datum.k >= domain[0] && datum.k <= domain[1]"


def data_sets(values: Mapping[str, Any], *, overview: bool) -> list[Json]:
    """Return the data sets, those of `values` with their values."""
    given: list[Json] = [{"name": name, "values": values[name]} for name in values]
    derived = [*_terms(), *_links(), *_ticks(), *(_overview() if overview else [])]
    return given + derived


def _terms() -> list[Json]:
    return [
        _derive("matched", "terms", _filter(_MATCHES)),
        _derive("alarming", "matched", _filter("datum.a")),
        # Ordinary terms are counted once, in 4,096 parts of the ledger. Only where those are too
        # coarse do they pass through the transforms one by one, at each step of a zoom.
        _derive(
            "parts",
            "matched",
            _filter("!datum.a"),
            _formula("c", f"floor((datum.s - range[0]) / (range[1] - range[0]) * {_PARTS})"),
            _count("g", "c", "o"),
        ),
        _derive("parts_in_view", "parts", _filter(f"!fine && {_IN_VIEW}")),
        _derive("visible", "matched", _filter(f"fine && {_IN_VIEW}")),
        _derive("crowd", "visible", _filter("dense && !datum.a")),
        _derive(
            "columns",
            ["parts_in_view", "crowd"],
            _formula("c", "floor(datum.s / cell)"),
            _count("g", "c", "o"),
            {"type": "stack", "groupby": ["g", "c"], "field": "n", "as": ["y0", "y1"]},
        ),
        _derive("bars", "visible", _filter("!dense && !datum.a")),
        # Two pixels show one alarming term of each outcome, however many are there. Shapes need
        # more room: they show one in ten.
        _derive(
            "alarms",
            "alarming",
            _filter(_IN_VIEW),
            _formula("c", "dense ? floor(datum.s * per_ms / 2) : datum.i"),
            _count("g", "c", "o"),
        ),
        _derive("roomy_bars", "bars", _filter("roomy")),
        _derive(
            "shapes",
            ["roomy_bars", "alarms"],
            _formula("c", "roomy ? datum.i : floor(datum.s * per_ms / 10)"),
            _count("g", "c", "o"),
        ),
    ]


def _links() -> list[Json]:
    both = "shown[datum.o] && shown[datum.p] && needle == ''"
    room = "(datum.kind == 'takeover' || !dense)"
    return [_derive("joins", "links", _filter(f"{both} && {room} && {_IN_VIEW}"))]


def _ticks() -> list[Json]:
    done = [_filter("datum.k != null"), _formula("d", "datum.o == 'completed' ? 1 : 0")]
    part = f"floor((datum.k - range[0]) / (range[1] - range[0]) * {_PARTS})"
    crowded = "floor(datum.k * per_ms / 2)"
    return [
        _derive("tick_times", "matched", *done, _aggregate(["k"], max="d")),
        _derive("tick_parts", "tick_times", _formula("c", part), _aggregate(["c", "d"], min="k")),
        _derive("tick_parts_in_view", "tick_parts", _filter(f"!fine && {_TICK_IN_VIEW}")),
        _derive("visible_ticks", "tick_times", _filter(f"fine && {_TICK_IN_VIEW}")),
        _derive(
            "tick_marks",
            ["tick_parts_in_view", "visible_ticks"],
            _formula("c", f"dense ? {crowded} : datum.k"),
            _aggregate(["c", "d"], min="k"),
        ),
        _derive(
            "missed_marks",
            "missed",
            _filter(_TICK_IN_VIEW),
            _formula("c", "floor(datum.k * per_ms / 3)"),
            {
                "type": "aggregate",
                "groupby": ["c"],
                "ops": ["min", "max", "count"],
                "fields": ["k", "k", None],
                "as": ["k", "last", "n"],
            },
        ),
        _derive("missed_lines", "missed_marks", _filter("length(data('missed_marks')) <= 24")),
    ]


def _overview() -> list[Json]:
    cell = "floor((datum.s - range[0]) / (range[1] - range[0]) * plot / 2)"
    return [
        _derive("overview_counts", "parts", _formula("c", cell), _aggregate(["c"], sum="n")),
        _derive(
            "overview_alarms", "alarming", _formula("c", cell), _aggregate(["c", "o"], min="s")
        ),
    ]


def _count(*groups: str) -> Json:
    """Count terms; keep when the first started, when the last ended, and the first's position."""
    return {
        "type": "aggregate",
        "groupby": [*groups],
        "ops": ["sum", "min", "max", "min", "min"],
        "fields": ["n", "s", "e", "i", "t"],
        "as": ["n", "s", "e", "i", "t"],
    }


def _aggregate(groups: list[str], **fields: str) -> Json:
    return {
        "type": "aggregate",
        "groupby": groups,
        "ops": [*fields],
        "fields": [*fields.values()],
        "as": [*fields.values()],
    }


def _derive(name: str, source: str | list[str], *transforms: Json) -> Json:
    return {"name": name, "source": source, "transform": [*transforms]}


def _filter(expr: str) -> Json:
    return {"type": "filter", "expr": expr}


def _formula(name: str, expr: str) -> Json:
    return {"type": "formula", "as": name, "expr": expr}
