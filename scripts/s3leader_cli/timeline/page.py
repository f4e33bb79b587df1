"""The page: one HTML file that carries its data, Vega and a script, and asks no server."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from .palette import legend, style, themes
from .spec import page_spec

_SCRIPTS = ("chart.js", "details.js", "controls.js")


def render_page(data: Mapping[str, Any], *, live: str | None = None) -> str:
    """Return the page of what `timeline_data` returned.

    With `live`, the page polls that path of its own server for newer data: `{"ended": …,
    "timeline": …}`.
    """
    script = "\n".join(_file(name) for name in _SCRIPTS)
    css = _file("page.css") + style()
    version, library = _vega()
    given = {
        "timeline": data,
        "spec": page_spec(),
        "themes": themes(),
        "looks": legend(),
        "live": live,
    }
    parts = {
        "policy": _policy([library, script], [css], live=live is not None),
        "title": html.escape(f"{data['election']}: terms"),
        "style": css,
        "vega": version,
        "data": script_json(given),
        "library": library,
        "script": script,
    }
    page = _file("page.html")
    pieces = page.split("@")
    # An @ of the template only stands around a name, so that no value is searched for names.
    return "".join(parts[piece] if odd % 2 else piece for odd, piece in enumerate(pieces))


def script_json(value: object) -> str:
    """Return JSON that no text in it can end the script element with.

    It is ASCII, so it holds no U+2028, and no lone surrogate that UTF-8 cannot encode.
    """
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _policy(scripts: list[str], styles: list[str], *, live: bool) -> str:
    """Return a policy that lets these scripts run, and nothing be fetched.

    Vega interprets the expressions of its specification (`ast` in chart.js): compiled, they would
    take 'unsafe-eval'.
    """
    rules = [
        "default-src 'none'",
        f"script-src {' '.join(map(_hash, scripts))}",
        f"style-src {' '.join(map(_hash, styles))}",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    return "; ".join([*rules, "connect-src 'self'"] if live else rules)


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _vega() -> tuple[str, str]:
    """Return Vega's version, and the script that defines `vegaEmbed`."""
    import vl_convert  # noqa: PLC0415 - an extra

    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return vl_convert.get_vega_version(), bundle.replace("</script", "<\\/script")


def _file(name: str) -> str:
    return resources.files(__package__).joinpath("page", name).read_text(encoding="utf-8")
