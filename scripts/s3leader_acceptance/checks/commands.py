"""Checks that the project's own commands make."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Generator, Mapping

from s3leader_acceptance.deployment import Deployment
from s3leader_acceptance.programs import Ended, Program
from s3leader_acceptance.progress import duration
from s3leader_acceptance.results import Result, failed, not_checked, passed

_TAIL = 5
_GOOD, _BAD = {"pass", "ok", "skipped"}, {"fail", "problem"}
_UNKNOWN = {"not checked", "cannot tell"}


def certify(deployment: Deployment) -> Generator[None, None, Result]:
    """Run `s3leader certify` on the bucket, outside the prefix that its policy protects."""
    quick = ["--quick"] if deployment.fast else []
    command = ["certify", f"s3://{deployment.bucket}/certify", "--json", *quick]
    program = _start(deployment, "certify", command)
    yield
    ended = program.wait(_announced(deployment, "certify", 900))
    return _result(deployment, "certify", ended, findings="checks", level="result")


def doctor(deployment: Deployment) -> Generator[None, None, Result]:
    """Run `s3leader doctor` on an election whose schedules have started a term."""
    _ = deployment.due
    yield
    began = deployment.wait("a term", lambda: deployment.terms("Ticks"), seconds=300)
    if began is None:
        return failed("the schedules have started no term")
    deployment.set_schedules_back()
    command = ["doctor", deployment.election("Ticks"), "--bucket", deployment.bucket, "--json"]
    program = _start(deployment, "doctor", command)
    ended = program.wait(_announced(deployment, "doctor", 300))
    return _result(deployment, "doctor", ended, findings="findings", level="level")


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


def _result(
    deployment: Deployment, name: str, ended: Ended, *, findings: str, level: str
) -> Result:
    """Return what a command says: its report has a list of `findings`, each with a `level`."""
    if "No such command" in ended.errors:
        return not_checked(f"this version of s3leader has no command {name}")
    try:
        report = json.loads(ended.output)
        found: list[Mapping[str, str]] = report[findings]
    except (ValueError, KeyError, TypeError):
        lines = [*ended.output.splitlines(), *ended.errors.splitlines()][-_TAIL:]
        return failed(f"expected a report, got exit code {ended.code}: {' / '.join(lines)}")
    (deployment.state.folder / f"{name}.json").write_text(ended.output)
    evidence = {
        "summary": report.get("summary"),
        "results": dict(Counter(each[level] for each in found)),
        "problems": [each["check"] for each in found if each[level] in _BAD],
        "not good": [each for each in found if each[level] not in _GOOD],
        "speed": _rounded(report.get("speed")),
    }
    evidence = {key: value for key, value in evidence.items() if value}
    unknown = [each["check"] for each in found if each[level] in _UNKNOWN]
    if unknown and not evidence.get("problems"):
        return not_checked(f"s3leader {name} cannot tell: {', '.join(unknown)}", **evidence)
    if ended.code == 0:
        return passed(**evidence)
    return failed(f"s3leader {name} ended with exit code {ended.code}", **evidence)


def _rounded(value: object) -> object:
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return round(value, 1) if isinstance(value, float) else value
