import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.infra.synth import Synthesized

ROOT = Path(__file__).parents[2]
# CDK itself writes such dependencies, and they do no harm.
IGNORED = "W3005"


def nag(output: Path, *arguments: str) -> list[str]:
    """Return the names of the rules that the app breaks."""
    environment = os.environ | {
        "CDK_OUTDIR": str(output),
        "CDK_VALIDATION": "true",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "stacks")]),
    }
    command = [sys.executable, str(ROOT / "tests/infra/nag_app.py"), *arguments]
    subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True)
    report = json.loads((output / "validation-report.json").read_text())
    return [
        violation["ruleName"]
        for plugin in report["pluginReports"]
        for violation in plugin["violations"]
    ]


def test_cdk_nag_finds_nothing_that_is_not_acknowledged_with_a_reason(tmp_path: Path) -> None:
    assert nag(tmp_path) == []


def test_cdk_nag_is_really_on(tmp_path: Path) -> None:
    assert "AwsSolutions-SQS4" in nag(tmp_path, "with-a-plain-queue")


@pytest.mark.parametrize("which", ["compaction", "throwaway"])
def test_cfn_lint_finds_nothing(which: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    template: Synthesized = request.getfixturevalue(which)
    path = tmp_path / "template.json"
    path.write_text(json.dumps(template.json))
    command = ["cfn-lint", "--ignore-checks", IGNORED, "--", str(path)]
    scripts = str(Path(sys.executable).parent)
    environment = os.environ | {"PATH": os.pathsep.join([scripts, os.environ["PATH"]])}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
