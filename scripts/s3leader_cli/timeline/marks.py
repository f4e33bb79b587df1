"""The marks of the specification: what is drawn, from the back to the front."""

from __future__ import annotations

from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

_X = "(datum.s - domain[0]) * per_ms"
_X2 = f"max({_X} + 2, min(plot + 9, (datum.e - domain[0]) * per_ms))"
_TOP = "datum.g * lane + lane * 0.4"
_BAR = "lane * 0.46"
_MIDDLE = "lane * 0.63"
_FORMAT = {
    "year": "%Y", "month": "%b %Y", "week": "%d %b", "day": "%d %b", "date": "%d %b",
    "hours": "%H:%M", "minutes": "%H:%M", "seconds": "%H:%M:%S", "milliseconds": "%H:%M:%S",
}  # fmt: skip
_COLOUR = {"scale": "colour", "field": "o"}
# Shares of colour in the fill: outcomes that end no tick are paler, which tells them apart too.
_FILLED = "datum.o == 'resigned' || datum.o == 'sealed' ? 0.25 : datum.o == 'continued' ? 0.6 : 1"


def tick_lane() -> Json:
    """Return the lane of ticks: done ones are filled, others hollow, missed ones crosses."""
    crowded = "length(data('tick_marks')) > plot / 9"
    x = "(datum.k - domain[0]) * per_ms"
    tick = {
        "x": _signal(x),
        "y": _signal(f"{crowded} ? 20 : 19"),
        "shape": _signal(f"{crowded} ? 'stroke' : 'triangle-down'"),
        "angle": _signal(f"{crowded} ? 90 : 0"),
        "size": _signal(f"{crowded} ? 60 : 55"),
        "fill": _signal("datum.d ? theme.quiet : theme.paper"),
        "stroke": _signal("theme.quiet"),
        "strokeWidth": _signal(f"{crowded} ? 1 : 1.2"),
    }
    missed = {
        "x": _signal(x),
        "y": {"value": 16},
        "shape": _signal("missed_shape"),
        "size": {"value": 60},
        "fill": _signal("theme.missed"),
    }
    return _group(
        "ticks",
        y="0",
        height="lanes_y",
        marks=[
            _mark("symbol", "tick", "tick_marks", tick),
            _mark("symbol", "missed_tick", "missed_marks", missed),
        ],
    )


def lanes() -> Json:
    """Return a lane for each contender, with its terms."""
    return _group(
        "lanes",
        y="lanes_y",
        height="lanes_height",
        fill="'transparent'",
        marks=[
            _mark("rect", "lane", "groups", _lane(), interactive=False),
            _mark("rule", "missed_line", "missed_lines", _missed_line(), interactive=False),
            _mark("rect", "column", "columns", _column()),
            _mark("rule", "join", "joins", _join(), interactive=False),
            _mark("rect", "bar", "bars", _bar()),
            _mark("rect", "alarm", "alarms", _bar()),
            _mark("symbol", "shape", "shapes", _shape()),
            _mark("text", "number", "bars", _number(), interactive=False),
            _mark("rect", "selection", "selected", _selection(), interactive=False),
        ],
    )


def names() -> Json:
    """Return the names of the lanes, at their left."""
    return _mark(
        "text",
        "name",
        "groups",
        {
            "x": _signal("left - 12"),
            "y": _signal(f"lanes_y + datum.g * lane + {_MIDDLE}"),
            "align": {"value": "right"},
            "baseline": {"value": "middle"},
            "text": {"field": "name"},
            "limit": _signal("left - 20"),
            "fontSize": _signal("lane < 30 ? 11 : 13"),
            "fill": _signal("theme.ink"),
        },
        interactive=False,
    )


def tick_name() -> Json:
    """Return the name of the lane of ticks."""
    return {
        "type": "text",
        "interactive": False,
        "encode": {
            "update": {
                "x": _signal("left - 12"),
                "y": {"value": 17},
                "align": {"value": "right"},
                "baseline": {"value": "middle"},
                "text": {"value": "ticks"},
                "fontSize": {"value": 12},
                "fill": _signal("theme.quiet"),
            }
        },
    }


def overview() -> Json:
    """Return the whole ledger in small, with the brush."""
    cell = "datum.c * 2"
    counts = {
        "x": _signal(cell),
        "width": {"value": 2},
        "y": {"scale": "overview_y_scale", "field": "n"},
        "y2": _signal("overview_height"),
        "fill": _signal("theme.quiet"),
        "fillOpacity": {"value": 0.55},
    }
    alarms = {
        "x": _signal(cell),
        "width": {"value": 2},
        "y": {"value": 8},
        "y2": _signal("overview_height"),
        "fill": _COLOUR,
    }
    missed = {
        "x": _signal("scale('whole', datum.k)"),
        "y": {"value": 4},
        "shape": _signal("missed_shape"),
        "size": {"value": 22},
        "fill": _signal("theme.missed"),
    }
    group = _group(
        "overview",
        y="overview_y",
        height="overview_height",
        marks=[
            _mark("rect", "overview_count", "overview_counts", counts, interactive=False),
            _mark("rect", "overview_alarm", "overview_alarms", alarms, interactive=False),
            _mark("symbol", "overview_missed", "missed", missed, interactive=False),
            *_brush(),
        ],
    )
    del group["encode"]["update"]["clip"]  # which would cut the axis off
    group["scales"] = [
        {
            "name": "overview_y_scale",
            "type": "sqrt",
            "domain": {"data": "overview_counts", "field": "n"},
            "domainMin": 0,
            "range": [_signal("overview_height"), 10],
        }
    ]
    group["axes"] = [_axis("whole")]
    return group


def _brush() -> list[Json]:
    first, last = "scale('whole', domain[0])", "scale('whole', domain[1])"
    window = {
        "x": _signal(first),
        "x2": _signal(f"max({first} + 2, {last})"),
        "y": {"value": 0},
        "y2": _signal("overview_height"),
        "fill": _signal("theme.brush"),
        "fillOpacity": {"value": 0.14},
        "stroke": _signal("theme.brush"),
        "strokeWidth": {"value": 1.5},
        "cursor": {"value": "grab"},
    }
    return [{"type": "rect", "name": "brush", "encode": {"update": window}}]


def _group(name: str, *, y: str, height: str, marks: list[Json], fill: str = "theme.lane") -> Json:
    drawn = {
        "x": _signal("left"),
        "y": _signal(y),
        "width": _signal("plot"),
        "height": _signal(height),
        "fill": _signal(fill),
        "clip": {"value": True},
    }
    return {"type": "group", "name": name, "encode": {"update": drawn}, "marks": marks}


def backdrop() -> Json:
    """Return what lies behind the lanes: their ground, the time axis and its lines."""
    size = {"height": "lanes_height", "width": "plot"}
    drawn = {
        "x": _signal("left"),
        "y": _signal("lanes_y"),
        "width": _signal("plot"),
        "height": _signal("lanes_height"),
        "fill": _signal("theme.lane"),
    }
    return {
        "type": "group",
        "interactive": False,
        "encode": {"update": drawn},
        "signals": [{"name": name, "update": update} for name, update in size.items()],
        "axes": [_axis("x", lines=True)],
    }


def _axis(scale: str, *, lines: bool = False) -> Json:
    return {
        "scale": scale,
        "orient": "bottom",
        "formatType": "utc",
        "format": _FORMAT,
        "grid": lines,
        "gridColor": _signal("theme.grid"),
        "domainColor": _signal("theme.grid"),
        "tickColor": _signal("theme.grid"),
        "labelColor": _signal("theme.quiet"),
        "labelFontSize": 11 if not lines else 12,
        "labelFlush": True,
        "labelOverlap": True,
        "tickCount": _signal("ceil(plot / 110)"),
    }


def _lane() -> Json:
    return {
        "x": {"value": 0},
        "x2": _signal("plot"),
        "y": _signal("datum.g * lane"),
        "height": {"value": 1},
        "fill": _signal("theme.grid"),
    }


def _missed_line() -> Json:
    return {
        "x": _signal("(datum.k - domain[0]) * per_ms"),
        "y": {"value": 0},
        "y2": _signal("lanes_height"),
        "stroke": _signal("theme.missed"),
        "strokeWidth": {"value": 1},
        "strokeDash": {"value": [3, 3]},
        "strokeOpacity": {"value": 0.7},
    }


def _bar() -> Json:
    return {
        "x": _signal(f"max(-9, {_X})"),
        "x2": _signal(_X2),
        "y": _signal(_TOP),
        "height": _signal(_BAR),
        "fill": _COLOUR,
        "fillOpacity": _signal(_FILLED),
        "stroke": _COLOUR,
        "strokeWidth": _signal("dense ? 0 : 0.75"),
        "cornerRadius": _signal(f"{_X2} - {_X} > 8 ? 2 : 0"),
        "cursor": {"value": "pointer"},
    }


def _column() -> Json:
    """Return a column whose height is the share of the fullest column in sight."""
    bottom = f"datum.g * lane + lane * 0.86 - {_BAR} * datum.{{}} / column_most"
    return {
        "x": _signal("(datum.c * cell - domain[0]) * per_ms"),
        "width": {"value": 3},
        "y": _signal(bottom.format("y1")),
        "y2": _signal(bottom.format("y0")),
        "fill": _COLOUR,
        "fillOpacity": {"value": 0.75},
        "cursor": {"value": "zoom-in"},
    }


def _join() -> Json:
    takeover = "datum.kind == 'takeover'"
    return {
        "x": _signal(_X),
        "x2": _signal("(datum.e - domain[0]) * per_ms"),
        "y": _signal(f"datum.g * lane + {_MIDDLE}"),
        "y2": _signal(f"datum.h * lane + {_MIDDLE}"),
        "stroke": _COLOUR,
        "strokeWidth": _signal(f"{takeover} ? 1.5 : 3"),
        "strokeDash": _signal(f"{takeover} ? [4, 2] : [1, 0]"),
    }


def _shape() -> Json:
    return {
        "x": _signal(f"clamp({_X} + (roomy ? min(6, ({_X2} - {_X}) / 2) : 1), 6, plot - 6)"),
        "y": _signal("datum.g * lane + lane * 0.2"),
        "shape": {"scale": "shape", "field": "o"},
        "size": _signal("lane < 30 ? 36 : 70"),
        "fill": _COLOUR,
        "stroke": _COLOUR,
        "strokeWidth": {"value": 0.5},
        "cursor": {"value": "pointer"},
    }


def _number() -> Json:
    """Return the term's number, where its bar has room for it."""
    room = f"min(plot, {_X2}) - max(0, {_X}) > 14 + 7 * length(toString(datum.t))"
    return {
        "x": _signal(f"(max(0, {_X}) + min(plot, {_X2})) / 2"),
        "y": _signal(f"datum.g * lane + {_MIDDLE}"),
        "align": {"value": "center"},
        "baseline": {"value": "middle"},
        "text": _signal(f"lane >= 26 && {room} ? datum.t : ''"),
        "fontSize": _signal("lane < 30 ? 10 : 12"),
        "fill": _signal("datum.o == 'resigned' || datum.o == 'sealed' ? theme.ink : theme.paper"),
    }


def _selection() -> Json:
    return {
        "x": _signal(f"{_X} - 3"),
        "x2": _signal(f"{_X2} + 3"),
        "y": _signal("datum.g * lane + 3"),
        "height": _signal("lane - 6"),
        "fill": {"value": "transparent"},
        "stroke": _signal("theme.ink"),
        "strokeWidth": {"value": 2},
        "cornerRadius": {"value": 4},
    }


def _mark(kind: str, name: str, data: str, update: Json, *, interactive: bool = True) -> Json:
    return {
        "type": kind,
        "name": name,
        "from": {"data": data},
        "interactive": interactive,
        "encode": {"update": update},
    }


def _signal(expression: str) -> Json:
    return {"signal": expression}
