"""A deployed job imports what it requires."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from local_cloud import LocalCloud
from tests.infra.packaging.wheels import lock, wheel

HANDLER = """\
import alpha, beta
from s3leader.aws_lambda import singleton

@singleton
def handler(event, context, term):
    return {each.__name__: [each.VERSION, each.__file__] for each in (alpha, beta)}
"""
APP = """\
from aws_cdk import App, RemovalPolicy, Stack
from s3leader_cdk import JobFunction, LockBucket, SingletonJob

app = App()
stack = Stack(app, "Required")
SingletonJob(
    stack,
    "Job",
    election="required",
    schedule="rate(1 day)",
    lock_bucket=LockBucket(stack, "Locks", protect=False, removal_policy=RemovalPolicy.DESTROY),
    function=JobFunction(stack, "Function", code="billing", handler="billing.main.handler"),
)
app.synth()
"""


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Synthesize a job whose requirements are locked with hashes."""
    project = tmp_path_factory.mktemp("project")
    for name in ("billing", "wheels"):
        (project / name).mkdir()
    made = [
        wheel(project / "wheels", name="alpha", requires=["beta"]),
        wheel(project / "wheels", name="beta", version="2.0"),
    ]
    locked = lock(project, *made).read_text()
    (project / "billing" / "requirements.txt").write_text(f"--find-links ../wheels\n{locked}")
    (project / "billing" / "main.py").write_text(HANDLER)
    (project / "app.py").write_text(APP)
    environment = os.environ | {
        "CDK_OUTDIR": str(project / "out"),
        "CDK_VALIDATION": "false",
        "S3LEADER_CACHE_DIR": str(project / "packages"),
    }
    subprocess.run([sys.executable, "app.py"], cwd=project, env=environment, check=True)
    return project / "out"


@pytest.fixture(scope="module")
def answer(cloud: LocalCloud, assembly: Path) -> dict[str, Any]:
    """Deploy the job and invoke it for a tick."""
    cloud.bootstrap()
    cloud.deploy("Required", assembly=assembly)
    client = cloud.client("lambda")
    names = [each["FunctionName"] for each in client.list_functions()["Functions"]]
    (name,) = (each for each in names if each.startswith("Required-"))
    event = json.dumps({"tick": "2026-11-23T06:00:00Z"})
    found: dict[str, Any] = json.loads(
        client.invoke(FunctionName=name, Payload=event)["Payload"].read()
    )
    return found


def test_a_deployed_job_imports_what_its_requirements_file_names(answer: dict[str, Any]) -> None:
    versions = {name: version for name, (version, _) in answer["result"].items()}
    assert versions == {"alpha": "1.0", "beta": "2.0"}


def test_the_modules_are_those_in_the_function_s_code(answer: dict[str, Any]) -> None:
    folders = {str(Path(file).parents[1]) for _, file in answer["result"].values()}
    (code,) = folders
    assert "site-packages" not in code
