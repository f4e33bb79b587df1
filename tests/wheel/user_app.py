"""A stranger's CDK app: a folder of their own, with the README's lines in it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.wheel.environments import ROOT, Environment

# What the README's handler leaves to its reader.
BILLING = """
def unpaid(after):
    return [invoice for invoice in (10, 20) if after is None or invoice > after]


def charge(invoice, fencing_token):
    pass


"""
# CDK's own validation takes most of a synth's time, and tests/infra has it on.
QUICK = {"CDK_VALIDATION": "false"}
ACCOUNT = "000000000000"  # of the server that stands in for AWS
# Two invocations as Lambda makes them: boto3 is there, everything else is in the code's folder.
LAMBDA = """if True:
    import importlib, json, sys
    from types import SimpleNamespace
    code, handler, event = sys.argv[1:]
    sys.path.insert(0, code)
    module, _, name = handler.rpartition(".")
    handle = getattr(importlib.import_module(module), name)
    context = SimpleNamespace(
        function_name="billing", aws_request_id="1", get_remaining_time_in_millis=lambda: 60_000
    )
    answers = [handle(json.loads(event), context) for _ in range(2)]
    homes = [sys.modules[name].__file__ for name in ("s3leader", "aws_lambda_powertools")]
    print(json.dumps({"answers": answers, "homes": homes}))
"""


def readme(word: str) -> str:
    """Return the README's one block of Python that contains a word."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (found,) = (block for block in blocks if word in block)
    return str(found)


@dataclass(frozen=True)
class Synthesized:
    """A cloud assembly, as a template and the folder of the function's code."""

    resources: dict[str, Any]
    output: Path

    def each(self, kind: str) -> dict[str, Any]:
        """Return the properties of the resources of a type, by logical id."""
        found = {name: it for name, it in self.resources.items() if it["Type"] == kind}
        return {name: it["Properties"] for name, it in found.items()}

    @property
    def function(self) -> dict[str, Any]:
        """The one function that contends."""
        functions = self.each("AWS::Lambda::Function").values()
        (found,) = (each for each in functions if "S3LEADER_ELECTION" in _variables(each))
        return dict(found)

    @property
    def asset(self) -> Path:
        """The folder that is uploaded as the function's code."""
        return self.output / f"asset.{Path(self.function['Code']['S3Key']).stem}"

    def environment(self, bucket: str) -> dict[str, str]:
        """Return the function's variables as they are once the lock bucket is `bucket`."""
        known = dict.fromkeys(self.each("AWS::S3::Bucket"), bucket)
        known["AWS::AccountId"] = ACCOUNT
        variables = _variables(self.function)
        return {
            name: known[it["Ref"]] if isinstance(it, dict) else it for name, it in variables.items()
        }

    def events(self, tick: str) -> list[str]:
        """Return what each schedule sends to the function at `tick`."""
        targets = [each["Target"] for each in self.each("AWS::Scheduler::Schedule").values()]
        return [each["Input"].replace("<aws.scheduler.scheduled-time>", tick) for each in targets]


def synthesize(environment: Environment, folder: Path) -> Synthesized:
    """Write the app and its job into `folder`, and synthesize it, bundling included."""
    (folder / "billing").mkdir(parents=True)
    (folder / "billing" / "main.py").write_text(BILLING + readme("@singleton"))
    (folder / "app.py").write_text(readme("SingletonJob"))
    output = folder / "cdk.out"
    environment.prints("app.py", cwd=folder, CDK_OUTDIR=str(output), **QUICK)
    (template,) = output.glob("*.template.json")
    return Synthesized(json.loads(template.read_text())["Resources"], output)


@dataclass(frozen=True)
class Invoked:
    """What came of two invocations on one event, and where the code's packages came from."""

    answers: list[dict[str, Any]]
    homes: list[Path]
    metrics: set[str]


def invoke(
    environment: Environment, app: Synthesized, code: Path, tick: str, *, s3: dict[str, str]
) -> Invoked:
    """Run the function's code from a folder, with its variables, on a bucket named `locks`."""
    arguments = [str(code), app.function["Handler"], app.events(tick)[0]]
    variables = s3 | app.environment("locks")
    printed = environment.prints("-c", LAMBDA, *arguments, cwd=app.output, **variables)
    *lines, last = map(json.loads, printed.splitlines())
    counted = [each["Metrics"] for line in lines for each in _metrics(line)]
    return Invoked(
        answers=last["answers"],
        homes=[Path(home) for home in last["homes"]],
        metrics={metric["Name"] for metrics in counted for metric in metrics},
    )


def _metrics(line: dict[str, Any]) -> list[dict[str, Any]]:
    return list(line.get("_aws", {}).get("CloudWatchMetrics", []))


def _variables(function: dict[str, Any]) -> dict[str, Any]:
    return dict(function.get("Environment", {}).get("Variables", {}))
