"""Strict JSON: finite numbers and limited nesting, so that every reader can also write it.

Python's own reader accepts NaN, 1e999, and as much nesting as the caller's stack has room for.
"""

from __future__ import annotations

import json
import math
from typing import NoReturn

MAX_DEPTH = 100


def load(body: bytes) -> object:
    """Return what `body` says, or raise ValueError with what is wrong with it."""
    try:
        value: object = json.loads(body, parse_constant=_not_finite, parse_float=_finite)
    except RecursionError:
        raise ValueError("its JSON is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"expected JSON ({error})") from None
    if nested_too_deeply(value):
        raise ValueError(f"its JSON is nested more than {MAX_DEPTH} deep")
    return value


def nested_too_deeply(value: object) -> bool:
    """Whether a JSON value is nested more than `MAX_DEPTH` deep."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(MAX_DEPTH):
        items = (each.values() if isinstance(each, dict) else each for each in level)
        level = [item for each in items for item in each if isinstance(item, dict | list)]
        if not level:
            return False
    return True


def _not_finite(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:40]} is out of range")
    return number
