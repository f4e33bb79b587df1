"""mypy checks the project and, as strictly, every Python program on its pages: in one run.

A run with an empty cache takes a minute of one core, while other tests wait for servers.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "examples" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
RECIPES = ROOT / "docs" / "recipes.md"
PAGES.remove(RECIPES)  # its programs are those of `examples/services`, but for the one with a store
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
    "batches(": """
from collections.abc import Iterator
from typing import Any
from s3leader import Term
from s3leader.aws_lambda import LambdaContext
class Batch:
    last: int
def batches(after: int | None) -> Iterator[Batch]: ...  # type: ignore[empty-body]
def write(batch: Batch, fencing_token: int) -> None: ...
""",
    "consume(": "def consume(shard: str, fencing_token: int) -> None: ...\n",
    "poll(": "def poll(fencing_token: int) -> None: ...\n",
    "FencedBytes(": "from s3leader import Term\nterm: Term\n",
    "FencedObject(": "from s3leader import Term\nterm: Term\n",
    **dict.fromkeys(
        (
            "FencedItems(",
            "fenced_request(",
            "FenceRow(",
            "as database:  # a",
            "engine.begin()",
            "sql.guarded(",
        ),
        "from s3leader import Term\nterm: Term\n",
    ),
    "create_until_known(": """
from mypy_boto3_s3 import S3Client
from s3leader import Term
s3: S3Client
rows: bytes
term: Term
""",
}
# A handler is short on the page; its parameters have these types.
HANDLER = re.compile(r"def (handler|work)\(event, context, term\):")
TYPED = r"def \1(event: dict[str, Any], context: LambdaContext, term: Term) -> Any:"


def programs() -> Iterator[tuple[str, str]]:
    """Yield each program of the pages with its name."""
    for page in PAGES:
        blocks = FENCED.findall(page.read_text())
        if page.name in ONE_PROGRAM:
            blocks = ["".join(blocks)]
        for number, block in enumerate(blocks + IN_A_SHELL.findall(page.read_text()), 1):
            readers = "".join(text for word, text in READERS.items() if word in block)
            yield f"{page.stem.lower()}_{number}", readers + HANDLER.sub(TYPED, block)
    (in_a_test,) = (block for block in FENCED.findall(RECIPES.read_text()) if "store = " in block)
    for module in ("celery_beat", "fastapi_app"):
        in_a_test = in_a_test.replace(f"from {module} ", f"from examples.services.{module} ")
    command = "from examples.services.send_reminders import Command\ncommand: Command\n"
    yield "recipes_in_a_test", command + in_a_test


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Run mypy on the project and on all programs; return what it prints."""
    folder = tmp_path_factory.mktemp("pages")
    names = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["files"]
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


def test_the_project_is_typed(report: str) -> None:
    assert "Success: no issues found" in report, report
