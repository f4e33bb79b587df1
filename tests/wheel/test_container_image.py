"""The Dockerfile of an image job: its instructions are followed here, without Docker."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.wheel.environments import ROOT, locked, variables

IMAGE = ROOT / "examples" / "container_image" / "image"
TASK_ROOT = "/var/task"  # as in the base image
TICK = "2026-11-23T03:00:00Z"
# What Lambda's runtime interface does: load the handler once, then call it for each event.
RUN = """
import importlib, json, sys
name, events = sys.argv[1], json.loads(sys.argv[2])
module, _, attribute = name.rpartition(".")
handler = getattr(importlib.import_module(module), attribute)
class Context:
    function_name, aws_request_id = "billing", "1"
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:billing:live"
    def get_remaining_time_in_millis(self):
        return 60_000
print("\\n" + json.dumps([handler(event, Context()) for event in events]))
"""


@dataclass
class Built:
    """The tree of an image under a folder, and its settings."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    command: list[str] = field(default_factory=list)

    def path(self, name: str) -> Path:
        return self.root / name.replace('"', "").replace("${LAMBDA_TASK_ROOT}", TASK_ROOT)[1:]

    def run(
        self, events: list[dict[str, Any]], more: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Start the image's command as Lambda does, and send it events."""
        environment = {**more, **self.environment, "PYTHONPATH": str(self.path(TASK_ROOT))}
        environment |= {"AWS_LAMBDA_FUNCTION_NAME": "billing"}
        return subprocess.run(
            [sys.executable, "-S", "-c", RUN, *self.command, json.dumps(events)],
            cwd=self.root,
            env=variables(environment),
            capture_output=True,
            text=True,
            check=False,
        )


def build(context: Path, built: Built, *, constraint: str) -> Built:
    """Follow the instructions of a Dockerfile, of which this knows what ours uses."""
    built.path(TASK_ROOT).mkdir(parents=True)
    for line in (context / "Dockerfile").read_text().splitlines():
        instruction, _, rest = line.partition(" ")
        if instruction == "COPY":
            source, target = (context / rest.split()[0], built.path(rest.split()[1]))
            if source.is_dir():
                shutil.copytree(source, target, dirs_exist_ok=True)
            else:
                target.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, target)
        elif instruction == "RUN":
            tool, *arguments = [
                str(built.path(each)) if re.match(r'"?(\$\{|/)', each) else each
                for each in rest.split()
            ]
            command = [sys.executable, "-I", "-m", tool, *arguments, "--no-compile", constraint]
            subprocess.run(command, env=variables(), check=True, capture_output=True)
        elif instruction == "ENV":
            name, _, value = rest.partition("=")
            built.environment[name] = value
        elif instruction == "CMD":
            built.command = json.loads(rest)
        else:
            assert instruction in ("FROM", "#", ""), line
    return built


@pytest.fixture(scope="module")
def image(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("image")
    context = folder / "context"
    shutil.copytree(IMAGE, context, ignore=shutil.ignore_patterns("__pycache__", "dist"))
    (context / "dist").mkdir()
    shutil.copy(wheel, context / "dist")
    return build(context, Built(folder / "root"), constraint=locked(folder))


def test_image_leads_a_tick_once(image: Built, s3: dict[str, str]) -> None:
    settings = {"S3LEADER_BUCKET": "locks", "S3LEADER_ELECTION": "nightly-billing"}
    done = image.run([{"tick": TICK}, {"tick": TICK, "contender": 2}], {**s3, **settings})
    assert done.returncode == 0, done.stderr
    first, second = json.loads(done.stdout.splitlines()[-1])
    assert (first["result"], second["reason"]) == ("charged 3 in term 1", "done")


def test_image_holds_all_that_it_runs_on(image: Built) -> None:
    names = {each.name for each in image.path(TASK_ROOT).iterdir() if each.is_dir()}
    assert {"billing", "s3leader", "boto3", "aws_lambda_powertools"} < names


def test_image_refuses_to_start_a_handler_without_the_decorator(image: Built) -> None:
    (image.path(TASK_ROOT) / "plain.py").write_text("def handler(event, context): ...\n")
    plain = Built(image.root, {"S3LEADER_HANDLER": "plain.handler"}, image.command)
    done = plain.run([{"tick": TICK}], {})
    assert (done.returncode, "is not decorated with @singleton" in done.stderr) == (1, True)
