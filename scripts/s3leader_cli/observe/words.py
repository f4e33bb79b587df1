"""Commands as a person can type them, with the options that this one was given."""

from __future__ import annotations

import os
import shlex

import click
from click.core import ParameterSource

from s3leader_cli.options import ElectionPlace

# What an option of the command line set, where it is not in the place itself.
_VARIABLES = {"profile": "AWS_PROFILE", "endpoint_url": "AWS_ENDPOINT_URL"}


def typed(place: ElectionPlace, command: str) -> str:
    """Return `s3leader logs nightly --bucket locks --term 3` for `logs --term 3`."""
    name, _, rest = command.partition(" ")
    words = ["s3leader", name, shlex.quote(place.election), *_where(place), rest]
    return " ".join(word for word in words if word)


def _where(place: ElectionPlace) -> list[str]:
    """Return the options that say where the bucket is, as far as they were given as options."""
    context = click.get_current_context(silent=True)
    words: list[str] = []
    for name in ("bucket", "prefix", "region", "profile", "endpoint_url"):
        source = None if context is None else context.get_parameter_source(name)
        if source is ParameterSource.COMMANDLINE:
            variable = _VARIABLES.get(name)
            value = os.environ.get(variable, "") if variable else str(getattr(place, name))
            words += [f"--{name.replace('_', '-')}", shlex.quote(value)]
    return words
