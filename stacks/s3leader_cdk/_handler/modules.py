"""Finds the modules of a job's code and the statements that bind names; executes nothing."""

from __future__ import annotations

import ast
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

_BRANCHES = (ast.If, ast.Try, ast.For, ast.While, ast.Match)


@dataclass(frozen=True)
class Source:
    """The source of a module, or of a package; `file` is its path, for messages."""

    file: str
    content: bytes
    package: bool = False

    def parsed(self) -> ast.Module:
        """Return its syntax tree.

        Raises:
            ValueError: if this interpreter cannot parse it, with the file's path. The function may
                run a newer Python, or the source may be nested too deeply.
        """
        try:
            return ast.parse(self.content, filename=self.file)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            version = platform.python_version()
            raise ValueError(
                f"{self.file} cannot be parsed by the Python {version} that synthesizes:"
                f" {str(error) or type(error).__name__}"
            ) from None


class Sources(Protocol):
    """Finds modules by their dotted names."""

    def read(self, module: str) -> Source | None:
        """Return a module, or None if it does not exist."""
        ...


@dataclass(frozen=True)
class Folder:
    """The modules in `root`, of which only those at or below `within` are shipped."""

    root: Path
    within: Path | None = None

    def read(self, module: str) -> Source | None:
        """Return a module, or a package with or without `__init__`; None if it does not exist."""
        path = self.root.joinpath(*module.split("."))
        if self.within is not None and self.within not in (path, *path.parents):
            return None
        for file, package in ((path / "__init__.py", True), (path.with_suffix(".py"), False)):
            if file.is_file():
                return Source(str(file), file.read_bytes(), package)
        return Source(str(path), b"", package=True) if path.is_dir() else None


@dataclass(frozen=True)
class Inline:
    """Code in the template, which Lambda writes to a module named `index`."""

    text: str

    def read(self, module: str) -> Source | None:
        """Return the code if `module` is `index`, else None."""
        return Source("index.py", self.text.encode()) if module == "index" else None


@dataclass(frozen=True)
class Binding:
    """A statement at the top level of a module that binds a name.

    `node` is the definition, the import of this one name, the expression that is assigned, or a
    statement of another kind. `certain` is false inside a branch, which may not run.
    """

    name: str
    node: ast.AST
    certain: bool


def bindings(body: list[ast.stmt], *, certain: bool = True) -> Iterator[Binding]:
    """Yield the bindings of a module in source order; a star import binds the name `*`."""
    for node in body:
        if isinstance(node, ast.With):
            yield from bindings(node.body, certain=certain)
        elif isinstance(node, _BRANCHES):
            for part in (node, *getattr(node, "handlers", ()), *getattr(node, "cases", ())):
                for name in ("body", "orelse", "finalbody"):
                    yield from bindings(getattr(part, name, []), certain=False)
        else:
            for name, bound in _bound_by(node):
                yield Binding(name, bound, certain)


def _bound_by(node: ast.stmt) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name, node
    elif isinstance(node, ast.Import):
        for alias in node.names:
            yield (alias.asname or alias.name).split(".")[0], ast.Import([alias])
    elif isinstance(node, ast.ImportFrom):
        for alias in node.names:
            one = ast.ImportFrom(node.module, [alias], node.level)
            yield alias.asname or alias.name, one
    elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            is_name = isinstance(target, ast.Name)
            for name in _stored(target):
                yield name, node.value if is_name else node
    else:
        for name in _stored(node):
            yield name, node


def _stored(node: ast.AST) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
            yield each.id
