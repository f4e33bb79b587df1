"""The oldest versions that the wheel says it takes do take it."""

import hashlib
import re
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.wheel.environments import PIP, Environment, empty, install, metadata
from tests.wheel.stranger import Synthesized, invoke, synthesize

pytestmark = pytest.mark.local_cloud
LOCK = Path(__file__).with_name("floors.lock")


@pytest.fixture(scope="module")
def base(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What floors.lock names, installed in a folder that is kept from one run to the next.

    So old a CDK imports all of its modules at once, and it takes a minute to compile them.
    """
    digest = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()[:16]
    cache: pytest.Cache | None = getattr(pytestconfig, "cache", None)
    kept = tmp_path_factory.mktemp("kept") if cache is None else cache.mkdir("floors")
    folder = kept / digest
    if not folder.exists():
        with tempfile.TemporaryDirectory(dir=kept) as made:
            site = Path(made) / "site"
            command = [sys.executable, "-I", "-m", *PIP, "install", "--no-compile", "--no-deps"]
            command += ["--require-hashes", f"--requirement={LOCK}", f"--target={site}"]
            subprocess.run(command, check=True, capture_output=True)
            with suppress(OSError):  # where another run was faster
                site.rename(folder)
    return folder


@pytest.fixture(scope="module")
def environment(base: Path, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    # With a pip of its own, which bundles the job's code.
    made = empty(tmp_path_factory.mktemp("floors") / "env", pip=True)
    (site,) = made.folder.glob("lib/python*/site-packages")
    (site / "base.pth").write_text(str(base))
    # Without an index, so that it fails where a floor is not what the wheel asks for.
    install(made, wheel, "[cdk,lambda,cli]", "--no-index")
    return made


def pinned() -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==([^ ;]+)", LOCK.read_text(), re.MULTILINE))


def test_the_lock_has_every_floor_that_the_wheel_declares(wheel: Path) -> None:
    asked = map(Requirement, metadata(wheel).get_all("Requires-Dist", []))
    floors = {
        each.name: [it.version for it in each.specifier if it.operator == ">="] for each in asked
    }
    assert floors == {name: [pinned().get(name)] for name in floors} != {}


def test_what_is_imported_is_as_old_as_the_lock_says(
    environment: Environment, tmp_path: Path
) -> None:
    script = """if True:
        import json, sys
        from importlib.metadata import version
        print(json.dumps({name: version(name) for name in sys.argv[1:]}))
    """
    assert environment.answer(script, *pinned(), cwd=tmp_path) == pinned()


def test_the_packages_come_from_the_wheel(environment: Environment, tmp_path: Path) -> None:
    (site,) = environment.folder.glob("lib/python*/site-packages")
    modules = ("s3leader", "s3leader_cdk", "s3leader_cli")
    found = environment.files(*modules, cwd=tmp_path)
    assert found == [site / name / "__init__.py" for name in modules]


@pytest.fixture(scope="module")
def app(environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    return synthesize(environment, tmp_path_factory.mktemp("project") / "theirs")


def test_the_constructs_stage_a_job_that_leads(
    environment: Environment, app: Synthesized, s3: dict[str, str]
) -> None:
    found = invoke(environment, app, app.asset, "2026-11-22T03:00:00Z", s3=s3)
    assert found.answers[0]["outcome"] == "completed"


def test_the_decorator_leads_and_counts(
    environment: Environment, app: Synthesized, base: Path, s3: dict[str, str]
) -> None:
    project = app.output.parent
    found = invoke(environment, app, project, "2026-11-23T03:00:00Z", s3=s3)
    powertools = found.homes[1].is_relative_to(base)
    assert (powertools, {"Won", "Completed", "LostDone"} - found.metrics) == (True, set())


def test_the_command_shows_who_leads(
    environment: Environment, s3: dict[str, str], tmp_path: Path
) -> None:
    script = "from s3leader import Election; Election('long', bucket='locks').campaign()"
    environment.prints("-c", script, cwd=tmp_path, **s3)
    program = environment.folder / "bin" / "s3leader"
    asked = ["status", "long", "--bucket=locks"]
    assert "held" in environment.run(program, *asked, cwd=tmp_path, **s3).stdout
