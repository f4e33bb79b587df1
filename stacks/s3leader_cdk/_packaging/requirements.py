"""What a job requires: a requirements file, as uv and Poetry export it, or a pyproject.toml.

The lines are rewritten for the installer: included files are inlined, and paths are absolute. What
an installer would have to build is refused, because it would be built for this machine.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from s3leader_cdk._packaging.dependencies import Installation
from s3leader_cdk._packaging.platforms import Platform
from s3leader_cdk._packaging.requirement_lines import (
    Line,
    Requirement,
    logical_lines,
    normalized,
    option,
    parsed,
    read_text,
)

_OF_FOLDER = ("requirements.txt", "pyproject.toml")
# It is shipped in the version of these constructs.
_RUNTIME = "s3leader"
_FOR_INDEX = (
    *("--index-url", "--extra-index-url", "--no-index", "--find-links"),
    *("--trusted-host", "--pre"),
)
_IMPLIED = ("--only-binary", "--prefer-binary", "--require-hashes")
_EXPORTS = {
    "uv.lock": "uv export --no-emit-project -o requirements.txt",
    "pylock.toml": "uv export --no-emit-project -o requirements.txt",
    "poetry.lock": "poetry export -o requirements.txt",
    "Pipfile": "pipenv requirements --hash > requirements.txt",
    "Pipfile.lock": "pipenv requirements --hash > requirements.txt",
}
_TO_EXPORT = "export them to a requirements file (`uv export` or `poetry export`)"


@dataclass(frozen=True, kw_only=True)
class Requirements:
    """What a job requires; `file` is the one that was given or found.

    `unpinned` are requirements of which another version may be installed later. `projects` are
    folders that hold the job itself, which is shipped but not installed.
    """

    file: Path
    lines: tuple[Line, ...]
    constraints: tuple[Line, ...]
    unpinned: tuple[str, ...]
    projects: tuple[Path, ...]

    def on(self, platform: Platform) -> Installation:
        """Return what is installed on a platform."""
        return Installation(
            source=self.file, lines=self.lines, constraints=self.constraints, platform=platform
        )

    def warnings(self) -> Iterator[tuple[str, str]]:
        """Yield the id and the message of each warning."""
        for project in self.projects:
            message = (
                f"{self.file} names the project in {project}, which is not installed: only the"
                " job's folder is shipped of it. Export without it (`uv export --no-emit-project`)"
            )
            yield "s3leader:project-not-installed", message
        if self.unpinned:
            message = (
                f"{self.file} does not pin {', '.join(self.unpinned)}: the versions that are found"
                " first are cached, and stay until the file changes or the cache is deleted."
                f" Pin versions with ==, or {_TO_EXPORT.replace('them', 'a lock file')}"
            )
            yield "s3leader:requirements-not-pinned", message


def job_requirements(
    given: str | Path | Literal[False] | None, folder: Path
) -> Requirements | None:
    """Return what a job requires, or None if that is nothing.

    Args:
        given: a requirements file or a pyproject.toml; None for the one in `folder`, if there is
            one; False for nothing.
        folder: the job's folder.

    Raises:
        ValueError: if a file cannot be read, or requires what cannot be installed for Lambda.
    """
    if given is None:
        given = next((folder / each for each in _OF_FOLDER if (folder / each).is_file()), None)
    if given is None or given is False:
        return None
    file = Path(given)
    if file.name in _EXPORTS:
        raise ValueError(
            f"requirements file {str(file)!r} is a lock file that pip cannot read: run"
            f" `{_EXPORTS[file.name]}`, and give that file"
        )
    reader = _Reader(file=file, job=folder.resolve())
    if file.suffix == ".toml":
        for requirement in _of_project(file):
            reader.requirement(requirement, where=str(file), base=file.parent, of=reader.lines)
    else:
        reader.read(file, of=reader.lines)
    return reader.requirements() if reader.requires_anything else None


def _of_project(file: Path) -> list[str]:
    """Return the requirements of a pyproject.toml, if they are all there is to it."""
    try:
        content = tomllib.loads(read_text(file))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{str(file)!r} is not valid TOML: {error}") from None
    project, tool = content.get("project", {}), content.get("tool", {})
    found: list[str] = project.get("dependencies", [])
    of_poetry = {*tool.get("poetry", {}).get("dependencies", {})} - {"python"}
    elsewhere = {normalized(each) for each in tool.get("uv", {}).get("sources", {})}
    reason = ""
    if "dependencies" in project.get("dynamic", []):
        reason = "its dependencies are dynamic"
    elif of_poetry and not found:
        reason = "its dependencies are in [tool.poetry.dependencies]"
    elif special := sorted(elsewhere & {parsed(each).name for each in found}):
        reason = f"[tool.uv.sources] takes {', '.join(special)} from elsewhere than the index"
    if reason:
        raise ValueError(
            f"the requirements in {str(file)!r} cannot be read, because {reason}: {_TO_EXPORT} and"
            " give it as requirements=. requirements=False installs nothing"
        )
    return found


@dataclass(kw_only=True)
class _Reader:
    """Collects the lines of a file and of those that it includes."""

    file: Path
    job: Path
    requires_anything: bool = False
    lines: list[Line] = field(default_factory=list)
    constraints: list[Line] = field(default_factory=list)
    unpinned: list[Requirement] = field(default_factory=list)
    projects: list[Path] = field(default_factory=list)
    _pinned: set[str] = field(default_factory=set)
    _included: set[Path] = field(default_factory=set)

    def requirements(self) -> Requirements:
        return Requirements(
            file=self.file,
            lines=tuple(self.lines),
            constraints=tuple(self.constraints),
            unpinned=tuple(each.what for each in self.unpinned if each.name not in self._pinned),
            projects=tuple(self.projects),
        )

    def read(self, file: Path, *, of: list[Line]) -> None:
        if file.resolve() in self._included:
            return
        self._included.add(file.resolve())
        for number, line in logical_lines(read_text(file)):
            where = f"{file}, line {number}"
            if (found := option(line)) is None:
                self.requirement(line, where=where, base=file.parent, of=of)
            else:
                self._option(*found, where=where, base=file.parent, of=of)

    def _option(self, name: str, value: str, *, where: str, base: Path, of: list[Line]) -> None:
        if name == "--requirement":
            self.read(base / value, of=of)
        elif name == "--constraint":
            self.read(base / value, of=self.constraints)
        elif name == "--editable":
            self.requirement(value, where=where, base=base, of=of)
        elif name in _FOR_INDEX:
            # pip takes a folder relative to the file, uv to the working directory.
            is_folder = name == "--find-links" and (base / value).exists()
            absolute = str((base / value).resolve()) if is_folder else value
            self.lines.append(Line(f"{name} {absolute}".strip(), f"{name} {value}"))
        elif name not in _IMPLIED:
            raise ValueError(
                f"{where}: option {name} cannot be used, because Lambda determines how packages are"
                " installed: remove it"
            )

    def requirement(self, line: str, *, where: str, base: Path, of: list[Line]) -> None:
        each = parsed(line)
        made = self._located(each, where, base) if each.location else Line(line, line)
        if made is None or each.name == _RUNTIME:
            return
        of.append(made)
        if of is self.constraints:
            self._pinned |= {each.name} if each.pinned else set()
            return
        self.requires_anything = True
        if not each.pinned:
            self.unpinned.append(each)

    def _located(self, each: Requirement, where: str, base: Path) -> Line | None:
        """Return the line of a wheel, or None if nothing is installed."""
        path = _path(each.location, base)
        name = each.location.partition("#")[0] if path is None else path.name
        if path is not None and path.is_dir() and self.job.is_relative_to(path):
            self.projects.append(path)
            return None
        if not name.endswith(".whl"):
            raise ValueError(
                f"{where}: {each.what!r} is not a wheel, and nothing is built from source for"
                " Lambda: build a wheel of it, and require that file"
            )
        if normalized(name.rpartition("/")[2].partition("-")[0]) == _RUNTIME:
            return None
        if path is None:
            return Line(each.what + each.rest, each.what + each.rest)
        if not path.is_file():
            raise ValueError(f"{where}: {each.what!r} does not exist at {path}: build it first")
        prefix = f"{each.what.partition('@')[0]}@ " if each.name else ""
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        return Line(f"{prefix}{path.as_uri()}{each.rest}", f"{prefix}{name} {digest}{each.rest}")


def _path(location: str, base: Path) -> Path | None:
    """Return the absolute path of a local file or folder, or None for one elsewhere."""
    if location.startswith("file://"):
        return Path(unquote(urlsplit(location).path)).resolve()
    if re.match(r"[\w+.-]+://", location):
        return None
    relative = Path(location.removeprefix("file:").partition("#")[0])
    # Relative to the file, or as in pip to the working directory.
    found = next((each for each in (base / relative, relative) if each.exists()), base / relative)
    return found.resolve()
