"""Pieces that the marks are made of."""

from __future__ import annotations

from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

_FORMAT = {
    "year": "%Y", "month": "%b %Y", "week": "%d %b", "day": "%d %b", "date": "%d %b",
    "hours": "%H:%M", "minutes": "%H:%M", "seconds": "%H:%M:%S", "milliseconds": "%H:%M:%S",
}  # fmt: skip
COLOUR: Json = {"scale": "colour", "field": "o"}


def group(name: str, *, y: str, height: str, marks: list[Json], fill: str = "theme.lane") -> Json:
    """Return a group from the left edge of the lanes to their right, which clips its marks."""
    drawn = {
        "x": signal("left"),
        "y": signal(y),
        "width": signal("plot"),
        "height": signal(height),
        "fill": signal(fill),
        "clip": {"value": True},
    }
    return {"type": "group", "name": name, "encode": {"update": drawn}, "marks": marks}


def axis(scale: str, *, lines: bool = False) -> Json:
    """Return a time axis in UTC, with or without lines through the group."""
    return {
        "scale": scale,
        "orient": "bottom",
        "formatType": "utc",
        "format": _FORMAT,
        "grid": lines,
        "gridColor": signal("theme.grid"),
        "domainColor": signal("theme.grid"),
        "tickColor": signal("theme.grid"),
        "labelColor": signal("theme.quiet"),
        "labelFontSize": 11 if not lines else 12,
        "labelFlush": True,
        "labelOverlap": True,
        "labelSeparation": 10,
        "tickCount": signal("ceil(plot / 110)"),
    }


def mark(kind: str, name: str, data: str, update: Json, *, interactive: bool = True) -> Json:
    """Return a mark for each value of `data`; its name must not be that of a data set."""
    return {
        "type": kind,
        "name": name,
        "from": {"data": data},
        "interactive": interactive,
        "encode": {"update": update},
    }


def signal(expression: str) -> Json:
    """Return a reference to an expression, which is evaluated whenever what it names changes."""
    return {"signal": expression}
