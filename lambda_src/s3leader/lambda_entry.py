"""The handler that the constructs configure in Lambda: it loads the job's own handler.

The job's handler is loaded while the function starts. A handler that is not decorated with
`@singleton` would do its work in every invocation, without an election. So loading it is an error:
every invocation fails, and the handler is never called. A function that is named by an import path,
`billing.main:work`, is not loaded here: `singleton` gets the path, and an elected invocation
imports it.

This cannot detect middleware that never calls the singleton it wraps.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from typing import Any

from ._lambda.handler_contract import is_singleton
from .aws_lambda import singleton
from .errors import InvalidArgument

VARIABLE = "S3LEADER_HANDLER"


def load(environment: Mapping[str, str]) -> Any:  # noqa: ANN401 - a handler of any type
    """Return the handler that the environment names, as Lambda would load it.

    Raises `InvalidArgument` if it is not decorated, or is named by a path that cannot be one, and
    `ImportError` if it cannot be loaded.
    """
    named = environment.get(VARIABLE, "")
    if ":" in named:
        try:
            return singleton(named)
        except InvalidArgument as error:
            raise InvalidArgument(
                f"{VARIABLE} is {named!r}, which cannot be used: {error}"
            ) from error
    module, _, name = named.rpartition(".")
    module = module.replace("/", ".")
    if module.startswith("."):
        raise ImportError(
            f"{VARIABLE} is {named!r}, which cannot be loaded: give a module without a leading dot"
            " or slash, such as 'billing.main.handler'"
        )
    if not module:
        raise InvalidArgument(
            f"{VARIABLE} is {named!r}: give module and function, such as 'billing.main.handler'"
        )
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ImportError(f"{VARIABLE} is {named!r}, which cannot be loaded: {error}") from error
    if is_singleton(found):
        return found
    raise InvalidArgument(
        f"handler {named!r} is not decorated with @singleton from s3leader.aws_lambda: each"
        f" invocation would work without an election, so each one fails instead. Decorate it; let"
        f" middleware above @singleton use functools.wraps; or give SingletonJob"
        f" handler_check='off'"
    )


handler = load(os.environ)
