"""Finding a job by its records, and what is said of Regions that could not be searched."""

import json
from typing import Any

import click
import pytest

from s3leader_cli.__main__ import main
from s3leader_cli.aws import deployed_job
from s3leader_cli.aws.deployed_job import find_jobs, job_of, parameter_path
from s3leader_cli.aws.failures import RequestFailed, denial
from s3leader_cli.operate.options import Wanted
from tests.s3leader_cli.operate.stubs import PLACE, stubbed

REGIONS = ["us-east-1", "eu-west-1", "ap-south-1"]
PATH = {"Path": "/s3leader/nightly"}


def record(**changed: Any) -> str:
    facts = {"version": 1, "election": "nightly", "bucket": "locks", "prefix": "elections/"}
    return json.dumps({**facts, "home": "us-east-1", "function": "f", "lease": 30.0, **changed})


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Answer per Region: records, or the code of an error; by default no record."""
    given: dict[str, Any] = {}

    def clients(service: str, regions: list[str]) -> dict[str, Any]:
        made = {}
        for region in regions:
            made[region], stubber = stubbed(service, region)
            answer = given.get(region, [])
            if isinstance(answer, str):
                stubber.add_client_error("get_parameters_by_path", answer, expected_params=PATH)
            else:
                found = [{"Name": f"/s3leader/nightly/{n}", "Value": each} for n, each in answer]
                stubber.add_response("get_parameters_by_path", {"Parameters": found}, PATH)
        return made

    monkeypatch.setattr(deployed_job, "clients", clients)
    monkeypatch.setattr(deployed_job, "regions_beside", lambda *_: REGIONS)
    return given


def test_jobs_of_all_regions_are_found_the_home_region_first(answers: dict[str, Any]) -> None:
    answers["ap-south-1"], answers["us-east-1"] = [(1, record())], [(2, record())]
    found = find_jobs(PLACE)
    assert [each.region for each in found.jobs] == ["us-east-1", "ap-south-1"]
    assert found.searched == ("us-east-1", "eu-west-1", "ap-south-1")


def test_job_of_another_bucket_is_not_meant(answers: dict[str, Any]) -> None:
    answers["us-east-1"] = [(1, record(bucket="others")), (2, record())]
    assert [each.source for each in find_jobs(PLACE).jobs] == ["record /s3leader/nightly/2"]


def test_region_that_is_not_enabled_is_not_one_that_fails(answers: dict[str, Any]) -> None:
    answers["us-east-1"] = [(1, record())]
    answers["eu-west-1"], answers["ap-south-1"] = "InternalServerError", "OptInRequired"
    found = find_jobs(PLACE)
    assert ([*found.unsearched], found.not_enabled) == (["eu-west-1"], ("ap-south-1",))


@pytest.mark.parametrize(("regions", "complete"), [((), False), (("us-east-1",), True)])
def test_search_that_missed_a_region_is_incomplete_unless_it_was_limited(
    answers: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
    regions: tuple[str, ...],
    complete: object,
) -> None:
    answers["us-east-1"], answers["eu-west-1"] = [(1, record())], "AccessDeniedException"
    jobs = Wanted(place=PLACE, regions=regions, function=None).find()
    assert (jobs.complete, "not searched for a job: eu-west-1" in capsys.readouterr().err) == (
        complete,
        not complete,
    )
    assert jobs.has_all  # by its record, which names all Regions of the job


def test_record_of_a_newer_version_is_not_guessed_at() -> None:
    with pytest.raises(RequestFailed, match=r"has version 2, and this version .* update s3leader"):
        job_of("/s3leader/nightly/1", record(version=2), "us-east-1", PLACE)


@pytest.mark.parametrize("text", ["[]", "{", '{"version": 1}'])
def test_record_that_cannot_be_read_is_named(text: str) -> None:
    with pytest.raises(RequestFailed, match="record /s3leader/nightly/1 cannot be read"):
        job_of("/s3leader/nightly/1", text, "us-east-1", PLACE)


def test_election_of_more_levels_than_a_parameter_has_needs_a_function() -> None:
    with pytest.raises(click.UsageError, match="give --function"):
        parameter_path("/".join(["a"] * 14))


def test_denial_names_the_right_that_aws_missed() -> None:
    message = (
        "User: u is not authorized to perform: iam:PassRole on resource:"
        " arn:aws:iam::1:role/schedules because no identity-based policy allows it"
    )
    said = denial("scheduler:UpdateSchedule", "*", message)
    assert '"Action": "iam:PassRole", "Resource": "arn:aws:iam::1:role/schedules"}' in said


def test_explicit_denial_is_not_answered_with_a_grant() -> None:
    said = denial("sqs:ReceiveMessage", "q", "with an explicit deny in a service control policy")
    assert ("explicit" in said, "Effect" in said) == (True, False)


def test_a_reason_that_holds_for_all_regions_is_said_once_and_blames_no_name(
    answers: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    answers["us-east-1"] = answers["eu-west-1"] = "InternalServerError"
    wanted = Wanted(place=PLACE, regions=("us-east-1",), function=None)
    with pytest.raises(click.ClickException) as error:
        wanted.find()
    assert error.value.message.startswith("no Region could be searched: ")
    assert capsys.readouterr().err.count("\n") <= 1


@pytest.mark.parametrize("name", ["mars-1", "eu-west", "EU-WEST-1", "s3://x"])
def test_a_region_that_is_not_one_is_a_usage_error(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    words = ["pause", "nightly", "--bucket", "locks", "--regions", f"us-east-1,{name}"]
    assert main(words) == 2
    assert f"{name!r} is not a Region" in capsys.readouterr().err


@pytest.mark.parametrize("asked", [(), ("us-east-1", "ap-south-1")], ids=["recorded", "asked for"])
def test_a_job_without_a_record_in_one_of_its_regions_is_incomplete(
    answers: dict[str, Any], capsys: pytest.CaptureFixture[str], asked: tuple[str, ...]
) -> None:
    answers["us-east-1"] = [(1, record(regions=["us-east-1", "ap-south-1"]))]
    answers["ap-south-1"] = []
    jobs = Wanted(place=PLACE, regions=asked, function=None).find()
    assert (jobs.complete, jobs.has_all) == (False, False)
    assert "Region ap-south-1 has a job, by the records" in capsys.readouterr().err
