"""What docs/library.md shows of `s3leader run` runs as written, on an embedded server."""

from __future__ import annotations

import json
import os
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from s3leader import Election
from s3leader_cli.run import codes
from tests.contract.run_command.conftest import Machine
from tests.contract.servers import program

PAGE = (Path(__file__).parents[3] / "docs" / "library.md").read_text()
_, _, REST = PAGE.partition("## Run any command as a singleton\n")
SECTION = REST.partition("\n## ")[0]


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", SECTION, re.DOTALL)
    return str(found)


def run(machine: Machine, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the page; the job that it names is one that prints its tick."""
    command = program("s3leader")
    assert command is not None
    job = machine.folder / "poll.sh"
    job.write_text('#!/bin/sh\necho "polled $S3LEADER_TICK"\n')
    job.chmod(0o755)
    names = {"/opt/poll.sh": str(job), "locks": machine.bucket}
    path = f"{Path(command).parent}{os.pathsep}{machine.environment['PATH']}"
    return subprocess.run(
        [names.get(word, word) for word in words], check=False, text=True, capture_output=True,
        env=machine.environment | {"PATH": path, "LOCK_BUCKET": machine.bucket},
    )  # fmt: skip


def outcome(machine: Machine, election: str) -> tuple[str | None, datetime | None]:
    lock = Election(election, bucket=machine.bucket).observe()
    assert lock is not None
    return lock.outcome, lock.tick


def test_the_command_of_the_page_completes_a_term_and_saves_a_checkpoint(machine: Machine) -> None:
    done = run(machine, "bash", "-ec", block("sh"))
    lock = Election("nightly-report", bucket=machine.bucket).observe()
    assert lock is not None
    assert lock.tick is not None
    assert (done.returncode, lock.outcome, done.stderr) == (0, "completed", "")
    assert lock.state == {"reported": lock.tick.isoformat().replace("+00:00", "Z")}


def test_the_crontab_runs_its_command_once_per_tick(machine: Machine) -> None:
    words = block("text").split()
    assert words[:5] == ["*/5", "*", "*", "*", "*"]
    done = run(machine, *words[5:])
    ended, tick = outcome(machine, "poll")
    assert (done.returncode, ended) == (0, "completed")
    assert tick is not None
    assert tick.timestamp() % 300 == 0
    assert tick <= datetime.now(UTC)


def test_the_container_s_entrypoint_runs_its_command(machine: Machine) -> None:
    words = [
        json.loads(text)
        for text in re.findall(r"^[A-Z]+ (\[.*\])$", block("dockerfile"), re.MULTILINE)
    ]
    done = run(machine, *words[0], *words[1])
    assert (done.stdout, outcome(machine, "poll")) == ("polled \n", ("completed", None))


def test_the_pod_s_command_runs(machine: Machine) -> None:
    (words,) = re.findall(r"command: (\[.*\])$", block("yaml"), re.MULTILINE)
    done = run(machine, *json.loads(words))
    assert (done.returncode, done.stdout[:7]) == (0, "polled ")


@pytest.mark.parametrize("code", re.findall(r"\b\d+\b", codes.HELP.partition("128 + n")[2]))
def test_the_page_has_each_exit_code_of_the_help(code: str) -> None:
    table = "".join(re.findall(r"^\| (.*?) \|", SECTION, re.MULTILINE))
    assert code in table
