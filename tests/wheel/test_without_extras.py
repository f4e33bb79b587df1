"""`pip install s3leader`: elections work, and what needs an extra says which."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.wheel.environments import Environment, empty, install, locked

OF_EXTRAS = ["aws_cdk", "constructs", "jsii", "rich", "aws_lambda_powertools"]


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    folder = tmp_path_factory.mktemp("bare")
    with empty(folder / "env") as made:
        install(made, wheel, "", locked(folder))
        yield made


def test_the_packages_come_from_the_wheel(bare: Environment, tmp_path: Path) -> None:
    (site,) = bare.folder.glob("lib/python*/site-packages")
    modules = ("s3leader", "s3leader_cli")
    assert bare.files(*modules, cwd=tmp_path) == [site / name / "__init__.py" for name in modules]


def test_nothing_of_the_extras_is_installed(bare: Environment, tmp_path: Path) -> None:
    script = """if True:
        import importlib.util, json, sys
        print(json.dumps([name for name in sys.argv[1:] if importlib.util.find_spec(name)]))
    """
    assert bare.answer(script, *OF_EXTRAS, cwd=tmp_path) == []


# --------------------------------------------------------------------------------- elections

CAMPAIGN = """if True:
    import json, sys
    from s3leader import Election
    election = Election(sys.argv[1], bucket="locks")
    with election.campaign(tick="2026-11-23T06:00:00Z") as term:
        term.save({"after": 17})
    again = election.campaign(tick="2026-11-23T06:00:00Z")
    found = {"term": term.number, "outcome": term.outcome, "again": again.reason}
    print(json.dumps(found | {"modules": list(sys.modules)}))
"""


def test_a_tick_is_completed_once(bare: Environment, s3: dict[str, str], tmp_path: Path) -> None:
    found = bare.answer(CAMPAIGN, "once", cwd=tmp_path, **s3)
    assert (found["term"], found["outcome"], found["again"]) == (1, "completed", "done")


def test_an_election_imports_neither_extras_nor_constructs_nor_command_line(
    bare: Environment, s3: dict[str, str], tmp_path: Path
) -> None:
    imported = bare.answer(CAMPAIGN, "imports", cwd=tmp_path, **s3)["modules"]
    packages = {module.partition(".")[0] for module in imported}
    assert packages & {*OF_EXTRAS, "s3leader_cdk", "s3leader_cli"} == set()


# ---------------------------------------------------------------------------- what is missing


@pytest.mark.parametrize(
    ("module", "extra"),
    [
        ("s3leader.aws_lambda", "lambda"),
        ("s3leader.testing", "lambda"),
        ("s3leader_cdk", "cdk"),
    ],
)
def test_an_import_without_its_extra_ends_in_the_command_that_installs_it(
    bare: Environment, tmp_path: Path, module: str, extra: str
) -> None:
    done = bare.run(bare.python, "-I", "-c", f"import {module}", cwd=tmp_path)
    assert done.stderr.splitlines()[-1].endswith(f": pip install 's3leader[{extra}]'")


def command(
    bare: Environment, *arguments: str, cwd: Path, s3: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    program = bare.folder / "bin" / "s3leader"
    return bare.run(program, *arguments, "--bucket=locks", cwd=cwd, **s3)


@pytest.mark.parametrize("what", ["status", "history"])
def test_a_command_with_a_table_to_show_says_how_to_install_it(
    bare: Environment, s3: dict[str, str], tmp_path: Path, what: str
) -> None:
    done = command(bare, what, "nightly", cwd=tmp_path, s3=s3)
    assert (done.returncode, "pip install 's3leader[cli]'" in done.stderr) == (1, True)


def test_a_command_prints_json_without_the_extra(
    bare: Environment, s3: dict[str, str], tmp_path: Path
) -> None:
    bare.answer(CAMPAIGN, "poller", cwd=tmp_path, **s3)
    done = command(bare, "history", "poller", "--json", cwd=tmp_path, s3=s3)
    assert [each["outcome"] for each in json.loads(done.stdout)["terms"]] == ["completed"]


def test_a_holder_is_deposed_without_the_extra(
    bare: Environment, s3: dict[str, str], tmp_path: Path
) -> None:
    script = """if True:
        import json, subprocess, sys
        from s3leader import Election
        election = Election("held", bucket="locks")
        election.campaign()
        subprocess.run(sys.argv[1:], check=True, capture_output=True)
        print(json.dumps(election.observe().outcome))
    """
    depose = [str(bare.folder / "bin" / "s3leader"), "depose", "held", "--bucket=locks"]
    asked = [*depose, "--reason=gone", "--force", "--yes"]
    assert bare.answer(script, *asked, cwd=tmp_path, **s3) == "deposed"


# ------------------------------------------------------------------------------------- types

USER = """
from datetime import timedelta
from typing import assert_type

from s3leader import Election, Lock, NotElected, Term
from s3leader.aws_lambda import LambdaHandler, singleton
from s3leader.fencing import FencedObject
from s3leader.testing import MemoryStore
from s3leader.testing import election as fake_election

election = Election("poller", bucket="locks", lease=timedelta(seconds=10))
assert_type(fake_election("poller", store=MemoryStore()), Election)
result = election.campaign(wait=timedelta(seconds=30))
assert_type(result, Term | NotElected)
if result:
    with result as term, term.keep_renewing():
        assert_type(term, Term)
        assert_type(term.fencing_token, int)
else:
    assert_type(result.lock, Lock | None)
report = FencedObject("reports/latest.json", bucket="locks")


@singleton
def handler(event: dict[str, str], context: object, term: Term) -> None: ...


assert_type(handler, LambdaHandler)
"""
MISTAKEN = """
from s3leader import Election

Election("poller", bucket=17)
Election("poller", bucket="locks").campaign(wait=30)
Election("poller", bucket="locks").observe().term
"""


@pytest.fixture(scope="module")
def findings(bare: Environment, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Type-check a stranger's two files against what is installed there."""
    folder = tmp_path_factory.mktemp("checked")
    (folder / "user.py").write_text(USER)
    (folder / "mistaken.py").write_text(MISTAKEN)
    mypy = [sys.executable, "-I", "-m", "mypy", "--strict", "--config-file="]
    against = [f"--python-executable={bare.python}", "--no-error-summary", "--hide-error-context"]
    done = bare.run(*mypy, *against, "user.py", "mistaken.py", cwd=folder)
    return done.stdout.splitlines() or [done.stderr]


def test_a_strict_type_checker_agrees_with_a_user(findings: list[str]) -> None:
    assert [line for line in findings if not line.startswith("mistaken.py:")] == []


def test_a_strict_type_checker_sees_a_users_mistakes(findings: list[str]) -> None:
    found = [line for line in findings if line.startswith("mistaken.py:")]
    assert [line.partition("[")[2] for line in found] == ["arg-type]", "arg-type]", "union-attr]"]
