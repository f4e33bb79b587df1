"""What a singleton task is made of, by default and as chosen."""

import json
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_sqs as sqs

from s3leader_cdk import LockBucket
from tests.infra.jobs import build
from tests.infra.synth import Json, Synthesized, new_stack, plain, synthesize
from tests.infra.tasks import add_container, build_task, imported_role, task, task_definition

HOURS, MINUTES, SECONDS = cdk.Duration.hours, cdk.Duration.minutes, cdk.Duration.seconds


@pytest.fixture(scope="module")
def default() -> Synthesized:
    return task()


@pytest.fixture(scope="module")
def chosen() -> Synthesized:
    def fill(stack: cdk.Stack) -> None:
        build_task(
            stack,
            schedule=["cron(0 3 * * ? *)", "rate(1 hour)"],
            contenders=3,
            lease=SECONDS(20),
            wait=MINUTES(5),
            max_attempts=2,
            max_tick_age=HOURS(2),
            flexible_window=MINUTES(15),
            assign_public_ip=True,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
            dead_letters=sqs.Queue(stack, "Dead"),
            enabled=False,
        )

    return synthesize(fill)


def container(found: Synthesized) -> Json:
    (only,) = found.one("AWS::ECS::TaskDefinition")["ContainerDefinitions"]
    return dict(plain(only))


def environment(found: Synthesized) -> dict[str, str]:
    return {each["Name"]: each["Value"] for each in container(found)["Environment"]}


def targets(found: Synthesized) -> list[Json]:
    return [plain(each["Target"]) for each in found.properties("AWS::Scheduler::Schedule")]


def test_the_tick_comes_from_the_schedule_into_the_environment(default: Synthesized) -> None:
    overrides = [json.loads(each["Input"])["containerOverrides"] for each in targets(default)]
    assert overrides == [
        [
            {
                "name": "job",
                "environment": [
                    {"name": "S3LEADER_TICK", "value": "<aws.scheduler.scheduled-time>"},
                    {"name": "S3LEADER_CONTENDER", "value": str(number)},
                ],
            }
        ]
        for number in (1, 2)
    ]


def test_the_container_gets_the_election(default: Synthesized) -> None:
    locks = default.ids("AWS::S3::Bucket")[0]
    assert environment(default) == {
        "CURRENCY": "EUR",
        "S3LEADER_BUCKET": f"<{locks}>",
        "S3LEADER_ELECTION": "nightly",
        "S3LEADER_PREFIX": "elections/",
        "S3LEADER_BUCKET_OWNER": "<AWS::AccountId>",
    }


def test_the_takeover_reaches_the_container(chosen: Synthesized) -> None:
    found = environment(chosen)
    names = ("LEASE_SECONDS", "WAIT_SECONDS", "MAX_ATTEMPTS")
    assert [found[f"S3LEADER_{name}"] for name in names] == ["20", "300", "2"]


def test_scheduler_starts_the_task_on_fargate_in_private_subnets(default: Synthesized) -> None:
    ecs_parameters = targets(default)[0]["EcsParameters"]
    network = ecs_parameters["NetworkConfiguration"]["AwsvpcConfiguration"]
    assert ecs_parameters["LaunchType"] == "FARGATE"
    assert network["AssignPublicIp"] == "DISABLED"
    assert all("PRIVATE" in each for each in network["Subnets"])


def test_a_task_may_have_a_public_address(chosen: Synthesized) -> None:
    network = targets(chosen)[0]["EcsParameters"]["NetworkConfiguration"]["AwsvpcConfiguration"]
    assert network["AssignPublicIp"] == "ENABLED"


def test_the_schedules_may_run_this_task_in_this_cluster_only(default: Synthesized) -> None:
    definition, cluster = (
        default.ids(kind)[0] for kind in ("AWS::ECS::TaskDefinition", "AWS::ECS::Cluster")
    )
    run, passed, send = default.statements("AWS::IAM::Policy", "ContendersRole")
    assert (run["Action"], run["Resource"]) == ("ecs:RunTask", f"<{definition}>")
    assert run["Condition"] == {"ArnEquals": {"ecs:cluster": f"<{cluster}.Arn>"}}
    assert (passed["Action"], len(passed["Resource"])) == ("iam:PassRole", 2)
    assert passed["Condition"] == {
        "StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}
    }
    assert send["Action"] == "sqs:SendMessage"


def test_the_rights_of_the_task_are_those_of_a_function(default: Synthesized) -> None:
    of_function = synthesize(build).statements("AWS::IAM::Policy", "FunctionRole")
    locks = [each for each in of_function if "s3:" in json.dumps(each["Action"])]
    assert default.statements("AWS::IAM::Policy", "TaskTaskRole") == locks


def test_starts_are_tried_until_the_tick_is_too_old(
    default: Synthesized, chosen: Synthesized
) -> None:
    ages = [
        targets(each)[0]["RetryPolicy"]["MaximumEventAgeInSeconds"] for each in (default, chosen)
    ]
    assert ages == [3600, 7200 - 900 - 300]


def test_each_schedule_has_a_contender_each(chosen: Synthesized) -> None:
    assert len(targets(chosen)) == 6


def test_a_task_that_is_off_has_no_alarm_for_silence(chosen: Synthesized) -> None:
    states = {each["State"] for each in chosen.properties("AWS::Scheduler::Schedule")}
    alarms = [name for name in chosen.ids("AWS::CloudWatch::Alarm") if "NotCompleted" in name]
    assert (states, alarms) == ({"DISABLED"}, [])


def test_failed_tasks_wait_in_the_queue_with_an_alarm(default: Synthesized) -> None:
    (queue,) = (name for name in default.ids("AWS::SQS::Queue") if "Unprocessed" in name)
    rule = plain(default.one("AWS::Events::Rule"))
    assert [each["Arn"] for each in rule["Targets"]] == [f"<{queue}.Arn>"]
    alarm = plain(default.one("AWS::CloudWatch::Alarm", "Unprocessed"))
    assert [each["Value"] for each in alarm["Dimensions"]] == [f"<{queue}.QueueName>"]


def test_the_rule_takes_the_tasks_of_this_job_that_failed(default: Synthesized) -> None:
    detail = plain(default.one("AWS::Events::Rule"))["EventPattern"]["detail"]
    (group,) = detail["group"]
    assert {each["EcsParameters"]["Group"] for each in targets(default)} == {group}
    assert detail["lastStatus"] == ["STOPPED"]
    assert detail["$or"] == [
        {"stopCode": [{"anything-but": ["EssentialContainerExited"]}]},
        {"containers": {"name": ["job"], "exitCode": [{"anything-but": [0]}]}},
    ]


def test_one_queue_takes_all_dead_letters(chosen: Synthesized) -> None:
    arns = {each["DeadLetterConfig"]["Arn"] for each in targets(chosen)}
    arns |= {each["Arn"] for each in plain(chosen.one("AWS::Events::Rule"))["Targets"]}
    assert (len(arns), len(chosen.ids("AWS::SQS::Queue"))) == (1, 1)


def test_the_alarms_are_those_of_a_job_without_those_of_its_function() -> None:
    stack = new_stack()
    of_task = build_task(stack).monitoring.alarms
    of_job = build(new_stack()).monitoring.alarms
    assert of_job.keys() - of_task.keys() == {"function_errors", "throttles"}
    assert of_task.keys() <= of_job.keys()


def test_the_dashboard_shows_no_function(default: Synthesized) -> None:
    body = json.dumps(plain(default.one("AWS::CloudWatch::Dashboard")))
    assert "AWS/Lambda" not in body
    assert "Dead letters in this Region" in body


def in_another_stack(stack: cdk.Stack) -> ecs.FargateTaskDefinition:
    return task_definition(new_stack("Other", app=stack.node.root))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"catch_up": "each"}, r"^catch_up 'each' cannot be used with a task.*Leave catch_up out"),
        ({"max_continuations": 3}, r"^max_continuations 3 cannot be used.*leave it out"),
        ({"retry_attempts": 1}, r"^retry_attempts 1 cannot be used.*TakeoverOptions\("),
        ({"max_tick_age": SECONDS(30)}, r"^max_tick_age 30 s cannot be used: give 60 to 86400 s"),
        ({"max_tick_age": HOURS(25)}, r"^max_tick_age 90000 s cannot be used"),
        ({"task_definition": in_another_stack}, r"in another stack.*in the task definition's"),
        ({"election": "not a name"}, r"^election: expected"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_cannot_work_is_refused(given: dict[str, Any], match: str) -> None:
    stack = new_stack()
    with pytest.raises(ValueError, match=match):
        build_task(stack, **{k: v(stack) if callable(v) else v for k, v in given.items()})


def test_an_imported_task_definition_is_refused() -> None:
    stack = new_stack()
    arn = "arn:aws:ecs:us-east-1:123456789012:task-definition/theirs:1"
    imported = ecs.FargateTaskDefinition.from_fargate_task_definition_arn(stack, "Import", arn)
    with pytest.raises(TypeError, match=r"^task_definition: expected .* made in this app"):
        build_task(stack, task_definition=imported)


def test_a_role_that_cannot_be_changed_is_refused_with_what_to_add() -> None:
    stack = new_stack(account="123456789012", region="eu-west-1")
    locks = LockBucket(stack, "Locks", bucket=imported_bucket(stack))
    made = ecs.FargateTaskDefinition(stack, "Task", task_role=imported_role(stack))
    add_container(made)
    with pytest.raises(ValueError, match=r"(?s)to the policy of bucket.*s3:PutObject"):
        build_task(stack, lock_bucket=locks, task_definition=made)


def imported_bucket(stack: cdk.Stack) -> cdk.aws_s3.IBucket:
    return cdk.aws_s3.Bucket.from_bucket_name(stack, "Existing", "their-locks")


def test_two_jobs_of_one_election_are_refused() -> None:
    stack = new_stack()
    locks = LockBucket(stack, "Locks")
    build(stack, lock_bucket=locks)
    with pytest.raises(ValueError, match=r"already belongs to job Test/Job"):
        build_task(stack, lock_bucket=locks)
