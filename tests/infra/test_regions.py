"""Contenders in several Regions, one lock bucket in the home Region."""

import json
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from s3leader_cdk import LockBucket, SingletonJob
from tests.infra.jobs import build, existing_function
from tests.infra.synth import Json, Synthesized, new_app, plain, synthesize_stacks
from tests.infra.test_compaction_stack import as_list

HOME, AWAY = "us-east-1", "eu-west-1"
LOCKS = f"s3leader-compaction-locks-<AWS::AccountId>-{HOME}-an"
DATA = f"s3leader-compaction-data-<AWS::AccountId>-{HOME}-an"
REGIONS = f"{HOME},{AWAY}"
KEY = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
NAMES = ["S3LeaderCompaction-home", f"S3LeaderCompaction-{HOME}", f"S3LeaderCompaction-{AWAY}"]


@pytest.fixture(scope="module")
def stacks() -> dict[str, Synthesized]:
    return synthesize_stacks(regions=REGIONS)


@pytest.fixture(scope="module")
def home(stacks: dict[str, Synthesized]) -> Synthesized:
    return stacks[NAMES[0]]


@pytest.fixture(scope="module")
def away(stacks: dict[str, Synthesized]) -> Synthesized:
    return stacks[NAMES[2]]


def test_there_is_a_stack_for_the_buckets_and_one_for_each_region(
    stacks: dict[str, Synthesized],
) -> None:
    assert list(stacks) == NAMES
    kinds = ("AWS::S3::Bucket", "AWS::Lambda::Function")
    counts = [tuple(len(each.ids(kind)) for kind in kinds) for each in stacks.values()]
    assert counts == [(2, 0), (0, 1), (0, 1)]


def test_buckets_have_names_that_every_region_knows_and_no_other_account_can_take(
    home: Synthesized,
) -> None:
    found = home.properties("AWS::S3::Bucket")
    assert [(plain(each["BucketName"]), each["BucketNamespace"]) for each in found] == [
        (DATA, "account-regional"),
        (LOCKS, "account-regional"),
    ]


@pytest.mark.parametrize(("name", "region"), [(NAMES[1], None), (NAMES[2], HOME)])
def test_every_region_contends_for_the_same_election_of_the_home_region_at_the_same_ticks(
    name: str, region: str | None, stacks: dict[str, Synthesized]
) -> None:
    variables = stacks[name].variables()
    schedules = stacks[name].properties("AWS::Scheduler::Schedule")
    assert (variables["S3LEADER_BUCKET"], variables["S3LEADER_ELECTION"]) == (LOCKS, "compaction")
    assert [variables.get("S3LEADER_REGION"), variables.get("DATA_REGION")] == [region] * 2
    assert {each["ScheduleExpression"] for each in schedules} == {"cron(0/5 * * * ? *)"}


def rights(template: Synthesized) -> list[tuple[object, list[str], Json | None]]:
    return [
        (each["Action"], as_list(each["Resource"]), each.get("Condition"))
        for each in template.statements("AWS::IAM::Policy", "CompactionRole")
        if "s3:" in str(each["Action"])
    ]


@pytest.mark.parametrize("name", NAMES[1:])
def test_rights_on_the_home_regions_locks_are_those_of_a_single_region(
    name: str, stacks: dict[str, Synthesized], compaction: Synthesized
) -> None:
    single = json.dumps(rights(compaction))
    for ours, theirs in (("<LocksBucket941BDB31.Arn>", LOCKS), ("<Data666C94C7.Arn>", DATA)):
        single = single.replace(ours, f"arn:aws:s3:::{theirs}")
    assert sorted(json.loads(json.dumps(rights(stacks[name]))), key=str) == sorted(
        json.loads(single), key=str
    )


def test_contenders_need_no_other_stack_to_be_changed_or_deleted(away: Synthesized) -> None:
    text = json.dumps(away.json)
    assert [word for word in ("Fn::ImportValue", "Fn::GetStackOutput") if word in text] == []


@pytest.mark.parametrize("name", NAMES[1:])
def test_a_region_that_never_wins_goes_by_how_far_the_ledger_is_behind(
    name: str, stacks: dict[str, Synthesized]
) -> None:
    alarm = stacks[name].one("AWS::CloudWatch::Alarm", "NotCompleted")
    assert (alarm["MetricName"], alarm["TreatMissingData"]) == ("Behind", "breaching")


@pytest.mark.parametrize(
    ("context", "match"),
    [
        ({"regions": "us-east-1"}, "names one Region"),
        ({"throwaway": "perhaps"}, "throwaway='perhaps' is neither true nor false"),
        ({"region": "us-east-1"}, "unknown context 'region': did you mean -c regions="),
        ({"lock-bucket": "x"}, "did you mean -c lock_bucket="),
        ({"history": "long"}, "history='long' is not a number: use for example -c history=30"),
    ],
)
def test_invalid_context_is_refused(context: dict[str, str], match: str) -> None:
    with pytest.raises((SystemExit, ValueError), match=match):
        synthesize_stacks(**context)


def test_context_of_others_is_not_ours_to_judge() -> None:
    assert synthesize_stacks(team="red", **{"acme:cost-centre": "7"})


def away_job(app: cdk.App, locks: LockBucket, region: str, **properties: Any) -> SingletonJob:
    stack = cdk.Stack(app, f"Job-{region}", env=cdk.Environment(region=region))
    return build(stack, lock_bucket=locks, **properties)


def named_locks(app: cdk.App, **properties: Any) -> LockBucket:
    stack = cdk.Stack(app, "Home", env=cdk.Environment(region=HOME))
    return LockBucket(stack, "Locks", bucket_name="acme-locks", **properties)


def test_a_lock_bucket_with_a_name_can_be_used_in_other_regions() -> None:
    app = new_app()
    locks = named_locks(app)
    jobs = [away_job(app, locks, each, regions=[HOME, AWAY]) for each in (HOME, AWAY)]
    variables = Synthesized(cdk.Stack.of(jobs[1])).variables()
    assert (variables["S3LEADER_BUCKET"], variables["S3LEADER_REGION"]) == ("acme-locks", HOME)


def test_candidates_of_all_regions_expect_the_same_ledger() -> None:
    app = new_app()
    locks, options = named_locks(app), {"schedule": "rate(1 minute)", "regions": [HOME, AWAY]}
    jobs = [away_job(app, locks, each, **options) for each in (HOME, AWAY)]
    variables = [Synthesized(cdk.Stack.of(job)).variables() for job in jobs]
    assert [each["S3LEADER_LONG_LEDGER"] for each in variables] == ["true", "true"]


def test_a_name_in_the_accounts_own_namespace_is_known_in_other_regions() -> None:
    app = new_app()
    here, there = (cdk.Environment(account="1" * 12, region=each) for each in (HOME, AWAY))
    locks = LockBucket(cdk.Stack(app, "Home", env=here), "Locks", bucket_name_prefix="acme")
    function = existing_function(cdk.Stack(app, "Away", env=there))
    locks.grant_candidate(function, election="nightly")
    variables = Synthesized(cdk.Stack.of(function)).variables()
    assert variables["S3LEADER_BUCKET"] == f"acme-{'1' * 12}-{HOME}-an"


@pytest.mark.parametrize("name", [{}, {"bucket_name_prefix": "acme"}], ids=["none", "no account"])
def test_a_bucket_whose_name_other_regions_cannot_know_is_refused_there(
    name: dict[str, Any],
) -> None:
    app = new_app()
    home = cdk.Stack(app, "Home", env=cdk.Environment(region=HOME))
    locks = LockBucket(home, "Locks", **name)
    with pytest.raises(ValueError, match="whose name is not known there: give the LockBucket a"):
        away_job(app, locks, AWAY, regions=[HOME, AWAY])


def test_one_election_in_two_regions_is_refused_unless_both_jobs_name_them() -> None:
    app = new_app()
    locks = named_locks(app)
    away_job(app, locks, HOME, regions=[HOME, AWAY])
    with pytest.raises(ValueError, match=r"each with the same regions=\[…\]"):
        away_job(app, locks, AWAY)


@pytest.mark.parametrize("imported_in", ["Home", "Keys"])
def test_the_home_regions_key_is_granted_exactly_across_regions(imported_in: str) -> None:
    app = new_app()
    if imported_in == "Home":
        key = kms.Key.from_key_arn(cdk.Stack(app, "KeysAtHome"), "Key", KEY)
        locks = named_locks(app, encryption_key=key)
    else:
        stack = cdk.Stack(app, "Keys", env=cdk.Environment(region=AWAY))
        bucket = s3.Bucket.from_bucket_attributes(
            stack,
            "Bucket",
            bucket_name="acme-locks",
            region=HOME,
            encryption_key=kms.Key.from_key_arn(stack, "Key", KEY),
        )
        locks = LockBucket(stack, "Locks", bucket=bucket)
    job = away_job(app, locks, AWAY)
    found = Synthesized(cdk.Stack.of(job)).statements("AWS::IAM::Policy", "JobFunctionRole")
    assert [each["Resource"] for each in found if "kms:Decrypt" in each["Action"]] == [KEY]


def test_contenders_wait_for_a_leader_that_may_be_lost_with_its_region(
    away: Synthesized,
) -> None:
    variables = away.variables()
    assert (variables["S3LEADER_LEASE_SECONDS"], variables["S3LEADER_WAIT_SECONDS"]) == (
        "30",
        "120",
    )


BOTH = {"lock_bucket": "old-locks", "data_bucket": "old-data"}


@pytest.fixture(scope="module")
def adopted() -> dict[str, Synthesized]:
    return synthesize_stacks(regions=REGIONS, **BOTH)


@pytest.mark.parametrize("kind", ["AWS::S3::Bucket", "AWS::S3::BucketPolicy"])
def test_a_first_deployment_that_fails_leaves_no_bucket_whose_name_blocks_the_next(
    home: Synthesized, kind: str
) -> None:
    policies = {each.get("DeletionPolicy") for each in home.resources(kind)}
    assert policies - {None} == {"RetainExceptOnCreate"}


def test_a_bucket_that_is_replaced_is_kept(home: Synthesized) -> None:
    found = {each["UpdateReplacePolicy"] for each in home.resources("AWS::S3::Bucket")}
    assert found == {"Retain"}


def test_where_both_buckets_are_adopted_there_is_no_stack_of_buckets(
    adopted: dict[str, Synthesized],
) -> None:
    assert [*adopted] == NAMES[1:]


@pytest.mark.parametrize(("name", "region"), [(NAMES[1], None), (NAMES[2], HOME)])
def test_contenders_of_every_region_use_the_adopted_buckets_and_their_region(
    name: str, region: str | None, adopted: dict[str, Synthesized]
) -> None:
    found = adopted[name].variables()
    assert (found["S3LEADER_BUCKET"], found["DATA_BUCKET"]) == ("old-locks", "old-data")
    assert (found.get("S3LEADER_REGION"), found.get("DATA_REGION")) == (region, region)
    outputs = {key: each["Value"] for key, each in adopted[name].json["Outputs"].items()}
    assert (outputs["LockBucketName"], outputs["DataBucketName"]) == ("old-locks", "old-data")


@pytest.mark.parametrize("name", NAMES[1:])
def test_rights_end_at_the_adopted_buckets_of_this_account(
    name: str, adopted: dict[str, Synthesized]
) -> None:
    found = [
        (each["Condition"]["StringEquals"]["aws:ResourceAccount"], resource)
        for each in adopted[name].statements("AWS::IAM::Policy", "CompactionRole")
        for resource in as_list(each["Resource"])
        if ":s3:::" in resource
    ]
    buckets = {resource.split(":::")[1].split("/")[0] for _, resource in found}
    assert (buckets, {account for account, _ in found}) == (
        {"old-locks", "old-data"},
        {"<AWS::AccountId>"},
    )


def test_one_bucket_may_be_adopted_and_the_other_made() -> None:
    stacks = synthesize_stacks(regions=REGIONS, lock_bucket="old-locks")
    names = [plain(each["BucketName"]) for each in stacks[NAMES[0]].properties("AWS::S3::Bucket")]
    found = stacks[NAMES[2]].variables()
    assert (names, found["S3LEADER_BUCKET"]) == ([DATA], "old-locks")


@pytest.mark.parametrize("context", [{"regions": REGIONS}, {}], ids=["regions", "one Region"])
def test_the_keys_of_adopted_buckets_are_granted(context: dict[str, str]) -> None:
    keys = {"lock_bucket_key": KEY, "data_bucket_key": KEY}
    *_, last = synthesize_stacks(**context, **BOTH, **keys).values()
    statements = last.statements("AWS::IAM::Policy", "CompactionRole")
    found = [each for each in statements if "kms:GenerateDataKey" in each["Action"]]
    assert {each["Resource"] for each in found} == {KEY}


@pytest.mark.parametrize(
    ("context", "match"),
    [
        ({"lock_bucket_key": KEY}, r"lock_bucket_key .* was given without lock_bucket"),
        ({"data_bucket_key": KEY}, r"data_bucket_key .* was given without data_bucket"),
        (
            {**BOTH, "lock_bucket_key": "alias/locks"},
            "lock_bucket_key 'alias/locks' is not the ARN",
        ),
        (
            {"regions": REGIONS, "lock_bucket": "old-locks", "history": "9"},
            "history of 9 days was given with lock_bucket 'old-locks'",
        ),
    ],
)
def test_what_cannot_be_kept_of_an_adopted_bucket_is_refused(
    context: dict[str, str], match: str
) -> None:
    with pytest.raises(ValueError, match=match):
        synthesize_stacks(**context)
