"""The settings of pip and uv on this machine that apply to an installation for Lambda.

Settings for the source of packages, such as a company's index, are needed. Settings for the layout
(`user = true`, `PIP_PREFIX`, constraints, `no-binary` …) are wrong for Lambda. So only the settings
listed below are kept: if one is missing there, an installation fails, while a wrong layout might go
unnoticed.
"""

from __future__ import annotations

import ast
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from s3leader_cdk._packaging.errors import StagingError

# Of https://pip.pypa.io/en/stable/cli/: sources, transport, credentials, cache.
_PIP_KEEPS = (
    *("index-url", "pypi-url", "extra-index-url", "find-links", "no-index", "uploaded-prior-to"),
    *("trusted-host", "cert", "client-cert", "proxy", "timeout", "default-timeout", "retries"),
    *("keyring-provider", "use-feature", "use-deprecated", "cache-dir", "no-cache-dir"),
)
# The same of https://docs.astral.sh/uv/reference/environment/. Settings of uv's files are passed as
# these variables; lists are separated by spaces.
_UV_KEEPS = re.compile(
    r"UV_(\w*INDEX\w*|FIND_LINKS|EXCLUDE_NEWER|KEYRING_PROVIDER|CREDENTIALS_DIR|INSECURE_HOST|"
    r"NATIVE_TLS|SYSTEM_CERTS|HTTP_\w+|OFFLINE|CACHE_DIR|NO_CACHE)"
)
_UV_RENAMED = {"UV_ALLOW_INSECURE_HOST": "UV_INSECURE_HOST"}


def pip_environment(variables: Mapping[str, str], listed: str) -> dict[str, str]:
    """Return the environment for pip.

    Args:
        variables: those of this process.
        listed: the output of `pip config list`, which has the settings in pip's files.
    """
    kept = {}
    for section in ("global", "install"):  # the second takes precedence
        for key, value in re.findall(rf"^{section}\.([^=]+)=(.*)$", listed, re.MULTILINE):
            kept[_pip_variable(key)] = str(ast.literal_eval(value))
    kept |= {name: value for name, value in variables.items() if name.startswith("PIP_")}
    names = {_pip_variable(key) for key in _PIP_KEEPS}
    kept = {name: value for name, value in kept.items() if name in names}
    # With this value pip reads no configuration file.
    return _without(variables, "PIP_") | kept | {"PIP_CONFIG_FILE": os.devnull}


def pip_listing_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the environment in which `pip config list` prints the settings of pip's files."""
    found = {name: variables[name] for name in ("PIP_CONFIG_FILE",) if name in variables}
    return _without(variables, "PIP_") | found | {"PIP_QUIET": "0", "PIP_VERBOSE": "0"}


def uv_environment(variables: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return the environment for uv, with the settings of its files; uv itself reads none of them.

    Args:
        variables: those of this process.
        folder: where uv starts its search for files, upwards.
    """
    kept: dict[str, str] = {}
    for file in _uv_files(variables, folder):  # later ones take precedence
        kept |= _uv_settings(file)
    kept |= {name: value for name, value in variables.items() if name.startswith("UV_")}
    kept = {name: value for name, value in kept.items() if _UV_KEEPS.fullmatch(name)}
    return _without(variables, "UV_") | kept | {"UV_NO_CONFIG": "1"}


def _without(variables: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {name: value for name, value in variables.items() if not name.startswith(prefix)}


def _pip_variable(option: str) -> str:
    return f"PIP_{option.upper().replace('-', '_')}"


def _uv_files(variables: Mapping[str, str], folder: Path) -> Iterator[Path]:
    if variables.get("UV_NO_CONFIG", "0").lower() not in {"", "0", "false"}:
        return
    if variables.get("UV_CONFIG_FILE"):
        yield Path(variables["UV_CONFIG_FILE"])
        return
    home = variables.get("XDG_CONFIG_HOME") or Path(variables.get("HOME", "/"), ".config")
    yield from (Path("/etc/uv/uv.toml"), Path(home, "uv/uv.toml"))
    for each in (folder, *folder.parents):
        for name in ("uv.toml", "pyproject.toml"):
            if (each / name).is_file() and _uv_table(each / name):
                yield each / name
                return


def _uv_table(file: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(file.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise StagingError(f"uv's settings cannot be read from {file}: {error}") from None
    if file.name == "pyproject.toml":
        return dict(content.get("tool", {}).get("uv", {}))
    return content


def _uv_settings(file: Path) -> dict[str, str]:
    """Return a file's settings as variables; not all of them are kept."""
    table = _uv_table(file)
    found = {}
    for key, value in (table | table.get("pip", {})).items():
        name = f"UV_{key.upper().replace('-', '_')}"
        text = _as_variable(value, "," if key == "find-links" else " ", file)
        if text is not None:
            found[_UV_RENAMED.get(name, name)] = text
    # An `explicit` index is for packages pinned to it, which a requirements file cannot do.
    indexes = [each for each in table.get("index", []) if not each.get("explicit", False)]
    for name, is_default in (("UV_DEFAULT_INDEX", True), ("UV_INDEX", False)):
        chosen = [each for each in indexes if each.get("default", False) is is_default]
        if chosen:
            found[name] = " ".join(_index(each, file) for each in chosen)
    return found


def _as_variable(value: object, separator: str, file: Path) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _absolute(value, file)
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return separator.join(_absolute(each, file) for each in value)
    return None


def _index(index: Mapping[str, str], file: Path) -> str:
    url = _absolute(index["url"], file)
    # uv finds an index's credentials by its name, in variables such as UV_INDEX_ACME_PASSWORD.
    return f"{index['name']}={url}" if "name" in index else url


def _absolute(value: str, file: Path) -> str:
    """Make a path absolute if it exists relative to `file`; return any other value unchanged."""
    path = file.parent / value
    return str(path.resolve()) if "://" not in value and path.exists() else value
