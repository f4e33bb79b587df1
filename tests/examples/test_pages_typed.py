"""Every Python program on the pages passes mypy as strictly as the project itself does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "examples" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCED = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
IN_A_SHELL = re.compile(r"^python - <<'EOF'\n(.*?)^EOF", re.DOTALL | re.MULTILINE)
ONE_PROGRAM = {"constructs.md"}  # each block goes on where the one before it ended

# What a block takes from its reader, by a word of the block.
READERS = {
    "@singleton": """
from typing import Any
from s3leader import Term
from s3leader.aws_lambda import LambdaContext
def unpaid(after: int | None) -> list[int]: ...  # type: ignore[empty-body]
def charge(invoice: int, fencing_token: int) -> None: ...
""",
    "invoke(handler": """
from typing import Any
from s3leader import Term
from s3leader.aws_lambda import singleton
@singleton
def handler(event: object, context: object, term: Term) -> None: ...
""",
    "poll(": "def poll(fencing_token: int) -> None: ...\n",
    "FencedObject(": "from s3leader import Term\nterm: Term\n",
}
# A handler is short on the page; its parameters have these types.
HANDLER = re.compile(r"def handler\(event, context, term\):")
TYPED = "def handler(event: dict[str, Any], context: LambdaContext, term: Term) -> Any:"


def programs() -> Iterator[tuple[str, str]]:
    """Yield each program of the pages with its name."""
    for page in PAGES:
        blocks = FENCED.findall(page.read_text())
        if page.name in ONE_PROGRAM:
            blocks = ["".join(blocks)]
        for number, block in enumerate(blocks + IN_A_SHELL.findall(page.read_text()), 1):
            readers = "".join(text for word, text in READERS.items() if word in block)
            yield f"{page.stem.lower()}_{number}", readers + HANDLER.sub(TYPED, block)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What mypy says of all programs; the cache is that of scripts/lint, which comes first."""
    folder = tmp_path_factory.mktemp("pages")
    names = []
    for name, text in programs():
        (folder / f"{name}.py").write_text(text)
        names.append(str(folder / f"{name}.py"))
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", *names],
        cwd=ROOT,
        env={**os.environ, "MYPYPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("name", [name for name, _ in programs()])
def test_a_program_of_the_pages_is_typed(name: str, report: str) -> None:
    assert [line for line in report.splitlines() if f"{name}.py:" in line] == []


def test_all_programs_were_checked(report: str) -> None:
    assert f"no issues found in {len(list(programs()))} source files" in report
