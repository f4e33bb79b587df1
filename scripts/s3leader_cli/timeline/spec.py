"""The chart as a Vega specification: plain data that Vega draws, in a page or as SVG.

From top to bottom: a lane of ticks, a lane for each contender, the time axis, and in a page an
overview of the whole ledger with a brush. What is drawn depends on the zoom: while there is room,
a bar for each term; otherwise columns that count the terms, and over them each term that failed,
was deposed, has lapsed or is corrupt, at least two pixels wide.

The page's script sets the signals `width`, `theme`, `range`, `shown`, `needle`, `domain`, `zoom`
and `pan`, and the data of `tuples`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from . import marks, signals
from .overview import overview
from .palette import LOOKS, MISSED_SHAPE, themes
from .transforms import data_sets
from .tuples import tuples

Json: TypeAlias = dict[str, Any]
_FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"
_SVG_WIDTH = 1200
_NO_DATA: dict[str, list[Json]] = {
    name: [] for name in ("terms", "missed", "links", "groups", "selected")
}


def page_spec() -> Json:
    """Return the specification of the page, without data."""
    return {
        **_common(),
        "autosize": "none",
        "signals": [
            *_first({}),
            *signals.gestures(),
            *signals.view(overview=True),
        ],
        "data": data_sets(_NO_DATA, overview=True),
        "marks": [*_chart(), overview()],
    }


def svg_spec(data: Mapping[str, Any]) -> Json:
    """Return the specification of a drawing that stands alone, with its data."""
    given = {"width": _SVG_WIDTH, "range": data["range"]}
    return {
        **_common(),
        "autosize": "pad",
        "padding": 16,
        "background": themes()["light"]["paper"],
        "title": _title(data),
        "legends": [_legend({data["outcomes"][i] for i in data["terms"]["outcome"]})],
        "signals": [
            *_first(given),
            *signals.whole_range(),
            *signals.view(overview=False),
        ],
        "data": data_sets(tuples(data), overview=False),
        "marks": _chart(),
    }


def _chart() -> list[Json]:
    return [
        marks.tick_name(),
        marks.names(),
        marks.backdrop(),
        marks.tick_lane(),
        marks.lanes(),
    ]


def _first(given: Json) -> list[Json]:
    return [{"name": "missed_shape", "value": MISSED_SHAPE}, *signals.settings(given)]


def _common() -> Json:
    plot = {"signal": "plot"}
    return {
        "config": {"axis": {"labelFont": _FONT}, "text": {"font": _FONT}},
        "scales": [
            _scale("x", "utc", {"signal": "domain"}, [0, plot]),
            _scale("whole", "utc", {"signal": "range"}, [0, plot]),
            _scale("colour", "ordinal", [*LOOKS], {"signal": "theme.colours"}),
            _scale("shape", "ordinal", [*LOOKS], [look.shape for look in LOOKS.values()]),
        ],
    }


def _scale(name: str, kind: str, domain: object, to: object) -> Json:
    return {"name": name, "type": kind, "domain": domain, "range": to}


def _title(data: Mapping[str, Any]) -> Json:
    count = len(data["terms"]["term"])
    return {
        "text": f"{data['election']}: {count:,} {'term' if count == 1 else 'terms'}",
        "subtitle": "Times are S3's, in UTC. A cross above the lanes is a tick without a term.",
        "anchor": "start",
        "font": _FONT,
        "fontSize": 18,
        "subtitleFont": _FONT,
        "subtitleFontSize": 12,
        "offset": 12,
    }


def _legend(present: set[str]) -> Json:
    return {
        "fill": "colour",
        "shape": "shape",
        "values": [name for name in LOOKS if name in present],
        "orient": "top",
        "direction": "horizontal",
        "labelFont": _FONT,
        "labelFontSize": 12,
        "symbolSize": 110,
        "symbolStrokeWidth": 0,
    }
