"""The data sets of the specification, as objects: what the page's script makes of the columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .palette import LOOKS


def tuples(data: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the values of each data set that `timeline_data` has the columns of."""
    terms, names = data["terms"], data["outcomes"]
    drawn = [
        {
            "i": i,
            "t": term,
            "s": terms["start"][i],
            "e": terms["end"][i],
            "o": names[terms["outcome"][i]],
            "a": LOOKS[names[terms["outcome"][i]]].alarming,
            "g": terms["group"][i],
            "k": terms["tick"][i],
            "h": "",
            "n": 1,
        }
        for i, term in enumerate(terms["term"])
    ]
    return {
        "terms": drawn,
        "missed": [{"k": tick} for tick in data["missed"]],
        "links": [_link(drawn[here], drawn[there], kind) for here, there, kind in data["links"]],
        "groups": [{"g": g, "name": name} for g, name in enumerate(data["groups"])],
        "selected": [],
    }


def _link(here: Mapping[str, Any], there: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {
        "s": here["e"],
        "e": there["s"],
        "g": here["g"],
        "h": there["g"],
        "o": here["o"],
        "p": there["o"],
        "kind": kind,
    }
