"""Warnings at synth about shipped files that probably fail in Lambda, or should not be shipped."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from s3leader_cdk._packaging.folder_files import FolderFiles, ShippedFile

# https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html: e_ident, then e_machine at 18.
_ELF = b"\x7fELF"
_ELF_MACHINES = {"arm64": 0xB7, "x86_64": 0x3E}
_OTHER_SYSTEMS = {
    b"\xcf\xfa\xed\xfe": "macOS",
    b"\xce\xfa\xed\xfe": "macOS",
    b"\xca\xfe\xba\xbe": "macOS",
}
_PROGRAM_SUFFIXES = re.compile(r"\.(so(\.[\d.]+)?|pyd|dll|dylib|exe)$")
_CPYTHON_TAG = re.compile(r"\.cpython-(\d+)[^.]*\.so$")
_PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_HEAD_BYTES = 4096


def warnings(job: FolderFiles, *, python: str, architecture: str) -> Iterator[tuple[str, str]]:
    """Yield the id and the message of each warning.

    Args:
        job: the files.
        python: the version of Python that runs them, such as `3.14`.
        architecture: of the function, `arm64` or `x86_64`.
    """
    for path in job.withheld:
        yield "s3leader:secrets-not-shipped", _withheld(path)
    for path, module in missing_imports(job):
        yield "s3leader:import-not-shipped", _missing(path, module)
    for file in job.files:
        head = file.head(_HEAD_BYTES)
        if _PRIVATE_KEY.search(head):
            yield "s3leader:private-key-shipped", _private_key(file.path)
        built = _built_for(file, head, python, architecture)
        if built is not None:
            function = f"Python {python} on Linux, {architecture}"
            yield "s3leader:built-for-another-platform", _foreign(file.path, built, function)


def _missing(path: Path, module: str) -> str:
    return (
        f"{path} imports {module}, which is in the folder but is not shipped, so the import fails"
        " in Lambda: ship it (tests/ and test_*.py are excluded by default; exclude=['!tests/']"
        " ships the folder), or move what the job needs elsewhere"
    )


def _withheld(path: Path) -> str:
    return (
        f"{path} is not shipped, because a function's code must not hold secrets: pass settings as"
        f" environment=, and let the job read secrets from Secrets Manager. exclude=[{path.name!r}]"
        f" excludes it without this warning, exclude=['!{path.name}'] ships it"
    )


def _private_key(path: Path) -> str:
    return (
        f"{path} holds a private key and is shipped, so everyone with access to the function's code"
        f" can read it: keep the key in Secrets Manager, and pass exclude=[{path.name!r}]"
    )


def _foreign(path: Path, built: str, function: str) -> str:
    return (
        f"{path} is shipped and was built for {built}, but the function runs {function}: exclude"
        " it, and provide a build for that platform, for example in layers=[…]"
    )


def _built_for(file: ShippedFile, head: bytes, python: str, architecture: str) -> str | None:
    """Return what a program or library was built for if that is not the function's platform."""
    if head.startswith(_ELF):
        machine = int.from_bytes(head[18:20], "little" if head[5:6] == b"\x01" else "big")
        if machine != _ELF_MACHINES[architecture]:
            names = {number: name for name, number in _ELF_MACHINES.items()}
            return names.get(machine, f"another processor (ELF machine {machine})")
        tag = _CPYTHON_TAG.search(file.name)
        if tag is not None and tag[1] != python.replace(".", ""):
            return f"CPython {tag[1][0]}.{tag[1][1:]}"
        return None
    # Java classes begin like universal binaries of macOS, and a text may begin with MZ.
    if file.executable or _PROGRAM_SUFFIXES.search(file.name):
        return "Windows" if head.startswith(b"MZ") else _OTHER_SYSTEMS.get(head[:4])
    return None


def missing_imports(job: FolderFiles) -> Iterator[tuple[Path, str]]:
    """Yield each shipped file with a module of the folder that it imports and that is excluded.

    Only imports at module level count, because others may never run. A file that this Python cannot
    parse is skipped: the function may run a newer one.
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
            path = module.replace(".", "/")
            excluded = {f"{path}.py", f"{path}/__init__.py"} - shipped
            own = module.partition(".")[0] == job.folder.name
            if own and any((job.folder.parent / name).is_file() for name in excluded):
                yield file.path, module


def _imported(tree: ast.Module, file: ShippedFile) -> Iterator[str]:
    """Yield the dotted names that may be modules."""
    package = Path(file.name).parent.parts
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield module
            yield from (f"{module}.{each.name}" for each in node.names)
