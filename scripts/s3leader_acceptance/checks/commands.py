"""Checks that the project's own commands make."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Generator

from s3leader_acceptance.deployment import Deployment
from s3leader_acceptance.programs import Ended, Program
from s3leader_acceptance.progress import duration
from s3leader_acceptance.results import Result, failed, not_checked, passed

_TAIL = 5
_GOOD = {"pass", "ok", "skipped"}


def certify(deployment: Deployment) -> Generator[None, None, Result]:
    """Run `s3leader certify` on the bucket, outside the prefix that its policy protects."""
    quick = ["--quick"] if deployment.fast else []
    command = ["certify", f"s3://{deployment.bucket}/certify", "--json", *quick]
    program = _start(deployment, "certify", command)
    yield
    return _result(deployment, "certify", program.wait(_announced(deployment, "certify", 900)))


def doctor(deployment: Deployment) -> Generator[None, None, Result]:
    """Run `s3leader doctor` on an election that has had terms."""
    deployment.begin("Killed")
    yield
    command = ["doctor", deployment.election("Killed"), "--bucket", deployment.bucket, "--json"]
    program = _start(deployment, "doctor", command)
    return _result(deployment, "doctor", program.wait(_announced(deployment, "doctor", 300)))


def _announced(deployment: Deployment, name: str, seconds: float) -> float:
    deployment.progress.say(f"waiting for s3leader {name}: at most {duration(seconds)}")
    return seconds


def _start(deployment: Deployment, name: str, arguments: list[str]) -> Program:
    program = Program(
        ["s3leader", *arguments],
        env=deployment.account.environment(),
        log=deployment.state.folder / name,
    )
    deployment.programs.append(program)
    return program


def _result(deployment: Deployment, name: str, ended: Ended) -> Result:
    """Return what a command has found: its report has `checks`, each with a `result`."""
    if "No such command" in ended.errors:
        return not_checked(f"this version of s3leader has no command {name}")
    try:
        report = json.loads(ended.output)
        findings: list[dict[str, object]] = report["checks"]
    except (ValueError, KeyError, TypeError):
        lines = [*ended.output.splitlines(), *ended.errors.splitlines()][-_TAIL:]
        return failed(f"expected a report, got exit code {ended.code}: {' / '.join(lines)}")
    (deployment.state.folder / f"{name}.json").write_text(ended.output)
    evidence: dict[str, object] = {
        "summary": report.get("summary"),
        "results": dict(Counter(str(each.get("result")) for each in findings)),
        "not passed": [each for each in findings if each.get("result") not in _GOOD],
        "speed": report.get("speed"),
    }
    evidence = {key: value for key, value in evidence.items() if value}
    if ended.code != 0:
        return failed(f"the command ended with exit code {ended.code}", **evidence)
    return passed(**evidence)
