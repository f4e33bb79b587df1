"""Copies of the project that tests change and synthesize."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from local_cloud.environment import synth_environment

ROOT = Path(__file__).resolve().parents[2]
STACK = "S3LeaderCompaction"
NEVER = "at(2099-01-01T00:00:00)"

# One interpreter and one bundling for all assemblies, as each takes seconds.
_SYNTHESISE = """
import json, os, pathlib, shutil, sys
from app import compose, create_app
bundled = []
for folder, context in json.loads(sys.argv[1]).items():
    for asset in bundled:
        shutil.copytree(asset, pathlib.Path(folder, asset.name))
    os.environ["CDK_OUTDIR"] = folder
    app = create_app()
    for name, value in context.items():
        app.node.set_context(name, value)
    compose(app)
    app.synth()
    bundled = [*pathlib.Path(folder).glob("asset.*/")]
"""


def copy_project(to: Path) -> Path:
    """Copy what the CDK needs of this project, with a link to what npm has installed."""
    to.mkdir(parents=True)
    for name in ("app.py", "cdk.json", "package.json"):
        shutil.copy(ROOT / name, to / name)
    for name in ("stacks", "lambda_src", "examples/lock_bucket"):
        shutil.copytree(ROOT / name, to / name, ignore=shutil.ignore_patterns("__pycache__"))
    (to / "node_modules").symlink_to(ROOT / "node_modules")
    return to


@contextmanager
def assemblies(project: Path, contexts: Mapping[str, Mapping[str, str]]) -> Iterator[Path]:
    """Synthesize a copy's app during the block, for each context into a folder of that name.

    Yield the parent of these folders, which are complete after the block.
    """
    out = project / "assemblies"
    asked = json.dumps({str(out / name): context for name, context in contexts.items()})
    # tests/infra checks that templates pass CDK's own validation, which takes ten seconds.
    quick = {"CDK_VALIDATION": "false", "PYTHONPATH": os.curdir}
    with (project / "synth.log").open("wb") as log:
        synthesis = subprocess.Popen(
            [sys.executable, "-c", _SYNTHESISE, asked],
            cwd=project,
            env=synth_environment(project) | quick,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield out
        code = synthesis.wait(300)
    finally:
        synthesis.kill()
        synthesis.wait()
    assert code == 0, (project / "synth.log").read_text()[-4000:]
