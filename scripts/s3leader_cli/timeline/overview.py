"""The whole ledger in small, below the lanes, with the brush that says what the lanes show."""

from __future__ import annotations

from .pieces import COLOUR, Json, axis, group, mark, signal


def overview() -> Json:
    """Return the whole ledger in small, with the brush."""
    drawn = group(
        "overview",
        y="overview_y",
        height="overview_height",
        marks=[
            *_terms(),
            *_brush(),
        ],
    )
    del drawn["encode"]["update"]["clip"]  # which would cut the axis off
    drawn["scales"] = [
        {
            "name": "overview_y_scale",
            "type": "sqrt",
            "domain": [0, signal("overview_most")],
            "range": [signal("overview_height"), 10],
        }
    ]
    drawn["axes"] = [axis("whole")]
    return drawn


def _terms() -> list[Json]:
    cell = "datum.c * 2"
    counts = {
        "x": signal(cell),
        "width": {"value": 2},
        "y": {"scale": "overview_y_scale", "field": "n"},
        "y2": signal("overview_height"),
        "fill": signal("theme.quiet"),
        "fillOpacity": {"value": 0.55},
    }
    alarms = {
        "x": signal(cell),
        "width": {"value": 2},
        "y": {"value": 8},
        "y2": signal("overview_height"),
        "fill": COLOUR,
    }
    missed = {
        "x": signal("scale('whole', datum.k)"),
        "y": {"value": 4},
        "shape": signal("missed_shape"),
        "size": {"value": 22},
        "fill": signal("theme.missed"),
    }
    return [
        mark("rect", "overview_count", "overview_counts", counts, interactive=False),
        mark("rect", "overview_alarm", "overview_alarms", alarms, interactive=False),
        mark("symbol", "overview_missed", "missed", missed, interactive=False),
    ]


def _brush() -> list[Json]:
    first, last = "scale('whole', domain[0])", "scale('whole', domain[1])"
    window = {
        "x": signal(first),
        "x2": signal(f"max({first} + 2, {last})"),
        "y": {"value": 0},
        "y2": signal("overview_height"),
        "fill": signal("theme.brush"),
        "fillOpacity": {"value": 0.14},
        "stroke": signal("theme.brush"),
        "strokeWidth": {"value": 1.5},
        "cursor": {"value": "grab"},
    }
    return [{"type": "rect", "name": "brush", "encode": {"update": window}}]
