"""Runs the runbook's commands as written, in a shell that keeps its variables."""

import json
import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from local_cloud import LocalCloud
from local_cloud.child_process import kill_group
from tests.local_cloud.job import Job
from tests.local_cloud.projects import shell_environment

_LIMIT_SECONDS = 1200  # far more than a slow machine takes


@dataclass(frozen=True)
class Block:
    """Commands under a heading; `number` counts the blocks of one heading from 1."""

    heading: str
    number: int
    commands: str


def blocks(text: str) -> list[Block]:
    """Return the runbook's commands."""
    found: list[Block] = []
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        heading = section.partition("\n")[0]
        each = re.findall(r"^```sh\n(.*?)^```$", section, flags=re.MULTILINE | re.DOTALL)
        found += [Block(heading, number, commands) for number, commands in enumerate(each, 1)]
    return found


@dataclass(frozen=True)
class Result:
    """The exit code and the output of commands."""

    code: int
    output: str


@dataclass
class Shell:
    """A shell in a copy of the project; variables last from one block to the next."""

    cloud: LocalCloud
    project: Path
    variables: dict[str, str] = field(default_factory=dict)

    def run(self, commands: str) -> Result:
        """Run commands, up to the first that fails."""
        kept, log = self.project / "variables.json", self.project / "output.log"
        keeping = f"python -c 'import json, os; print(json.dumps(dict(os.environ)))' >{kept}"
        shell = ["bash", "-euo", "pipefail", "-c", f"{commands}\n{keeping}"]
        with log.open("wb") as output:
            running = subprocess.Popen(
                shell,
                cwd=self.project,
                env={**self._environment(), **self.variables},
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
        return Result(code, log.read_text())

    def job(self, number: int = 0) -> Job:
        """Return the job of a Region, as the shell's variables name it."""
        region, function = self.variables["JOBS"].split()[number].split("/")
        return Job(
            self.cloud, locks=self.variables["LOCK_BUCKET"], function=function, region=region
        )

    def _environment(self) -> dict[str, str]:
        here = shell_environment(self.cloud.directory)
        env = {name: value for name, value in here.items() if not name.startswith("S3LEADER_")}
        env["PATH"] = os.pathsep.join([str(self.project / "node_modules" / ".bin"), env["PATH"]])
        return {
            **env,
            **self.cloud.settings,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
            "CDK_REQUIRE_APPROVAL": "never",  # nobody can be asked
        }
