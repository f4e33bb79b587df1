"""`scripts/_environment.sh` with a fake Python, Node.js and npm that log what they are asked."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BASH = shutil.which("bash") or "bash"

# Creates a .venv whose python logs what it installs; does all else as the real one.
PYTHON = f"""#!{BASH}
case "$*" in
*version_info*) [ -z "$OLD_PYTHON" ]; exit ;;
"-m venv --clear .venv")
    echo "venv" >>log
    rm -rf .venv
    mkdir -p .venv/bin
    printf '%s\\n' '#!{BASH}' 'echo "pip ${{@: -1}}" >>log' 'sleep "${{SLOW:-0}}"' \\
        '[ -z "$BROKEN_PIP" ] || {{ echo no wheel for you; exit 1; }}' >.venv/bin/python
    chmod +x .venv/bin/python
    ;;
*) exec "{sys.executable}" "$@" ;;
esac
"""
NODE = (
    f'#!{BASH}\n[ "$1" = --version ] && echo v20.1.0\n[ "$1" = --version ] || [ -z "$OLD_NODE" ]\n'
)
NPM = f'#!{BASH}\necho "npm $1" >>log\nmkdir -p node_modules\n'
MADE = ["venv", "pip requirements.lock", "pip .", "npm ci"]


class Machine:
    def __init__(self, folder: Path) -> None:
        self.folder, self.tools = folder / "project", folder / "tools"
        (self.folder / "scripts").mkdir(parents=True)
        self.tools.mkdir()
        script = (ROOT / "scripts/_environment.sh").read_text()
        (self.folder / "scripts/_environment.sh").write_text(script)
        for name in ("requirements.lock", "pyproject.toml", "package.json", "package-lock.json"):
            (self.folder / name).write_text(name)
        for name, text in {"python3": PYTHON, "node": NODE, "npm": NPM}.items():
            (self.tools / name).write_text(text)
            (self.tools / name).chmod(0o755)
        for name in ("cat", "mkdir", "chmod", "rm", "sleep"):
            (self.tools / name).symlink_to(str(shutil.which(name)))

    def start(self, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [BASH, "-c", "set -euo pipefail; . scripts/_environment.sh; echo ready"],
            cwd=self.folder,
            env={"PATH": str(self.tools), **environment},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def run(self, **environment: str) -> str:
        with self.start(**environment) as process:
            return process.communicate(timeout=300)[0]

    def log(self) -> list[str]:
        path = self.folder / "log"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_fresh_clone_gets_everything(machine: Machine) -> None:
    assert machine.run().endswith("ready\n")
    assert machine.log() == MADE


def test_a_second_run_installs_nothing(machine: Machine) -> None:
    machine.run()
    machine.log()
    machine.run()
    assert machine.log() == []


def test_a_changed_lock_is_installed(machine: Machine) -> None:
    machine.run()
    machine.log()
    (machine.folder / "requirements.lock").write_text("newer")
    machine.run()
    assert machine.log() == ["pip requirements.lock", "pip ."]


def test_a_changed_npm_lock_is_installed(machine: Machine) -> None:
    machine.run()
    machine.log()
    (machine.folder / "package-lock.json").write_text("newer")
    machine.run()
    assert machine.log() == ["npm ci"]


def test_a_step_that_fails_shows_its_output_and_ends_the_run(machine: Machine) -> None:
    output = machine.run(BROKEN_PIP="1")
    assert "no wheel for you" in output
    assert "ready" not in output


def test_the_next_run_repeats_a_step_that_failed(machine: Machine) -> None:
    machine.run(BROKEN_PIP="1")
    machine.log()
    machine.run()
    assert machine.log() == MADE[1:]


def test_an_incomplete_venv_is_created_again(machine: Machine) -> None:
    (machine.folder / ".venv/bin").mkdir(parents=True)
    machine.run()
    assert machine.log() == MADE


def test_a_moved_project_gets_a_new_venv(machine: Machine) -> None:
    machine.run()
    machine.log()
    machine.folder = machine.folder.rename(machine.folder.with_name("moved"))
    machine.run()
    assert "venv" in machine.log()


def test_two_runs_at_once_install_once(machine: Machine) -> None:
    with machine.start(SLOW="0.3") as first, machine.start(SLOW="0.3") as second:
        said = [process.communicate(timeout=300)[0] for process in (first, second)]
    assert [text.endswith("ready\n") for text in said] == [True, True]
    assert machine.log() == MADE


def test_an_old_python_is_refused_with_what_to_do(machine: Machine) -> None:
    assert "is too old: install 3.11 or later, or set PYTHON" in machine.run(OLD_PYTHON="1")


def test_an_old_node_is_refused_with_what_to_do(machine: Machine) -> None:
    assert "Node.js v20.1.0 is too old: install 20 or later" in machine.run(OLD_NODE="1")


@pytest.mark.parametrize("tool", ["python3", "node", "npm"])
def test_a_missing_tool_is_named_with_what_to_install(machine: Machine, tool: str) -> None:
    (machine.tools / tool).unlink()
    assert f"no '{tool}' found: install" in machine.run()
