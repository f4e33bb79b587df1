"""The oldest versions that the wheel says it takes do take it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.wheel.environments import PIP, ROOT, Environment, empty, install, metadata
from tests.wheel.user_app import QUICK, Synthesized, invoke, synthesize

LOCK = Path(__file__).with_name("floors.lock")
JOB = "from s3leader.aws_lambda import singleton\nhandler = singleton(print)\n"
# Rights on a bucket that is known by its ARN alone.
IMPORTED = """
imported = s3.Bucket.from_bucket_name(stack, "Imported", "imported-locks")
LockBucket(stack, "InImported", bucket=imported).attach(function("Importer"), election="imported")
"""


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    folder = tmp_path_factory.mktemp("floors")
    with empty(folder / "env", pip=True) as made:
        arguments = ["install", "--no-compile", "--no-deps", "--require-hashes"]
        made.prints("-m", *PIP, *arguments, f"--requirement={LOCK}", cwd=folder)
        # Without an index, so that it fails where the lock does not satisfy the wheel.
        install(made, wheel, "[cdk,lambda,cli,timeline,otel]", "--no-index")
        yield made


def pinned() -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==([^ ;]+)", LOCK.read_text(), re.MULTILINE))


def test_the_lock_has_every_floor_that_the_wheel_declares(wheel: Path) -> None:
    asked = map(Requirement, metadata(wheel).get_all("Requires-Dist", []))
    floors = {
        each.name: [it.version for it in each.specifier if it.operator == ">="] for each in asked
    }
    assert floors == {name: [pinned().get(name)] for name in floors} != {}


@pytest.fixture(scope="module")
def app(environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    return synthesize(environment, tmp_path_factory.mktemp("project") / "theirs")


def test_the_constructs_stage_a_job_that_leads(
    environment: Environment, app: Synthesized, s3: dict[str, str]
) -> None:
    found = invoke(environment, app, app.asset, "2026-11-22T03:00:00Z", s3=s3)
    assert found.answers[0]["outcome"] == "completed"


def test_every_construct_synthesizes(environment: Environment, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "constructs.md").read_text()
    program = "\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL))
    (tmp_path / "app.py").write_text(program.replace("app.synth()", IMPORTED + "app.synth()"))
    (tmp_path / "billing").mkdir()
    (tmp_path / "billing" / "main.py").write_text(JOB)
    (tmp_path / "billing" / "requirements.txt").write_text("requests==2.32.5\n")
    (tmp_path / "image").mkdir()
    (tmp_path / "image" / "Dockerfile").write_text("FROM scratch\n")
    unbundled = {"CDK_CONTEXT_JSON": json.dumps({"aws:cdk:bundling-stacks": []}), **QUICK}
    environment.prints("app.py", cwd=tmp_path, CDK_OUTDIR="cdk.out", **unbundled)
    stacks = {path.name.split(".")[0] for path in (tmp_path / "cdk.out").glob("*.template.json")}
    assert stacks >= {"Billing-eu-west-1", "Billing-us-east-1", "Containers", "Home", "Jobs"}


def test_the_decorator_leads_and_counts(
    environment: Environment, app: Synthesized, s3: dict[str, str]
) -> None:
    project = app.output.parent
    found = invoke(environment, app, project, "2026-11-23T03:00:00Z", s3=s3)
    powertools = found.homes[1].is_relative_to(environment.folder)
    assert (powertools, {"Won", "Completed", "LostDone"} - found.metrics) == (True, set())


def test_the_command_shows_who_leads(
    environment: Environment, s3: dict[str, str], tmp_path: Path
) -> None:
    script = "from s3leader import Election; Election('long', bucket='locks').campaign()"
    environment.prints("-c", script, cwd=tmp_path, **s3)
    program = environment.folder / "bin" / "s3leader"
    asked = ["status", "long", "--bucket=locks"]
    assert "held" in environment.run(program, *asked, cwd=tmp_path, **s3).stdout


def test_the_command_draws_a_timeline(
    environment: Environment, s3: dict[str, str], tmp_path: Path
) -> None:
    script = "from s3leader import Election; Election('drawn', bucket='locks').campaign()"
    environment.prints("-c", script, cwd=tmp_path, **s3)
    program = environment.folder / "bin" / "s3leader"
    asked = ["timeline", "drawn", "--bucket=locks", "--html=drawn.html", "--svg=drawn.svg"]
    environment.run(program, *asked, cwd=tmp_path, **s3)
    assert [(tmp_path / f"drawn.{kind}").stat().st_size > 5000 for kind in ("html", "svg")] == [
        True,
        True,
    ]


def test_a_term_is_observed(environment: Environment, s3: dict[str, str], tmp_path: Path) -> None:
    script = """if True:
        from s3leader import Election
        from s3leader.otel import OpenTelemetryObserver
        observer = OpenTelemetryObserver()
        with Election('seen', bucket='locks', observer=observer).campaign() as term:
            with observer.current(term):
                term.renew()
        print(term.outcome)
    """
    assert environment.prints("-c", script, cwd=tmp_path, **s3).strip() == "completed"
