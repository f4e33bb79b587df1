import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.infra.all_options import fill
from tests.infra.synth import Json, Synthesized, synthesize, synthesize_stacks

ROOT = Path(__file__).parents[2]
# CDK itself writes such dependencies, and they do no harm.
IGNORED = "W3005"


REGIONS = {"regions": "us-east-1,eu-west-1"}


def nag(output: Path, what: str, **context: str) -> list[str]:
    """Return the names of the rules that an app breaks, and where."""
    environment = os.environ | {
        "CDK_OUTDIR": str(output),
        "CDK_VALIDATION": "true",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "stacks")]),
    }
    command = [sys.executable, str(ROOT / "tests/infra/nag_app.py"), what, json.dumps(context)]
    subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True)
    report = json.loads((output / "validation-report.json").read_text())
    return [
        f"{violation['ruleName']} at {place['constructPath']}"
        for plugin in report["pluginReports"]
        for violation in plugin["violations"]
        for place in violation["violatingConstructs"]
    ]


def test_cdk_nag_finds_nothing_in_the_app_that_is_not_acknowledged_with_a_reason(
    tmp_path: Path,
) -> None:
    assert nag(tmp_path, "app") == []


def test_cdk_nag_finds_nothing_in_the_app_for_several_regions(tmp_path: Path) -> None:
    assert nag(tmp_path, "app", **REGIONS) == []


def test_cdk_nag_finds_nothing_in_the_constructs_whatever_is_asked_of_them(tmp_path: Path) -> None:
    assert nag(tmp_path, "zoo") == []


def test_cdk_nag_is_really_on(tmp_path: Path) -> None:
    found = nag(tmp_path, "app-with-a-plain-queue")
    assert any(each.startswith("AwsSolutions-SQS4 ") for each in found)


@pytest.fixture(scope="module")
def templates(compaction: Synthesized, throwaway: Synthesized) -> Mapping[str, Json]:
    regions = synthesize_stacks(**REGIONS)
    return {
        "compaction": compaction.json,
        "throwaway": throwaway.json,
        "home": regions["S3LeaderCompaction-home"].json,
        "region": regions["S3LeaderCompaction-eu-west-1"].json,
        "zoo": synthesize(fill).json,
    }


@pytest.mark.parametrize("which", ["compaction", "throwaway", "home", "region", "zoo"])
def test_cfn_lint_finds_nothing(which: str, tmp_path: Path, templates: Mapping[str, Json]) -> None:
    path = tmp_path / "template.json"
    path.write_text(json.dumps(templates[which]))
    command = ["cfn-lint", "--ignore-checks", IGNORED, "--", str(path)]
    scripts = str(Path(sys.executable).parent)
    environment = os.environ | {"PATH": os.pathsep.join([scripts, os.environ["PATH"]])}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
