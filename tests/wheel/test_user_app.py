"""`pip install s3leader[cdk]` in an empty environment, and the README's lines in an app."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.wheel.environments import PIP, Environment, contents, empty, locked
from tests.wheel.user_app import Invoked, Synthesized, invoke, readme, synthesize


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    folder = tmp_path_factory.mktemp("stranger")
    with empty(folder / "env", pip=True) as made:
        # As a stranger types it, but for the versions, and for compiling what is never imported.
        arguments = ["install", "--no-compile", locked(folder), f"{wheel}[cdk]"]
        made.prints("-m", *PIP, *arguments, cwd=folder)
        yield made


@pytest.fixture(scope="module")
def app(environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    return synthesize(environment, tmp_path_factory.mktemp("project") / "theirs")


def test_the_constructs_come_from_the_wheel(environment: Environment, tmp_path: Path) -> None:
    (site,) = environment.folder.glob("lib/python*/site-packages")
    found = environment.files("s3leader_cdk", cwd=tmp_path)
    assert found == [site / "s3leader_cdk" / "__init__.py"]


def test_the_function_has_the_handler_that_the_readme_names(app: Synthesized) -> None:
    (named,) = re.findall(r'handler="(.*?)"', readme("SingletonJob"))
    assert app.environment("locks")["S3LEADER_HANDLER"] == named


def test_schedules_are_due_when_the_readme_says(app: Synthesized) -> None:
    named = re.findall(r'schedule="(.*?)"', readme("SingletonJob"))
    due = [each["ScheduleExpression"] for each in app.each("AWS::Scheduler::Schedule").values()]
    assert due == named * len(due) != []


def test_schedules_invoke_the_function(app: Synthesized) -> None:
    (function,) = (
        name
        for name, each in app.each("AWS::Lambda::Function").items()
        if each["Handler"] == app.function["Handler"]
    )
    schedules = app.each("AWS::Scheduler::Schedule").values()
    targets = [each["Target"]["Arn"]["Fn::GetAtt"] for each in schedules]
    assert targets == [[function, "Arn"]] * len(targets)


def test_the_asset_holds_the_wheels_runtime(app: Synthesized, wheel: Path) -> None:
    built = contents(wheel).items()
    runtime = {name: body for name, body in built if name.startswith("s3leader/")}
    staged = {name: (app.asset / name).read_bytes() for name in runtime}
    assert staged == runtime != {}


@pytest.fixture(scope="module")
def invoked(environment: Environment, app: Synthesized, s3: dict[str, str]) -> Invoked:
    return invoke(environment, app, app.asset, "2026-11-23T03:00:00Z", s3=s3)


def test_the_staged_job_leads_a_scheduled_tick(invoked: Invoked) -> None:
    first = invoked.answers[0]
    assert (first["elected"], first["term"], first["outcome"]) == (True, 1, "completed")


def test_the_staged_job_does_not_do_a_tick_twice(invoked: Invoked) -> None:
    second = invoked.answers[1]
    assert (second["elected"], second["reason"]) == (False, "done")


def test_the_staged_job_runs_on_nothing_but_its_asset(invoked: Invoked, app: Synthesized) -> None:
    inside = [home.is_relative_to(app.asset.resolve()) for home in invoked.homes]
    assert inside == [True, True]
