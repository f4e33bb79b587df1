"""Runs the real CDK CLI against the emulator."""

import json
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from local_cloud.child_process import ChildProcess, package_path, under_parent
from local_cloud.environment import ACCOUNT, deploy_environment, synth_environment
from local_cloud.errors import LocalCloudError

_LIMIT_SECONDS = 300


class Cdk:
    """Bootstraps, synthesises and deploys the app in `project`; logs go to `directory`."""

    def __init__(self, project: Path, directory: Path, settings: Mapping[str, str]) -> None:
        """Keep what each command needs."""
        self._project = project
        self._directory = directory
        self._settings = settings

    def bootstrap(self, regions: Sequence[str]) -> None:
        """Create what deployments to these Regions need: staging buckets and roles."""
        command = ["bootstrap", *(f"aws://{ACCOUNT}/{region}" for region in regions)]
        # Outside the project, so that the CLI does not synthesise the app.
        with self._running("bootstrap", command, self._deploying(), cwd=self._directory):
            pass

    @contextmanager
    def synthesis(self, context: Mapping[str, str], app: Path | None) -> Iterator[Path]:
        """Synthesise the app while the block runs; the cloud assembly is complete after it."""
        assembly = self._directory / ("cdk.out" if app is None else f"{app.stem}.out")
        options = [part for name, value in context.items() for part in ("-c", f"{name}={value}")]
        env = synth_environment(self._directory)
        command = ["synth", "--quiet", "--output", str(assembly), *options]
        if app is not None:
            command += ["--app", shlex.join([sys.executable, str(app)])]
        with self._running(f"synth-{assembly.stem}", command, env, cwd=self._project):
            yield assembly

    def deploy(self, assembly: Path, stack: str | None = None) -> dict[str, dict[str, str]]:
        """Deploy one stack of an assembly, or all; return the outputs by stack."""
        outputs = self._directory / "outputs.json"
        command = ["deploy", stack or "--all", "--app", str(assembly)]
        command += ["--require-approval", "never"]
        command += ["--outputs-file", str(outputs), "--progress", "events"]
        with self._running("deploy", command, self._deploying(), cwd=self._directory):
            pass
        found: dict[str, dict[str, str]] = json.loads(outputs.read_text())
        return found

    def destroy(self, assembly: Path, stack: str) -> None:
        """Destroy one stack of an assembly, without asking."""
        command = ["destroy", stack, "--force", "--app", str(assembly)]
        with self._running("destroy", command, self._deploying(), cwd=self._directory):
            pass

    def _deploying(self) -> dict[str, str]:
        return deploy_environment(self._directory, self._settings)

    @contextmanager
    def _running(
        self, name: str, arguments: Sequence[str], env: Mapping[str, str], *, cwd: Path
    ) -> Iterator[None]:
        """Run a command while the block runs, and wait for it at the end of the block."""
        cli = self._project / "node_modules" / ".bin" / "cdk"
        if not cli.exists():
            raise LocalCloudError(f"the CDK CLI is not installed: {cli} is missing; run `npm ci`")
        log = self._directory / f"cdk-{name}.log"
        with log.open("wb") as output:
            command = ChildProcess(
                under_parent([str(cli), "--no-notices", *arguments]),
                env={**env, "PYTHONPATH": package_path()},
                cwd=cwd,
                output=output,
            )
        deadline = time.monotonic() + _LIMIT_SECONDS
        try:
            yield
            code = command.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            message = f"cdk {name} took over {_LIMIT_SECONDS} seconds"
            raise LocalCloudError.with_log(message, log) from None
        finally:
            command.kill()
        if code != 0:
            raise LocalCloudError.with_log(f"cdk {name} failed with exit code {code}", log)
