"""The signals of the specification: settings, sizes, and the gestures that zoom and pan."""

from __future__ import annotations

from typing import Any, TypeAlias

from .palette import LOOKS, themes

Json: TypeAlias = dict[str, Any]

_SIZES = {
    "plot": "max(80, width - left - 18)",
    "lane_count": "max(1, length(data('groups')))",
    "lane": "lane_count <= 2 ? 84 : lane_count <= 5 ? 60 : lane_count <= 12 ? 40 : 26",
    "lanes_y": "30",
    "lanes_height": "lane_count * lane",
    "overview_y": "lanes_y + lanes_height + 50",
    "overview_height": "46",
}
_DENSITY = {
    "per_ms": "plot / max(1, domain[1] - domain[0])",
    # Cells of three pixels begin at multiples of their length in time: they keep still in a pan.
    "cell": "3 / per_ms",
    # Whether terms are drawn from themselves, not from the counts of parts of the ledger.
    "fine": "length(data('matched')) < 5000 || domain[1] - domain[0] < (range[1] - range[0]) / 10",
    "dense": "!fine || length(data('visible')) > 0.5 * plot",
    "roomy": "!dense && length(data('visible')) < plot / 14",
}
_WITHIN = "clampRange({}, range[0], range[1])"
_EDGES = "[scale('whole', domain[0]) + left, scale('whole', domain[1]) + left]"


def settings(given: Json) -> list[Json]:
    """Return the signals that are set from outside, with the values `given`."""
    values: Json = {
        "width": 1000,
        "theme": themes()["light"],
        "range": [0, 1],
        "shown": dict.fromkeys(LOOKS, True),
        "needle": "",
        "left": 190,
    } | given
    return [{"name": name, "value": value} for name, value in values.items()]


def view(*, overview: bool) -> list[Json]:
    """Return the signals that follow from the settings: sizes, and what there is room for."""
    bottom = "overview_y + overview_height + 24" if overview else "lanes_y + lanes_height + 24"
    sizes = {**_SIZES, "height": bottom}
    most = {"column_most": _most("columns", "y1")}
    if overview:
        most["overview_most"] = _most("overview_counts", "n")
    updates = {**sizes, **_DENSITY, **most}
    return [{"name": name, "update": update} for name, update in updates.items()]


def _most(data: str, field: str) -> str:
    return f"max(1, extent(pluck(data('{data}'), '{field}'))[1] || 1)"


def whole_range() -> list[Json]:
    """Return the section of time that is shown, for a drawing that nobody zooms."""
    return [{"name": "domain", "update": "range"}]


def gestures() -> list[Json]:
    """Return the section of time that is shown, and what moves it.

    The script sets `zoom` ({anchor, factor}; null is the middle) and `pan` (a part of the section).
    A drag pans in the lanes; in the overview it moves the brush or an edge of it, or draws it anew.
    """
    middle = "(zoom.anchor == null ? (domain[0] + domain[1]) / 2 : zoom.anchor)"
    at = "invert('x', clamp(x() - left, 0, plot))"
    return [
        {"name": "zoom", "value": None, "on": [_wheel(at)]},
        {"name": "pan", "value": 0},
        {"name": "press", "value": None, "on": [{"events": "pointerdown", "update": _press()}]},
        {
            "name": "drag",
            "value": None,
            "on": [
                {
                    "events": "[pointerdown, window:pointerup] > window:pointermove!",
                    "update": "{x: x()}",
                }
            ],
        },
        {
            # No `update`: it would undo what the script sets.
            "name": "domain",
            "value": [0, 1],
            "on": [
                {"events": {"signal": "zoom"}, "update": _limited(middle)},
                {"events": {"signal": "pan"}, "update": _WITHIN.format("panLinear(domain, -pan)")},
                {"events": {"signal": "drag"}, "update": _dragged()},
            ],
        },
    ]


def _wheel(at: str) -> Json:
    """Zoom at the pointer; sideways, or with Shift, the page's script pans."""
    factor = "pow(1.002, event.deltaY * pow(16, event.deltaMode))"
    return {
        "events": {"type": "wheel", "consume": True, "filter": "!event.shiftKey && event.deltaY"},
        "update": f"{{anchor: {at}, factor: {factor}}}",
    }


def _limited(middle: str) -> str:
    """Return a zoom that ends at five seconds."""
    span = "zoom.factor * (domain[1] - domain[0])"
    zoomed = _WITHIN.format(f"zoomLinear(domain, {middle}, zoom.factor)")
    return f"{span} < 5000 && zoom.factor < 1 ? domain : {zoomed}"


def _press() -> str:
    """Note where a drag begins, and what it drags."""
    whole = "domain[1] - domain[0] > 0.98 * (range[1] - range[0])"
    edge = "abs(x() - {edges}[{end}]) < 7"
    first, last = (edge.format(edges=_EDGES, end=end) for end in (0, 1))
    inside = f"inrange(x(), {_EDGES})"
    what = (
        f"y() < overview_y ? 'section' : {first} ? 'first' : {last} ? 'last'"
        f" : {whole} || !{inside} ? 'new' : 'brush'"
    )
    return f"{{x: x(), domain: domain, what: {what}}}"


def _dragged() -> str:
    """Return the section while something is dragged."""
    here, there = (f"invert('whole', clamp({at} - left, 0, plot))" for at in ("drag.x", "press.x"))
    # A positive part of `panLinear` goes back in time.
    moved = "panLinear(press.domain, (drag.x - press.x) / plot)"
    span = "(press.domain[1] - press.domain[0])"
    shift = f"((press.x - drag.x) / plot * (range[1] - range[0]) / {span})"
    brush = f"panLinear(press.domain, {shift})"
    least = "max(5000, (range[1] - range[0]) / 100000)"
    return (
        f"press.what == 'section' ? {_WITHIN.format(moved)}"
        f" : press.what == 'brush' ? {_WITHIN.format(brush)}"
        f" : press.what == 'first' ? [min({here}, press.domain[1] - {least}), press.domain[1]]"
        f" : press.what == 'last' ? [press.domain[0], max({here}, press.domain[0] + {least})]"
        f" : abs(drag.x - press.x) < 3 ? press.domain"
        f" : [min({here}, {there}), max({here}, {there})]"
    )
