"""The entry of functions that the constructs make: it loads the job's own handler.

Loading happens while the function starts. A handler that is not decorated with `@singleton` would
work in every invocation, without an election. It is refused here: every invocation fails, and the
handler is never called.

Not seen: whether middleware around the singleton ever calls it.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from typing import Any

from .errors import InvalidArgument
from .handler_contract import is_singleton

VARIABLE = "S3LEADER_HANDLER"


def load(environment: Mapping[str, str]) -> Any:  # noqa: ANN401 - whatever the job calls its handler
    """Return the handler that the environment names, as Lambda would load it.

    Raises `InvalidArgument` if it is not decorated, and `ImportError` if it cannot be loaded.
    """
    named = environment.get(VARIABLE, "")
    module, _, name = named.rpartition(".")
    if not module:
        raise InvalidArgument(
            f"{VARIABLE} is {named!r}: give module and function, such as 'billing.main.handler'"
        )
    try:
        found = getattr(importlib.import_module(module.replace("/", ".")), name)
    except (ImportError, AttributeError) as error:
        raise ImportError(f"{VARIABLE} is {named!r}, which cannot be loaded: {error}") from error
    if is_singleton(found):
        return found
    raise InvalidArgument(
        f"handler {named!r} is not decorated with @singleton from s3leader.aws_lambda, so that"
        f" every invocation would work without an election, and none does now. Decorate it; let"
        f" middleware above @singleton use functools.wraps; or give SingletonJob"
        f" handler_check='off'"
    )


handler = load(os.environ)
