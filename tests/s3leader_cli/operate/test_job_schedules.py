"""What `doctor` reads of schedules: what it could not read is named, and what it could is kept."""

from dataclasses import replace
from typing import Any

import click
import pytest

from s3leader_cli.aws import job_schedules as module
from s3leader_cli.aws.deployed_job import DeployedJob, JobsFound
from s3leader_cli.aws.failures import RequestFailed
from s3leader_cli.aws.job_schedules import job_schedules
from tests.s3leader_cli.operate.stubs import PLACE

EU, US = "eu-west-1", "us-east-1"
TIME = ("cron(0 3 * * ? *)", "UTC")


def job(region: str, *regions: str) -> DeployedJob:
    return DeployedJob(
        region=region, election="nightly", source="record", regions=regions, schedules=(TIME,),
        named=(("group", "a"), ("group", "b")),
    )  # fmt: skip


def find(monkeypatch: pytest.MonkeyPatch, *jobs: DeployedJob, **facts: Any) -> None:
    found = JobsFound(jobs=jobs, searched=(), **facts)
    monkeypatch.setattr(module, "find_jobs", lambda _: found)


@pytest.fixture(autouse=True)
def scheduler(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, str], Exception]:
    """Every schedule can be read but those that a test adds, by Region and name."""
    failing: dict[tuple[str, str], Exception] = {}

    def get_schedule(job: DeployedJob, _: str, name: str) -> dict[str, Any]:
        if (job.region, name) in failing:
            raise failing[job.region, name]
        return {"ScheduleExpression": TIME[0], "State": "ENABLED"}

    monkeypatch.setattr(module, "get_schedule", get_schedule)
    return failing


def test_schedules_of_all_jobs_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    find(monkeypatch, job(EU), job(US))
    found = job_schedules(PLACE)
    assert [(each.region, each.name) for each in found.schedules] == [
        (EU, "a"), (EU, "b"), (US, "a"), (US, "b"),
    ]  # fmt: skip
    assert not found.unread
    assert found.declared == {EU: frozenset({TIME}), US: frozenset({TIME})}


def test_region_that_was_not_searched_is_named_though_a_job_was_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    find(monkeypatch, job(EU), unsearched={US: "denied"})
    found = job_schedules(PLACE)
    assert (len(found.schedules), found.unread) == (2, {US: "denied"})


def test_schedule_that_cannot_be_read_hides_no_other(
    monkeypatch: pytest.MonkeyPatch, scheduler: dict[tuple[str, str], Exception]
) -> None:
    find(monkeypatch, job(EU), job(US))
    scheduler[EU, "a"] = RequestFailed("denied")
    found = job_schedules(PLACE)
    assert (len(found.schedules), found.unread) == (3, {EU: "denied"})


def test_schedules_that_cannot_be_listed_hide_no_other_region(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    find(monkeypatch, job(EU), job(US))

    def names_of(job: DeployedJob) -> list[tuple[str, str]]:
        if job.region == EU:
            raise RequestFailed("denied")
        return [("group", "a")]

    monkeypatch.setattr(module, "names_of", names_of)
    found = job_schedules(PLACE)
    assert ([each.region for each in found.schedules], found.unread) == ([US], {EU: "denied"})


def test_region_of_a_record_is_absent_or_was_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    named = (EU, US, "ap-south-1", "sa-east-1")
    find(
        monkeypatch, job(EU, *named), unsearched={US: "denied"},
        not_enabled=("ap-south-1", "af-south-1"),
    )  # fmt: skip
    found = job_schedules(PLACE)
    assert (found.absent, found.not_enabled) == (["sa-east-1"], ["af-south-1"])
    assert found.unread.keys() == {US, "ap-south-1"}


def test_search_that_cannot_begin_reads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def find_jobs(_: object) -> JobsFound:
        raise click.UsageError("no Region is known")

    monkeypatch.setattr(module, "find_jobs", find_jobs)
    assert job_schedules(PLACE).unread == {"all Regions": "no Region is known"}


@pytest.mark.parametrize("zone", ["UTC", "Etc/UTC", "Etc/Universal"])
def test_the_names_of_utc_are_one_zone(monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    find(monkeypatch, replace(job(EU), schedules=((TIME[0], zone),)))
    found = job_schedules(PLACE)
    assert {each.time for each in found.schedules} == found.declared[EU] == {TIME}
