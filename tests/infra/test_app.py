import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from app import STACK_NAME
from tests.infra.synth import synthesize_app

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of `python app.py` without credentials, Region and Docker."""
    output = tmp_path_factory.mktemp("cdk.out")
    environment = {name: each for name, each in os.environ.items() if not name.startswith("AWS_")}
    environment |= {"CDK_OUTDIR": str(output), "CDK_DOCKER": "false"}
    subprocess.run([sys.executable, "app.py"], cwd=ROOT, env=environment, check=True)
    return output


@pytest.fixture(scope="module")
def asset(assembly: Path) -> Path:
    (folder,) = (path for path in assembly.glob("asset.*") if path.is_dir())
    return folder


def test_without_the_cli_the_template_is_the_same(assembly: Path) -> None:
    template = json.loads((assembly / f"{STACK_NAME}.template.json").read_text())
    assert template["Resources"] == synthesize_app().json["Resources"]


def test_the_asset_holds_job_runtime_and_dependencies(asset: Path) -> None:
    names = {path.name for path in asset.iterdir() if not path.name.endswith(".dist-info")}
    assert names == {
        "aws_lambda_powertools",
        "compaction",
        "jmespath",
        "s3leader",
        "typing_extensions.py",
    }


def run_with_path(folder: Path, program: str, **variables: str) -> None:
    """Run a program that imports from `folder` first, and assert that it succeeds."""
    path = f"import sys; sys.path.insert(0, {str(folder)!r})"
    environment = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", **variables}
    command = [sys.executable, "-c", f"{path}\n{program}"]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_handler_and_the_runtime_import_from_the_asset_alone(asset: Path) -> None:
    program = """
import aws_lambda_powertools, compaction.handler, s3leader.aws_lambda
for module in (aws_lambda_powertools, compaction.handler, s3leader.aws_lambda):
    assert module.__file__.startswith(sys.path[0]), module.__file__
assert callable(compaction.handler.handler)
"""
    variables = {"S3LEADER_BUCKET": "b", "S3LEADER_ELECTION": "e", "DATA_BUCKET": "d"}
    run_with_path(asset, program, AWS_DEFAULT_REGION="us-east-1", **variables)


def test_nothing_in_the_assembly_names_this_machine(assembly: Path) -> None:
    template = (assembly / f"{STACK_NAME}.template.json").read_text()
    assert str(ROOT) not in template


@pytest.mark.parametrize("option", ["lock_bucket", "data_bucket"])
@pytest.mark.parametrize(
    "name", ["s3://my-locks", "arn:aws:s3:::my-locks", "", "a..b", "a" * 64, 5]
)
def test_context_that_names_no_bucket_is_refused(name: object, option: str) -> None:
    match = f"{option} {name!r} is not a bucket name: give the name alone"
    with pytest.raises(ValueError, match=re.escape(match)):
        synthesize_app(**{option: name})


def test_arguments_of_the_app_are_refused_and_the_cli_is_named() -> None:
    command = [sys.executable, "app.py", "-c", "contenders=2"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "app.py takes no arguments, but was given -c contenders=2" in done.stderr


def test_errors_of_the_constructs_are_printed_without_a_traceback(tmp_path: Path) -> None:
    context = json.dumps({"schedule": "rate(7 minutes)"})
    environment = os.environ | {"CDK_OUTDIR": str(tmp_path), "CDK_CONTEXT_JSON": context}
    done = subprocess.run(
        [sys.executable, "app.py"], cwd=ROOT, env=environment, capture_output=True, check=False
    )
    assert b"schedule 'rate(7 minutes)' cannot be used" in done.stderr
    assert b"Traceback" not in done.stderr
