"""`pip install s3leader[cdk]` in an empty environment, and the README's lines in an app."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.wheel.environments import PIP, Environment, contents, empty, locked
from tests.wheel.user_app import Invoked, Synthesized, invoke, synthesize


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
