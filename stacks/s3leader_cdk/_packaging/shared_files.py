"""Writes the same files into several assets: once, and into later ones as hard links.

An asset has about a thousand files of dependencies, and writing them takes most of the time that a
job takes in a synth. Only files of the same app's output are linked with each other, never those of
the cache, so a tool that changes an asset cannot damage later synths.
"""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple


class _State(NamedTuple):
    """What shows that a file is still as it was written."""

    mode: int
    size: int
    modified_ns: int

    @classmethod
    def of(cls, path: str | Path) -> _State:
        status = os.lstat(path)
        return cls(status.st_mode, status.st_size, status.st_mtime_ns)


@dataclass(frozen=True)
class _Written:
    """An asset's folder, open because CDK renames it, and files in it that others may link to."""

    folder: int
    files: dict[str, _State]


_written: dict[Hashable, _Written] = {}


def link(content: Hashable, output: Path) -> bool:
    """Link the files of a content that was remembered; return whether that was possible.

    `content` stands for all of them: the same content has the same files.
    """
    source = _written.get(content)
    if source is None or os.link not in os.supports_dir_fd:
        return False
    linked: list[str] = []
    try:
        for name, state in source.files.items():
            target = f"{output}/{name}"
            _link(name, target, source.folder)
            linked.append(target)
            if _State.of(target) != state:
                raise FileNotFoundError(name)  # changed since: as good as gone
    except OSError:  # it is gone, on another file system, has too many links, or there are none
        for target in linked:
            Path(target).unlink()
        _forget(content)
        return False
    return True


def remember(content: Hashable, output: Path, names: Iterable[str]) -> None:
    """Let later assets link to all files of a content, which were written into `output`."""
    with suppress(OSError):
        files = {name: _State.of(output / name) for name in names}
        folder = os.open(output, os.O_RDONLY)
        _forget(content)
        _written[content] = _Written(folder, files)


def _forget(content: Hashable) -> None:
    if (source := _written.pop(content, None)) is not None:
        os.close(source.folder)


def _link(name: str, target: str, folder: int) -> None:
    try:
        os.link(name, target, src_dir_fd=folder)
    except FileNotFoundError:
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        os.link(name, target, src_dir_fd=folder)
