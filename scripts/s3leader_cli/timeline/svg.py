"""The drawing that stands alone: the chart of the whole time as SVG."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .spec import svg_spec

# Vega shortens a name that is too long, perhaps within such a character, which takes two units of
# UTF-16. vl_convert refuses half of one.
_TWO_UNITS = re.compile("[\U00010000-\U0010ffff]")


def render_svg(data: Mapping[str, Any]) -> str:
    """Return the SVG of what `timeline_data` returned. It takes no browser."""
    import vl_convert  # noqa: PLC0415 - an extra

    groups = [_TWO_UNITS.sub("\ufffd", name) for name in data["groups"]]
    spec = svg_spec({**data, "groups": groups})
    svg: str = vl_convert.vega_to_svg(spec, allowed_base_urls=[])
    return svg
