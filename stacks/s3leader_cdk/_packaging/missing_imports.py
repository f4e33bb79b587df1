"""Modules that a shipped file imports when it is imported, and that are not shipped themselves."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from s3leader_cdk._packaging.folder_files import FolderFiles, ShippedFile


def missing_imports(job: FolderFiles) -> Iterator[tuple[Path, str]]:
    """Yield each importing file with the module that is in the folder and is left out.

    Only imports at module level count, for others may never happen. A file that this Python cannot
    parse is passed over: the function may run a newer one.
    """
    shipped = {file.name for file in job.files}
    for file in job.files:
        if file.path.suffix != ".py":
            continue
        try:
            tree = ast.parse(file.path.read_bytes())
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for module in sorted(set(_imported(tree, file))):
            if module.partition(".")[0] != job.folder.name:
                continue  # another package: what lies beside the folder is not of the job
            left_out = _file_of(module, job.folder.parent)
            if left_out is not None and left_out not in shipped:
                yield file.path, module


def _imported(tree: ast.Module, file: ShippedFile) -> Iterator[str]:
    """Yield the dotted names of what may be modules."""
    package = Path(file.name).parent.parts
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield module
            yield from (f"{module}.{each.name}" for each in node.names)


def _file_of(module: str, root: Path) -> str | None:
    """Return the name of the module's file below `root`, None if there is none."""
    path = module.replace(".", "/")
    names = (f"{path}.py", f"{path}/__init__.py")
    return next((name for name in names if (root / name).is_file()), None)
