"""Contenders of two Regions on one lock bucket, one of which is lost in the middle of a term."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local_cloud import Invocation, LocalCloud
from s3leader import Election, Lock, Term
from tests.local_cloud.job import ELECTION, Job
from tests.local_cloud.projects import STACK, assemblies, copy_project
from tests.local_cloud.test_lifetime import eventually

HOME, OTHER = "us-east-1", "eu-west-1"
LEASE, CLOCK_SKEW = timedelta(seconds=2), timedelta(seconds=3)


@dataclass
class Regions:
    """The results of all ticks: schedules start the first, the test starts the others."""

    ticks: list[str]
    by_region: dict[str, Job]
    fired: list[Invocation]
    raced: list[list[Any]]  # for each tick, the answers of both Regions' contenders
    won_by: dict[str, Any]  # a Region's answer to a tick that only its contender got
    cut_off: Term  # of a leader that was lost with its Region
    alone: list[list[Any]]  # as `raced`, of the remaining Region
    left: set[str]  # resources that remain in the lost Region
    terms: list[Lock]


@pytest.fixture(scope="module")
def regions(own_cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Regions:
    # If this is past at deployment, the emulator starts the schedule at once.
    due = (datetime.now(UTC) + timedelta(seconds=15)).replace(microsecond=0)
    ticks = [f"{due + timedelta(minutes=late):%Y-%m-%dT%H:%M:%SZ}" for late in range(9)]
    context = {
        "regions": f"{HOME},{OTHER}",
        "schedule": f"at({due:%Y-%m-%dT%H:%M:%S})",
        "contenders": "2",
    }
    project = copy_project(tmp_path_factory.mktemp("projects") / "project")
    with assemblies(project, {"two": context}) as made:
        own_cloud.bootstrap(HOME, OTHER)
    outputs = own_cloud.deploy_all(made / "two")
    jobs = {region: job_of(own_cloud, outputs, region) for region in (HOME, OTHER)}

    def fired() -> list[Invocation]:
        return [one for one in own_cloud.invocations() if one.ended]

    assert eventually(lambda: len(fired()) == 4, 90)
    raced = [race([*jobs.values()], tick) for tick in ticks[1:4]]
    won_by = {
        region: job.invoke(tick)
        for (region, job), tick in zip(jobs.items(), ticks[4:6], strict=True)
    }
    cut_off = lead_and_vanish(jobs[OTHER], ticks[6])
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(race, [jobs[HOME]], ticks[6])  # started for the tick as usual
        own_cloud.destroy(f"{STACK}-{OTHER}", assembly=made / "two")
    alone = [waiting.result()]
    alone += [race([jobs[HOME]], tick) for tick in ticks[7:]]
    return Regions(
        ticks=ticks,
        by_region=jobs,
        fired=fired(),
        raced=raced,
        won_by=won_by,
        cut_off=cut_off,
        alone=alone,
        left=jobs[OTHER].inventory(),
        terms=jobs[HOME].terms(),
    )


def job_of(cloud: LocalCloud, outputs: dict[str, dict[str, str]], region: str) -> Job:
    locks = outputs[f"{STACK}-home"]["LockBucketName"]
    function = outputs[f"{STACK}-{region}"]["FunctionName"]
    return Job(cloud, locks=locks, function=function, region=region)


def race(jobs: list[Job], tick: str) -> list[Any]:
    """Start both contenders of each Region at the same time."""
    started = [(job, contender) for job in jobs for contender in (1, 2)]
    with ThreadPoolExecutor(len(started)) as threads:
        return [*threads.map(lambda one: one[0].invoke(tick, one[1]), started)]


def lead_and_vanish(job: Job, tick: str) -> Term:
    """Lead as a candidate of the job's Region that never resigns."""
    candidate = f"{job.function}/cut off"
    election = Election(ELECTION, bucket=job.locks, client=job.s3, candidate=candidate, lease=LEASE)
    term = election.campaign(tick)
    assert isinstance(term, Term)
    return term


def region_of(schedule: str) -> str:
    (found,) = (region for region in (HOME, OTHER) if f"{STACK}-{region}-" in schedule)
    return found


def winners(answers: list[Any]) -> int:
    return sum(answer["elected"] for answer in answers)


def completed(terms: list[Lock]) -> list[str]:
    return [f"{one.tick:%Y-%m-%dT%H:%M:%SZ}" for one in terms if one.outcome == "completed"]


def test_one_contender_of_all_regions_is_elected_for_the_tick_that_all_get(
    regions: Regions,
) -> None:
    assert Counter(region_of(one.schedule) for one in regions.fired) == {HOME: 2, OTHER: 2}
    assert {one.event["tick"] for one in regions.fired} == {regions.ticks[0]}
    assert winners([one.answer for one in regions.fired]) == 1


def test_each_tick_that_two_regions_race_for_has_one_leader(regions: Regions) -> None:
    assert [winners(answers) for answers in regions.raced] == [1, 1, 1]


@pytest.mark.parametrize("region", [HOME, OTHER])
def test_a_tick_can_be_won_by_either_region(regions: Regions, region: str) -> None:
    answer = regions.won_by[region]
    function = answer["holder"].partition("/")[0]
    expected = (True, regions.by_region[region].function)
    assert (answer["elected"], function) == expected


def test_another_region_does_not_lead_within_the_lease_of_a_lost_leader(regions: Regions) -> None:
    began = {one.term: one.started_at for one in regions.terms}
    lost, next_one = (began[regions.cut_off.number + each] for each in (0, 1))
    assert lost is not None
    assert next_one is not None
    assert next_one - lost > LEASE + CLOCK_SKEW


def test_a_waiting_contender_takes_over_from_a_leader_that_is_lost_with_its_region(
    regions: Regions,
) -> None:
    assert winners(regions.alone[0]) == 1
    number = regions.cut_off.number
    pair = [(one.attempt, one.outcome) for one in regions.terms if one.term in {number, number + 1}]
    assert pair == [(1, "deposed"), (2, "completed")]


def test_no_tick_is_lost_with_a_region(regions: Regions) -> None:
    assert sorted(completed(regions.terms)) == regions.ticks


def test_term_numbers_of_all_regions_are_consecutive(regions: Regions) -> None:
    assert [one.term for one in regions.terms] == [*range(1, len(regions.ticks) + 2)]


def test_nothing_runs_in_a_region_whose_stack_is_destroyed(regions: Regions) -> None:
    left = {each.partition(" ")[0] for each in regions.left if f"{STACK}-{OTHER}" in each}
    assert left == {"logs"}
