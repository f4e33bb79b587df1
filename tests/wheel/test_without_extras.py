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


@pytest.mark.parametrize(
    ("module", "extra"),
    [
        ("s3leader.aws_lambda", "lambda"),
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


def test_a_command_runs_as_a_singleton_without_the_extra(
    bare: Environment, s3: dict[str, str], tmp_path: Path
) -> None:
    """The guard finds its modules in the installed package."""
    words = [str(bare.folder / "bin" / "s3leader"), "run", "wrapped", "--bucket=locks"]
    done = bare.run(*words, "--", "sh", "-c", "echo $S3LEADER_TERM", cwd=tmp_path, **s3)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")


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


USER = """
from typing import assert_type

from s3leader import Election, NotElected, Term
from s3leader.aws_lambda import LambdaHandler, singleton

assert_type(Election("poller", bucket="locks").campaign(), Term | NotElected)


@singleton
def handler(event: dict[str, str], context: object, term: Term) -> None: ...


assert_type(handler, LambdaHandler)
Election("poller", bucket=17)
Election("poller", bucket="locks").observe().term
"""


def test_a_strict_type_checker_knows_the_types_and_sees_mistakes(
    bare: Environment, tmp_path: Path
) -> None:
    (tmp_path / "user.py").write_text(USER)
    mypy = [sys.executable, "-I", "-m", "mypy", "--strict", "--config-file="]
    against = [f"--python-executable={bare.python}", "--no-error-summary", "--hide-error-context"]
    done = bare.run(*mypy, *against, "user.py", cwd=tmp_path)
    found = [line.rpartition("[")[2] for line in done.stdout.splitlines()]
    assert found == ["arg-type]", "union-attr]"], done.stdout + done.stderr
