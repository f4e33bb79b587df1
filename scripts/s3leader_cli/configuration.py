"""The configuration file: defaults of options, for all commands and for single ones.

    bucket = "locks"            # for every command that has the option
    region = "eu-west-1"

    [history]                   # for one command
    limit = 50

Options come from the command line, else from the environment, else from this file.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from s3leader import InvalidArgument

_WHERE = {
    "bucket", "prefix", "region", "regions", "profile", "endpoint_url", "lease",
}  # fmt: skip


def defaults(environment: Mapping[str, str] = os.environ) -> Mapping[str, Any]:
    """Return the file's values as click wants them; nothing if there is no file.

    Raises `InvalidArgument` for a file that cannot be read, and for an unknown name.
    """
    path, given = _path(environment)
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if given:
            raise InvalidArgument(f"S3LEADER_CONFIG names no file: {str(path)!r}") from None
        return {}
    except (OSError, ValueError) as error:
        raise InvalidArgument(f"the configuration file {str(path)!r}: {error}") from error
    tables = {_name(k): _names(v) for k, v in values.items() if isinstance(v, dict)}
    shared = _names({k: v for k, v in values.items() if not isinstance(v, dict)})
    from .app import COMMANDS  # noqa: PLC0415 - click is an extra

    commands = {name for section in COMMANDS.values() for name in section}
    unknown = sorted((shared.keys() - _WHERE) | (tables.keys() - commands))
    if unknown:
        raise InvalidArgument(
            f"the configuration file {str(path)!r} has {unknown[0]!r}: expected one of"
            f" {', '.join(sorted(_WHERE))}, or a table named like a command"
        )
    return {name: shared | tables.get(name, {}) for name in commands}


def _path(environment: Mapping[str, str]) -> tuple[Path, bool]:
    """Return where the file is, and whether a variable says so."""
    given = environment.get("S3LEADER_CONFIG")
    if given:
        return Path(given), True
    home = environment.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(home).expanduser() / "s3leader" / "config.toml", False


def _names(values: Mapping[str, Any]) -> dict[str, Any]:
    return {_name(key): value for key, value in values.items()}


def _name(key: str) -> str:
    """Return the name of an option as click has it: `max-attempts` is `max_attempts`."""
    return key.replace("-", "_")
