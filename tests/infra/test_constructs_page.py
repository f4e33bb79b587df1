"""The blocks of docs/constructs.md are one program that synthesizes."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.infra.jobs import DECORATED

PAGE = Path(__file__).parents[2] / "docs" / "constructs.md"
EXAMPLE = PAGE.parents[1] / "examples" / "container_image" / "image"
(DOCKERFILE,) = re.findall(r"```dockerfile\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    (folder / "billing").mkdir()
    (folder / "billing" / "main.py").write_text(DECORATED)
    (folder / "billing" / "requirements.txt").write_text("requests==2.32.5\n")
    (folder / "image").mkdir()
    (folder / "image" / "Dockerfile").write_text(DOCKERFILE)
    program = "".join(BLOCKS).replace(
        "App()", f"App(context={{'aws:cdk:bundling-stacks': []}}, outdir={str(folder / 'out')!r})"
    )
    (folder / "app.py").write_text(program)
    environment = os.environ | {"S3LEADER_CACHE_DIR": str(folder / "packages")}
    command = [sys.executable, "app.py"]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder / "out"


def test_every_stack_of_the_page_is_synthesized(assembly: Path) -> None:
    names = sorted(path.name.split(".")[0] for path in assembly.glob("*.template.json"))
    assert names == [
        "Billing-eu-west-1",
        "Billing-us-east-1",
        "Containers",
        "Home",
        "Jobs",
        "LongJobs",
        "Schedules",
    ]


def test_dockerfile_is_that_of_the_example_which_is_built_by_a_test() -> None:
    assert (EXAMPLE / "Dockerfile").read_text() == DOCKERFILE


def test_a_synth_without_bundling_installs_nothing(assembly: Path) -> None:
    assert not (assembly.parent / "packages").exists()


def test_the_page_states_the_number_of_alarms(assembly: Path) -> None:
    template = json.loads((assembly / "Jobs.template.json").read_text())
    alarms = [
        name
        for name, each in template["Resources"].items()
        if each["Type"] == "AWS::CloudWatch::Alarm" and name.startswith("Nightly")
    ]
    assert ("eight alarms" in PAGE.read_text(), len(alarms)) == (True, 8)
