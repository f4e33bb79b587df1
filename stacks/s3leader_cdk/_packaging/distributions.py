"""The distributions in an installation, and which of two installations provides one.

The job's own distribution takes precedence over the runtime's of the same name, unless the runtime
cannot work with its version.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from s3leader_cdk._packaging.errors import StagingError
from s3leader_cdk._packaging.requirement_lines import normalized

RUNTIME = "s3leader"
# The versions that the runtime and its Powertools work with: from the first, before the second.
# Tests compare them with pyproject.toml and with the metadata of Powertools.
SUPPORTED: Mapping[str, tuple[str, str]] = {
    "aws-lambda-powertools": ("2.15.0", "4"),
    "boto3": ("1.35.69", ""),
    "botocore": ("1.35.69", ""),
    "jmespath": ("1.0.1", "2"),
    "typing-extensions": ("4.11.0", "5"),
}
_RECORD = re.compile(r"([^/]+)-([^/-]+)\.dist-info/RECORD")


class Files(Protocol):
    """Files by name, as in an archive."""

    def namelist(self) -> list[str]:
        """Return the names."""
        ...

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        ...


@dataclass(frozen=True)
class Distribution:
    """The version of a distribution and the names of its files."""

    version: str
    files: frozenset[str]


def distributions(files: Files) -> dict[str, Distribution]:
    """Return the distributions in an installation by their normalized names."""
    found = {}
    for name in files.namelist():
        if record := _RECORD.fullmatch(name):
            rows = csv.reader(io.StringIO(files.read(name).decode()))
            paths = frozenset(row[0] for row in rows if row)
            found[normalized(record[1])] = Distribution(record[2], paths)
    return found


def check_versions(found: Mapping[str, Distribution], source: object) -> None:
    """Raise `StagingError` if the runtime cannot work with a distribution that a job requires."""
    for name, (first, end) in SUPPORTED.items():
        if name not in found:
            continue
        version = _release(found[name].version)
        if version < _release(first) or (end and version >= _release(end)):
            supported = f"{name}>={first}{f',<{end}' if end else ''}"
            raise StagingError(
                f"{source} installs {name} {found[name].version}, which takes precedence over the"
                f" runtime library's, but that needs {supported}: require {supported}"
            )


def _release(version: str) -> tuple[int, ...]:
    """Return the release of a version, such as (2, 15) of `2.15.0rc1`."""
    numbers = re.match(r"v?(?:\d+!)?(\d+(?:\.\d+)*)", version)
    parts = [int(each) for each in numbers[1].split(".")] if numbers else [0]
    while parts and parts[-1] == 0:
        parts.pop()
    return tuple(parts)
