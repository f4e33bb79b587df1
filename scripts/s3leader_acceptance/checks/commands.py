"""Checks that the project's own commands make."""

from __future__ import annotations

import json
from collections.abc import Generator

from s3leader_acceptance.deployment import Deployment
from s3leader_acceptance.programs import Ended, Program
from s3leader_acceptance.progress import duration
from s3leader_acceptance.results import Result, failed, not_checked, passed

_CERTIFY_SECONDS, _DOCTOR_SECONDS = 900, 300
_TAIL = 5


def certify(deployment: Deployment) -> Generator[None, None, Result]:
    """Run `s3leader certify` on the bucket, outside the prefix that its policy protects."""
    command = ["certify", f"s3://{deployment.bucket}/certify/", "--json"]
    program = _start(deployment, "certify", command)
    yield
    deployment.progress.say(f"waiting for s3leader certify: at most {duration(_CERTIFY_SECONDS)}")
    return _result(program.wait(_CERTIFY_SECONDS))


def doctor(deployment: Deployment) -> Generator[None, None, Result]:
    """Run `s3leader doctor` on an election that has had a term."""
    deployment.begin("Killed")
    yield
    command = ["doctor", "killed", "--bucket", deployment.bucket, "--json"]
    deployment.progress.say(f"waiting for s3leader doctor: at most {duration(_DOCTOR_SECONDS)}")
    return _result(_start(deployment, "doctor", command).wait(_DOCTOR_SECONDS))


def _start(deployment: Deployment, name: str, arguments: list[str]) -> Program:
    program = Program(
        ["s3leader", *arguments],
        env=deployment.account.environment(),
        log=deployment.state.folder / name,
    )
    deployment.programs.append(program)
    return program


def _result(ended: Ended) -> Result:
    if "No such command" in ended.errors or "invalid choice" in ended.errors:
        return not_checked("this version of s3leader has no such command")
    try:
        evidence = {"report": json.loads(ended.output)}
    except ValueError:
        lines = [*ended.output.splitlines(), *ended.errors.splitlines()][-_TAIL:]
        return failed(f"expected a report, got exit code {ended.code}: {' / '.join(lines)}")
    if ended.code != 0:
        return failed(f"the command ended with exit code {ended.code}", **evidence)
    return passed(**evidence)
