"""The marks of the specification: what is drawn, from the back to the front."""

from __future__ import annotations

from .pieces import COLOUR, Json, axis, group, mark, signal

_X = "(datum.s - domain[0]) * per_ms"
_X2 = f"max({_X} + 2, min(plot + 9, (datum.e - domain[0]) * per_ms))"
_TOP = "datum.g * lane + lane * 0.4"
_BAR = "lane * 0.46"
_MIDDLE = "lane * 0.63"
# Shares of colour in the fill: outcomes that end no tick are paler, which tells them apart too.
_FILLED = "datum.o == 'resigned' || datum.o == 'sealed' ? 0.25 : datum.o == 'continued' ? 0.6 : 1"


def tick_lane() -> Json:
    """Return the lane of ticks: done ones are filled, others hollow, missed ones crosses."""
    crowded = "length(data('tick_marks')) > plot / 9"
    x = "(datum.k - domain[0]) * per_ms"
    tick = {
        "x": signal(x),
        "y": signal(f"{crowded} ? 20 : 19"),
        "shape": signal(f"{crowded} ? 'stroke' : 'triangle-down'"),
        "angle": signal(f"{crowded} ? 90 : 0"),
        "size": signal(f"{crowded} ? 60 : 55"),
        "fill": signal("datum.d ? theme.quiet : theme.paper"),
        "stroke": signal("theme.quiet"),
        "strokeWidth": signal(f"{crowded} ? 1 : 1.2"),
    }
    missed = {
        "x": signal(x),
        "y": {"value": 16},
        "shape": signal("missed_shape"),
        "size": {"value": 60},
        "fill": signal("theme.missed"),
    }
    return group(
        "ticks",
        y="0",
        height="lanes_y",
        marks=[
            mark("symbol", "tick", "tick_marks", tick),
            mark("symbol", "missed_tick", "missed_marks", missed),
        ],
    )


def lanes() -> Json:
    """Return a lane for each contender, with its terms."""
    return group(
        "lanes",
        y="lanes_y",
        height="lanes_height",
        fill="'transparent'",
        marks=[
            mark("rect", "lane", "groups", _lane(), interactive=False),
            mark("rule", "missed_line", "missed_lines", _missed_line(), interactive=False),
            mark("rect", "column", "columns", _column()),
            mark("rule", "join", "joins", _join(), interactive=False),
            mark("rect", "bar", "bars", _bar()),
            mark("rect", "alarm", "alarms", _bar()),
            mark("symbol", "shape", "shapes", _shape()),
            mark("text", "number", "bars", _number(), interactive=False),
            mark("text", "alarm_number", "alarms", _number(), interactive=False),
            mark("rect", "selection", "selected", _selection(), interactive=False),
        ],
    )


def names() -> Json:
    """Return the names of the lanes, at their left."""
    return mark(
        "text",
        "name",
        "groups",
        {
            "x": signal("left - 12"),
            "y": signal(f"lanes_y + datum.g * lane + {_MIDDLE}"),
            "align": {"value": "right"},
            "baseline": {"value": "middle"},
            "text": {"field": "name"},
            "limit": signal("left - 20"),
            "fontSize": signal("lane < 30 ? 11 : 13"),
            "fill": signal("theme.ink"),
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
                "x": signal("left - 12"),
                "y": {"value": 17},
                "align": {"value": "right"},
                "baseline": {"value": "middle"},
                "text": {"value": "ticks"},
                "fontSize": {"value": 12},
                "fill": signal("theme.quiet"),
            }
        },
    }


def backdrop() -> Json:
    """Return what lies behind the lanes: their ground, the time axis and its lines."""
    size = {"height": "lanes_height", "width": "plot"}
    drawn = {
        "x": signal("left"),
        "y": signal("lanes_y"),
        "width": signal("plot"),
        "height": signal("lanes_height"),
        "fill": signal("theme.lane"),
    }
    return {
        "type": "group",
        "interactive": False,
        "encode": {"update": drawn},
        "signals": [{"name": name, "update": update} for name, update in size.items()],
        "axes": [axis("x", lines=True)],
    }


def _lane() -> Json:
    return {
        "x": {"value": 0},
        "x2": signal("plot"),
        "y": signal("datum.g * lane"),
        "height": {"value": 1},
        "fill": signal("theme.grid"),
    }


def _missed_line() -> Json:
    return {
        "x": signal("(datum.k - domain[0]) * per_ms"),
        "y": {"value": 0},
        "y2": signal("lanes_height"),
        "stroke": signal("theme.missed"),
        "strokeWidth": {"value": 1},
        "strokeDash": {"value": [3, 3]},
        "strokeOpacity": {"value": 0.7},
    }


def _bar() -> Json:
    return {
        # Whole pixels, where there are many: a bar of two would be blurred over three.
        "x": signal(f"max(-9, dense ? floor({_X}) : {_X})"),
        "x2": signal(f"dense ? floor({_X2}) : {_X2}"),
        "y": signal(_TOP),
        "height": signal(_BAR),
        "fill": COLOUR,
        "fillOpacity": signal(_FILLED),
        "stroke": COLOUR,
        "strokeWidth": signal("dense ? 0 : 0.75"),
        "cornerRadius": signal(f"{_X2} - {_X} > 8 ? 2 : 0"),
        "cursor": {"value": "pointer"},
    }


def _column() -> Json:
    """Return a column whose height is the share of the fullest column in sight."""
    bottom = f"datum.g * lane + lane * 0.86 - {_BAR} * datum.{{}} / column_most"
    return {
        "x": signal("(datum.c * cell - domain[0]) * per_ms"),
        "width": {"value": 3},
        "y": signal(bottom.format("y1")),
        "y2": signal(bottom.format("y0")),
        "fill": COLOUR,
        "fillOpacity": {"value": 0.75},
        "cursor": {"value": "zoom-in"},
    }


def _join() -> Json:
    takeover = "datum.kind == 'takeover'"
    return {
        "x": signal(_X),
        "x2": signal("(datum.e - domain[0]) * per_ms"),
        "y": signal(f"datum.g * lane + {_MIDDLE}"),
        "y2": signal(f"datum.h * lane + {_MIDDLE}"),
        "stroke": COLOUR,
        "strokeWidth": signal(f"{takeover} ? 1.5 : 3"),
        "strokeDash": signal(f"{takeover} ? [4, 2] : [1, 0]"),
    }


def _shape() -> Json:
    return {
        "x": signal(f"clamp({_X} + (roomy ? min(6, ({_X2} - {_X}) / 2) : 1), 6, plot - 6)"),
        "y": signal("datum.g * lane + lane * 0.2"),
        "shape": {"scale": "shape", "field": "o"},
        "size": signal("lane < 30 ? 36 : 70"),
        "fill": COLOUR,
        "stroke": COLOUR,
        "strokeWidth": signal("datum.o == 'sealed' ? 2.5 : 0.5"),  # its shape is a stroke
        "cursor": {"value": "pointer"},
    }


def _number() -> Json:
    """Return the term's number, where its bar has room for it."""
    room = f"min(plot, {_X2}) - max(0, {_X}) > 14 + 7 * length(toString(datum.t))"
    return {
        "x": signal(f"(max(0, {_X}) + min(plot, {_X2})) / 2"),
        "y": signal(f"datum.g * lane + {_MIDDLE}"),
        "align": {"value": "center"},
        "baseline": {"value": "middle"},
        "text": signal(f"!dense && {room} ? datum.t : ''"),
        "fontSize": signal("lane < 30 ? 10 : 12"),
        "fill": signal("datum.o == 'resigned' || datum.o == 'sealed' ? theme.ink : theme.paper"),
    }


def _selection() -> Json:
    return {
        "x": signal(f"{_X} - 3"),
        "x2": signal(f"{_X2} + 3"),
        "y": signal("datum.g * lane + 3"),
        "height": signal("lane - 6"),
        "fill": {"value": "transparent"},
        "stroke": signal("theme.ink"),
        "strokeWidth": {"value": 2},
        "cornerRadius": {"value": 4},
    }
