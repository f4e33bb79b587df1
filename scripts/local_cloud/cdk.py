"""The real CDK CLI, run against the emulator."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from local_cloud.environment import ACCOUNT, REGION, deploy_environment, synth_environment
from local_cloud.errors import LocalCloudError
from local_cloud.lifeline import Lifeline, package_path, under_lifeline

_LIMIT_SECONDS = 300


class Cdk:
    """Bootstraps, synthesises and deploys the app in `project`; logs go to `directory`."""

    def __init__(self, project: Path, directory: Path, settings: Mapping[str, str]) -> None:
        """Hold what every command needs; nothing is run yet."""
        self._project = project
        self._directory = directory
        self._settings = settings

    def bootstrap(self) -> None:
        """Create what every CDK deployment rests on: the staging bucket and the roles."""
        self._run("bootstrap", ["bootstrap", f"aws://{ACCOUNT}/{REGION}"], self._deploying())

    def synth(self, context: Mapping[str, str]) -> Path:
        """Synthesise the app into a cloud assembly, and return its folder."""
        assembly = self._directory / "cdk.out"
        options = [part for name, value in context.items() for part in ("-c", f"{name}={value}")]
        env = synth_environment(self._directory, Path(sys.executable))
        command = ["synth", "--quiet", "--output", str(assembly), *options]
        self._run("synth", command, env)
        return assembly

    def deploy(self, assembly: Path, stack: str) -> dict[str, str]:
        """Deploy one stack of an assembly, and return its outputs."""
        outputs = self._directory / "outputs.json"
        command = ["deploy", stack, "--app", str(assembly), "--require-approval", "never"]
        command += ["--outputs-file", str(outputs), "--progress", "events"]
        self._run("deploy", command, self._deploying())
        found: dict[str, dict[str, str]] = json.loads(outputs.read_text())
        return found.get(stack, {})

    def _deploying(self) -> dict[str, str]:
        return deploy_environment(self._directory, self._settings, Path(sys.executable))

    def _run(self, name: str, arguments: Sequence[str], env: Mapping[str, str]) -> None:
        cli = self._project / "node_modules" / ".bin" / "cdk"
        if not cli.exists():
            raise LocalCloudError(f"the CDK CLI is not installed: {cli} is missing; run `npm ci`")
        log = self._directory / f"cdk-{name}.log"
        with log.open("wb") as output:
            running = Lifeline(
                under_lifeline([str(cli), "--no-notices", *arguments]),
                env={**env, "PYTHONPATH": package_path()},
                cwd=self._project,
                output=output,
            )
            try:
                code = running.process.wait(_LIMIT_SECONDS)
            except subprocess.TimeoutExpired:
                code = None
            finally:
                running.kill()
        if code is None:
            raise LocalCloudError.with_log(f"cdk {name} took over {_LIMIT_SECONDS} seconds", log)
        if code != 0:
            raise LocalCloudError.with_log(f"cdk {name} failed with exit code {code}", log)
