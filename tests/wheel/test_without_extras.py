"""`pip install s3leader`: elections work, and what needs an extra says which."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.wheel.environments import Environment, empty, install, locked

OF_EXTRAS = [
    "aws_cdk",
    "constructs",
    "jsii",
    "click",
    "rich",
    "aws_lambda_powertools",
    "opentelemetry",
]


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
        ("s3leader.otel", "otel"),
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
def test_a_command_says_how_to_install_what_it_needs(
    bare: Environment, s3: dict[str, str], tmp_path: Path, what: str
) -> None:
    done = command(bare, what, "nightly", cwd=tmp_path, s3=s3)
    assert (done.returncode, "pip install 's3leader[cli]'" in done.stderr) == (1, True)
