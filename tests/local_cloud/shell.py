"""Runs the commands of a page as written, in a shell that keeps its variables."""

import io
import json
import os
import re
import shlex
import subprocess
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

from local_cloud import LocalCloud
from local_cloud.child_process import kill_group
from local_cloud.environment import deploy_environment
from s3leader_cli.__main__ import main
from tests.local_cloud.job import Job
from tests.local_cloud.pages import Printed

_LIMIT_SECONDS = 1200  # far more than a slow machine takes


@dataclass
class Shell:
    """A shell in a copy of the project; variables last from one block to the next.

    `names` has what the page writes in place of a name that is known only here.
    """

    cloud: LocalCloud
    project: Path
    variables: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def run(self, commands: str) -> tuple[int, str]:
        """Run commands, up to the first that fails; return the exit code and the output."""
        kept, log = self.project / "variables.json", self.project / "output.log"
        keeping = f"python -c 'import json, os; print(json.dumps(dict(os.environ)))' >{kept}"
        with log.open("wb") as output:
            running = subprocess.Popen(
                ["bash", "-euo", "pipefail", "-c", f"{self._here(commands)}\n{keeping}"],
                cwd=self.project,
                env=self._env(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            code = running.wait(_LIMIT_SECONDS)
        finally:
            kill_group(running.pid)
            running.wait()
        if code == 0:
            self.variables |= json.loads(kept.read_text())
        return code, self._on_page(log.read_text())

    def print(self, command: str) -> Printed:
        """Run one command of `s3leader` in this process, which saves its start."""
        env = self._env()
        line = re.sub(r"\$(\w+)", lambda found: env[found[1]], self._here(command))
        name, *argv = shlex.split(line, comments=True)
        assert name == "s3leader", command
        output = io.StringIO()
        with (
            patch.dict(os.environ, env, clear=True),
            chdir(self.project),
            redirect_stdout(output),
            redirect_stderr(output),
        ):
            code = main(argv)
        return Printed(command, code, self._on_page(output.getvalue()))

    def job(self, number: int = 0) -> Job:
        """Return the job of a Region, as `regions` of the stack's outputs name it."""
        region, function = self.variables["JOBS"].split()[number].split("/")
        return Job(self.cloud, locks=self.names["locks-example"], function=function, region=region)

    def _env(self) -> dict[str, str]:
        env = deploy_environment(self.cloud.directory, self.cloud.settings)
        path = os.pathsep.join([str(self.project / "node_modules" / ".bin"), env["PATH"]])
        # Nobody can be asked for an approval; tests/infra validates the templates.
        quick = {"CDK_REQUIRE_APPROVAL": "never", "CDK_VALIDATION": "false"}
        wide = {"COLUMNS": "110"}  # of the page
        return {**env, **quick, **wide, "PATH": path, **self.variables}

    def _here(self, text: str) -> str:
        for name, here in self.names.items():
            text = text.replace(name, here)
        return text

    def _on_page(self, text: str) -> str:
        for name, here in self.names.items():
            text = text.replace(here, name)
        return text
