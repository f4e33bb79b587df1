"""cdk-nag and cfn-lint find nothing in the templates of the example and of the constructs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.infra.synth import Synthesized, synthesize_stacks

ROOT = Path(__file__).parents[2]
IGNORED = "W3005"  # dependencies that CDK itself writes, and that do no harm
REGIONS = {"regions": "us-east-1,eu-west-1"}


@pytest.mark.parametrize("context", [{}, REGIONS], ids=["one Region", "two Regions"])
def test_cdk_nag_finds_nothing_but_the_queue_that_breaks_a_rule(
    tmp_path: Path, context: dict[str, str]
) -> None:
    environment = os.environ | {
        "CDK_OUTDIR": str(tmp_path),
        "CDK_VALIDATION": "true",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "stacks")]),
    }
    command = [sys.executable, str(ROOT / "tests/infra/nag_app.py"), json.dumps(context)]
    subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True)
    report = json.loads((tmp_path / "validation-report.json").read_text())
    found = {
        (violation["ruleName"], place["constructPath"])
        for plugin in report["pluginReports"]
        for violation in plugin["violations"]
        for place in violation["violatingConstructs"]
    }
    queue = "Broken/Plain/Resource"
    assert ("AwsSolutions-SQS4", queue) in found
    assert {(rule, path) for rule, path in found if path != queue} == set()


def test_cfn_lint_finds_nothing(
    tmp_path: Path, compaction: Synthesized, throwaway: Synthesized, all_options: Synthesized
) -> None:
    regions = synthesize_stacks(**REGIONS)
    templates = {
        "compaction": compaction,
        "throwaway": throwaway,
        "home": regions["S3LeaderCompaction-home"],
        "region": regions["S3LeaderCompaction-eu-west-1"],
        "all-options": all_options,
    }
    for name, template in templates.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(template.json))
    command = ["cfn-lint", "--ignore-checks", IGNORED, "--", *map(str, tmp_path.iterdir())]
    scripts = str(Path(sys.executable).parent)
    environment = os.environ | {"PATH": os.pathsep.join([scripts, os.environ["PATH"]])}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
