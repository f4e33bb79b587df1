"""The drawing that stands alone: the chart of the whole time as SVG."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .spec import svg_spec


def render_svg(data: Mapping[str, Any]) -> str:
    """Return the SVG of what `timeline_data` returned. It takes no browser."""
    import vl_convert  # noqa: PLC0415 - an extra

    svg: str = vl_convert.vega_to_svg(svg_spec(data), allowed_base_urls=[])
    return svg
