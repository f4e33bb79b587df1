"""Several Regions on buckets that are there already, and names that nobody else can take."""

import pytest

from tests.infra.synth import Synthesized, plain, synthesize_stacks
from tests.infra.test_compaction_stack import as_list
from tests.infra.test_regions import AWAY, DATA, HOME, NAMES

REGIONS = f"{HOME},{AWAY}"
BOTH = {"lock_bucket": "old-locks", "data_bucket": "old-data"}
KEY = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"


@pytest.fixture(scope="module")
def fresh() -> Synthesized:
    return synthesize_stacks(regions=REGIONS)[NAMES[0]]


@pytest.fixture(scope="module")
def adopted() -> dict[str, Synthesized]:
    return synthesize_stacks(regions=REGIONS, **BOTH)


@pytest.mark.parametrize("kind", ["AWS::S3::Bucket", "AWS::S3::BucketPolicy"])
def test_a_first_deployment_that_fails_leaves_no_bucket_whose_name_blocks_the_next(
    fresh: Synthesized, kind: str
) -> None:
    policies = {each.get("DeletionPolicy") for each in fresh.resources(kind)}
    assert policies - {None} == {"RetainExceptOnCreate"}


def test_a_bucket_that_is_replaced_is_kept(fresh: Synthesized) -> None:
    found = {each["UpdateReplacePolicy"] for each in fresh.resources("AWS::S3::Bucket")}
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
