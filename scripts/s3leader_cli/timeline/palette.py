"""How each outcome looks: colour, and a shape that tells it apart without colour.

The colours follow Okabe and Ito, whose eight stay apart in the common kinds of colour blindness;
they are darkened for a light and lightened for a dark background until each has a contrast of
three to one (WCAG 1.4.11), which a test computes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Look:
    """How terms of one outcome are drawn; `alarming` ones are drawn last and never vanish."""

    label: str
    shape: str
    light: str
    dark: str
    alarming: bool = False


_CROSS = "M-1,-0.6L-0.6,-1L0,-0.4L0.6,-1L1,-0.6L0.4,0L1,0.6L0.6,1L0,0.4L-0.6,1L-1,0.6L-0.4,0Z"
_RING = (
    "M0,-1A1,1,0,1,1,0,1A1,1,0,1,1,0,-1ZM0,-0.45A0.45,0.45,0,1,0,0,0.45A0.45,0.45,0,1,0,0,-0.45Z"
)

LOOKS = {
    "completed": Look(label="completed", shape="square", light="#0072b2", dark="#4fa8e0"),
    "continued": Look(label="continued", shape="triangle-right", light="#3a87ad", dark="#8fd0f5"),
    "resigned": Look(label="resigned", shape=_RING, light="#767676", dark="#a8a8a8"),
    "sealed": Look(label="sealed", shape="stroke", light="#8a6d9e", dark="#b8a0cc"),
    "held": Look(label="leads", shape="circle", light="#008060", dark="#1fc79a"),
    "lapsed": Look(
        label="lapsed", shape="triangle-up", light="#a86e00", dark="#f0b030", alarming=True
    ),
    "deposed": Look(
        label="deposed", shape="diamond", light="#b0508a", dark="#e08fc0", alarming=True
    ),
    "failed": Look(label="failed", shape=_CROSS, light="#d04a00", dark="#ff7a3a", alarming=True),
    "corrupt": Look(label="corrupt", shape="cross", light="#000000", dark="#ffffff", alarming=True),
}
MISSED_SHAPE = _CROSS

_LIGHT = {
    "paper": "#ffffff", "ink": "#1b1f24", "quiet": "#59636e", "grid": "#e4e8ec",
    "lane": "#f5f7f9", "brush": "#0072b2",
}  # fmt: skip
_DARK = {
    "paper": "#14181d", "ink": "#e8ecf0", "quiet": "#9aa5b1", "grid": "#2a3138",
    "lane": "#1b2026", "brush": "#4fa8e0",
}  # fmt: skip


def themes() -> dict[str, dict[str, Any]]:
    """Return the two themes, as the specification's `theme` signal takes them."""
    light = {name: look.light for name, look in LOOKS.items()}
    dark = {name: look.dark for name, look in LOOKS.items()}
    return {
        "light": {**_LIGHT, "colours": [*light.values()], "missed": light["failed"]},
        "dark": {**_DARK, "colours": [*dark.values()], "missed": dark["failed"]},
    }


_PATHS = {
    "square": "M-0.9,-0.9H0.9V0.9H-0.9Z",
    "triangle-right": "M-0.8,-1L1,0L-0.8,1Z",
    "triangle-up": "M0,-1L1,0.8H-1Z",
    "circle": "M0,-1A1,1,0,1,1,0,1A1,1,0,1,1,0,-1Z",
    "diamond": "M0,-1L0.8,0L0,1L-0.8,0Z",
    "stroke": "M-1,-0.25H1V0.25H-1Z",
    "cross": "M-1,-0.35H-0.35V-1H0.35V-0.35H1V0.35H0.35V1H-0.35V0.35H-1Z",
}


def legend() -> dict[str, dict[str, Any]]:
    """Return what the page's script needs of each outcome, and of a missed tick."""
    found = {
        name: {
            "label": look.label,
            "path": _PATHS.get(look.shape, look.shape),
            "alarming": look.alarming,
        }
        for name, look in LOOKS.items()
    }
    missed = {"label": "missed tick", "path": MISSED_SHAPE, "alarming": True}
    return found | {"missed": missed}


def style() -> str:
    """Return the style rules that colour the legend's shapes in both themes."""
    light = "".join(f".{name}{{fill:{look.light}}}" for name, look in _all().items())
    dark = "".join(f".{name}{{fill:{look.dark}}}" for name, look in _all().items())
    return f"{light}\n@media screen and (prefers-color-scheme: dark){{{dark}}}\n"


def _all() -> dict[str, Look]:
    return {**LOOKS, "missed": LOOKS["failed"]}
