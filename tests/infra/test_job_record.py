"""The record of a job, by which the command `s3leader` finds it."""

import json
import re
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_scheduler as scheduler
from aws_cdk.assertions import Annotations, Match

from s3leader_cdk import Contenders, JobRecord, LockBucket
from tests.infra.jobs import LONGEST_ELECTION, build, existing_function, job
from tests.infra.synth import Json, Synthesized, new_app, new_stack, plain, synthesize
from tests.infra.tasks import task

PARAMETER = "AWS::SSM::Parameter"


def record(stack: Synthesized) -> Json:
    """Return the only record of a stack, with its references in angle brackets."""
    found: Json = json.loads(plain(stack.one(PARAMETER)["Value"]))
    return found


@pytest.fixture(scope="module")
def nightly() -> Synthesized:
    return job(schedule=["cron(0 3 * * ? *)", "rate(6 hours)"], timeout=cdk.Duration.minutes(5))


def test_record_of_a_job_names_its_resources(nightly: Synthesized) -> None:
    found = record(nightly)
    alarms = found.pop("alarms")
    assert found == {
        "version": 1,
        "election": "nightly",
        "bucket": "<LocksBucket941BDB31>",
        "prefix": "elections/",
        "home": "<AWS::Region>",
        "regions": [],
        "function": "<JobFunction6C1CE46C.Arn>",
        "timeout": 300,
        "log_group": "<JobFunctionLogGroup67588E07>",
        "group": nightly.one("AWS::Scheduler::ScheduleGroup")["Name"],
        "schedules": [["cron(0 3 * * ? *)", "Etc/UTC"], ["cron(0 0/6 * * ? *)", "Etc/UTC"]],
        "queues": {
            "undelivered": "<JobContendersUndeliveredDC7B6DA4.Arn>",
            "unprocessed": "<JobUnprocessed87BAA263.Arn>",
        },
        "max_tick_age": 3600,
    }
    assert {*alarms.values()} == {f"<{each}>" for each in nightly.ids("AWS::CloudWatch::Alarm")}


def test_record_has_a_name_of_its_own_below_the_election(nightly: Synthesized) -> None:
    assert re.fullmatch(r"/s3leader/nightly/[0-9a-f]{16}", nightly.one(PARAMETER)["Name"])


def test_record_is_an_advanced_parameter_only_if_it_is_too_long(nightly: Synthesized) -> None:
    assert nightly.one(PARAMETER)["Tier"] == "Intelligent-Tiering"


def test_record_of_a_task_names_its_cluster_and_container() -> None:
    found = record(task())
    assert (found["task"]["container"], "function" in found) == ("job", False)


def test_record_of_a_task_names_the_log_group_of_its_container() -> None:
    stack = task()
    assert record(stack)["log_group"] in {f"<{each}>" for each in stack.ids("AWS::Logs::LogGroup")}


@pytest.mark.parametrize("make", [job, task])
def test_record_can_be_switched_off(make: Any) -> None:
    assert make(record=False).ids(PARAMETER) == []


def test_function_that_has_no_log_group_of_its_own_gets_none() -> None:
    stack = synthesize(lambda scope: build(scope, function=existing_function(scope)))
    assert ("log_group" in record(stack), stack.ids("Custom::LogRetention")) == (False, [])


def test_an_app_that_is_deployed_twice_has_two_records() -> None:
    names = set()
    for stack_name in ("blue", "green"):
        stack = cdk.Stack(new_app(), "Jobs", stack_name=stack_name)
        build(stack)
        names.add(Synthesized(stack).one(PARAMETER)["Name"])
    assert len(names) == 2


def test_home_region_is_that_of_the_lock_bucket() -> None:
    app = new_app()
    home = new_stack("Home", app, account="123456789012", region="us-east-1")
    there = new_stack("There", app, account="123456789012", region="eu-west-1")
    locks = LockBucket(home, "Locks", bucket_name="locks-of-all")
    regions = ("us-east-1", "eu-west-1")
    build(there, lock_bucket=locks, regions=regions)
    found = record(Synthesized(there))
    assert (found["home"], found["bucket"], found["regions"]) == (
        "us-east-1",
        "locks-of-all",
        [*regions],
    )


def test_longest_election_fits_into_the_name_of_a_parameter() -> None:
    name = job(election=LONGEST_ELECTION).one(PARAMETER)["Name"]
    # The part of the ARN before the name counts, in the longest partition and Region.
    assert len(f"arn:aws-iso-b:ssm:us-isob-east-1:123456789012:parameter{name}") <= 1011


@pytest.mark.parametrize(("segments", "records"), [(13, 1), (14, 0)])
def test_election_of_more_levels_than_a_name_has_gets_a_warning_instead(
    segments: int, records: int
) -> None:
    stack = new_stack()
    build(stack, election="/".join(["a"] * segments))
    warning = Match.string_like_regexp("give `s3leader trigger`.* --function.*no-record")
    found = Annotations.from_stack(stack).find_warning("*", warning)
    assert (len(Synthesized(stack).ids(PARAMETER)), len(found)) == (records, 1 - records)


def test_contenders_on_their_own_get_a_record() -> None:
    def fill(stack: cdk.Stack) -> None:
        locks = LockBucket(stack, "Locks")
        contenders = Contenders(
            stack,
            "Contenders",
            function=existing_function(stack),
            expressions=[scheduler.ScheduleExpression.expression("cron(0 3 * * ? *)")],
            count=1,
            max_tick_age=cdk.Duration.hours(1),
        )
        JobRecord(stack, "Record", election="own", lock_bucket=locks, contenders=contenders)

    found = record(synthesize(fill))
    assert (found["election"], [*found["queues"]], found["alarms"]) == ("own", ["undelivered"], {})


def test_contenders_are_asked_for_by_what_they_are() -> None:
    stack = new_stack()
    made = build(stack)
    with pytest.raises(TypeError, match="contenders: expected Contenders, such as"):
        JobRecord(
            stack,
            "Record",
            election="own",
            lock_bucket=made.lock_bucket,
            contenders=made,  # type: ignore[arg-type]
        )
