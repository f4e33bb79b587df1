"""Runs the runbook's commands as written, in a shell that keeps its variables."""

import json
import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from local_cloud import LocalCloud
from local_cloud.child_process import kill_group
from local_cloud.environment import deploy_environment
from tests.local_cloud.job import Job

_LIMIT_SECONDS = 1200  # far more than a slow machine takes


def blocks(text: str) -> dict[tuple[str, int], str]:
    """Return a page's commands by their heading and their number under it, counted from 1."""
    return {
        (section.partition("\n")[0], number): commands
        for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]
        for number, commands in enumerate(
            re.findall(r"^```sh\n(.*?)^```$", section, flags=re.MULTILINE | re.DOTALL), 1
        )
    }


@dataclass
class Shell:
    """A shell in a copy of the project; variables last from one block to the next."""

    cloud: LocalCloud
    project: Path
    variables: dict[str, str] = field(default_factory=dict)

    def run(self, commands: str) -> tuple[int, str]:
        """Run commands, up to the first that fails; return the exit code and the output."""
        kept, log = self.project / "variables.json", self.project / "output.log"
        keeping = f"python -c 'import json, os; print(json.dumps(dict(os.environ)))' >{kept}"
        env = deploy_environment(self.cloud.directory, self.cloud.settings)
        path = os.pathsep.join([str(self.project / "node_modules" / ".bin"), env["PATH"]])
        # Nobody can be asked for an approval; tests/infra validates the templates.
        quick = {"CDK_REQUIRE_APPROVAL": "never", "CDK_VALIDATION": "false"}
        with log.open("wb") as output:
            running = subprocess.Popen(
                ["bash", "-euo", "pipefail", "-c", f"{commands}\n{keeping}"],
                cwd=self.project,
                env={**env, **quick, "PATH": path, **self.variables},
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
        return code, log.read_text()

    def job(self, number: int = 0) -> Job:
        """Return the job of a Region, as the shell's variables name it."""
        region, function = self.variables["JOBS"].split()[number].split("/")
        return Job(
            self.cloud, locks=self.variables["LOCK_BUCKET"], function=function, region=region
        )
