"""Wheels for tests, in a folder that is the only source of packages."""

import hashlib
import zipfile
from collections.abc import Sequence
from pathlib import Path


def wheel(
    folder: Path,
    tags: str = "py3-none-any",
    name: str = "numbers_of",
    version: str = "1.0",
    requires: Sequence[str] = (),
) -> Path:
    """Make a wheel with a module, a script and its metadata."""
    information = f"{name}-{version}.dist-info"
    made = folder / f"{name}-{version}-{tags}.whl"
    tag = tags.replace(".", "-")
    metadata = [f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {x}" for x in requires)]
    files = {
        f"{name}/__init__.py": f"VERSION = '{version}'\n",
        f"{information}/METADATA": "\n".join(["Metadata-Version: 2.1", *metadata, ""]),
        f"{information}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
        f"{information}/entry_points.txt": f"[console_scripts]\n{name} = {name}:VERSION\n",
    }
    record = "".join(f"{each},,\n" for each in [*files, f"{information}/RECORD"])
    with zipfile.ZipFile(made, "w") as archive:
        for path, content in {**files, f"{information}/RECORD": record}.items():
            archive.writestr(path, content)
    return made


def lock(folder: Path, *made: Path) -> Path:
    """Write a requirements file that pins wheels with their hashes."""
    requirements = folder / "requirements.lock"
    lines = []
    for each in made:
        name, version, *_ = each.name.split("-")
        digest = hashlib.sha256(each.read_bytes()).hexdigest()
        lines.append(f"{name}=={version} --hash=sha256:{digest}\n")
    requirements.write_text("".join(lines))
    return requirements
