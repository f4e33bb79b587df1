"""Synthesizes the stack and deploys it, by the CDK's own command."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local_cloud.child_process import package_path
from s3leader_acceptance.account import AcceptanceError, Account
from s3leader_acceptance.programs import Program
from s3leader_acceptance.progress import Progress, duration
from s3leader_acceptance.state import State

_HERE = Path(__file__).parent
_PROJECT = _HERE.parents[1]
_SYNTH_SECONDS, _DEPLOY_SECONDS = 300, 1200
_TAIL = 30


def synthesize(state: State, account: Account, progress: Progress, *, fast: bool) -> Path:
    """Return the folder of the stack's cloud assembly."""
    code, out = state.folder / "job", state.folder / "cdk.out"
    shutil.copytree(_HERE / "job", code, ignore=shutil.ignore_patterns("__pycache__"))
    # What the CDK uploads has a name of its own then, so that nobody else uses it.
    (code / "run.txt").write_text(state.stack)
    context = {"stack": state.stack, "code": str(code), "fast": fast}
    path = [package_path(), str(_PROJECT / "stacks"), str(_PROJECT / "lambda_src")]
    env = {
        **account.environment(),
        "CDK_OUTDIR": str(out),
        "CDK_CONTEXT_JSON": json.dumps(context),
        "CDK_VALIDATION": "false",  # tests check the template
        "PYTHONPATH": ":".join(path),
    }
    _run(
        "the synthesis of the stack",
        [sys.executable, str(_HERE / "app.py")],
        env=env,
        log=state.folder / "synth.log",
        progress=progress,
        seconds=_SYNTH_SECONDS,
    )
    return out


def record_assets(state: State, account: Account, assembly: Path) -> None:
    """Record what the CDK will upload and what is not there yet."""
    s3 = account.client("s3")
    manifest = json.loads((assembly / f"{state.stack}.assets.json").read_text())
    for each in _destinations(manifest):
        bucket = each["bucketName"].replace("${AWS::AccountId}", account.number)
        place = (bucket.replace("${AWS::Region}", account.region), each["objectKey"])
        listed = s3.list_objects_v2(Bucket=place[0], Prefix=place[1], MaxKeys=1)
        if not listed.get("Contents"):
            state.assets.append(place)
    state.save()


def _destinations(manifest: Mapping[str, Any]) -> list[Mapping[str, str]]:
    return [
        destination
        for file in manifest["files"].values()
        for destination in file["destinations"].values()
    ]


def deploy(state: State, account: Account, assembly: Path, progress: Progress) -> dict[str, str]:
    """Deploy the stack and return its outputs."""
    cdk, outputs = _PROJECT / "node_modules" / ".bin" / "cdk", state.folder / "outputs.json"
    command = [str(cdk), "deploy", state.stack, "--app", str(assembly), "--no-notices"]
    command += ["--require-approval", "never", "--progress", "events"]
    _run(
        f"cdk deploy {state.stack}",
        [*command, "--outputs-file", str(outputs)],
        env={**account.environment(), "CDK_DISABLE_CLI_TELEMETRY": "true"},
        log=state.folder / "deploy.log",
        progress=progress,
        seconds=_DEPLOY_SECONDS,
    )
    found: dict[str, str] = json.loads(outputs.read_text())[state.stack]
    state.bucket = found["Bucket"]
    state.save()
    return found


def _run(
    what: str,
    command: list[str],
    *,
    env: Mapping[str, str],
    log: Path,
    progress: Progress,
    seconds: float,
) -> None:
    """Run a command that ends with this process, also if this is killed."""
    progress.say(f"waiting for {what}: at most {duration(seconds)}")
    began = time.monotonic()
    ended = Program(command, env=env, log=log).wait(seconds)
    if ended.code != 0:
        tail = (ended.output + ended.errors).splitlines()[-_TAIL:]
        end = "took too long" if ended.code is None else f"failed with exit code {ended.code}"
        raise AcceptanceError(f"{what} {end}; the end of {log}:\n" + "\n".join(tail))
    progress.say(f"  … after {duration(time.monotonic() - began)}")
