"""One grant on all elections whose names begin with a prefix."""

import json
from fnmatch import fnmatchcase
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from s3leader_cdk import LockBucket
from tests.infra.jobs import existing_function
from tests.infra.permissions.test_grants import ARN, CANDIDATE, role
from tests.infra.synth import Json, Synthesized, new_stack, synthesize

MOST_IN_A_ROLE, MOST_IN_A_MANAGED_POLICY = 10_240, 6_144  # characters without white space, by IAM
LONGEST_ARN = f"arn:aws-us-gov:s3:::{'b' * 63}"
READ = ("s3:ListBucket", "s3:GetObject")


def granted(how: str = "grant_candidate", prefix: str = "shard/", **options: Any) -> Synthesized:
    def build(stack: cdk.Stack) -> None:
        locks = LockBucket(stack, "Locks", **options)
        getattr(locks, how)(role(stack), election_prefix=prefix)

    return synthesize(build)


@pytest.fixture(scope="module")
def shards() -> list[Json]:
    return granted().statements("AWS::IAM::Policy")


def size(statements: list[Json]) -> int:
    """Return the size of a policy in a bucket whose name is as long as a name can be."""
    document = json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))
    return len(document.replace(ARN, LONGEST_ARN))


def one_by_one(count: int) -> list[Json]:
    def build(stack: cdk.Stack) -> None:
        locks, grantee = LockBucket(stack, "Locks"), role(stack)
        for number in range(count):
            locks.grant_candidate(grantee, election=f"shard/{number}")

    template = synthesize(build)
    kinds = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
    names = [name for kind in kinds for name in template.ids(kind)]
    found = [template.json["Resources"][name]["Properties"]["PolicyDocument"] for name in names]
    return [statement for document in found for statement in document["Statement"]]


def test_statements_are_those_of_one_election_for_all_names_with_the_prefix(
    shards: list[Json],
) -> None:
    assert shards == json.loads(json.dumps(CANDIDATE).replace("nightly", "shard/*"))


def test_observer_gets_the_first_two_of_them() -> None:
    statements = granted("grant_observer").statements("AWS::IAM::Policy")
    expected = [each for each in CANDIDATE if each["Action"] in READ]
    assert statements == json.loads(json.dumps(expected).replace("nightly", "shard/*"))


def test_policy_is_as_small_for_any_number_of_elections(shards: list[Json]) -> None:
    assert size(shards) < 2_048 < MOST_IN_A_MANAGED_POLICY


def test_64_grants_on_one_election_each_outgrow_what_a_role_can_hold() -> None:
    assert size(one_by_one(64)) > MOST_IN_A_ROLE


def test_key_is_granted_once() -> None:
    stack = new_stack()
    locks = LockBucket(stack, "Locks", encryption_key=kms.Key(stack, "Key"))
    locks.grant_candidate(role(stack), election_prefix="shard/")
    *_, last = Synthesized(stack).statements("AWS::IAM::Policy")
    assert last["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]


def patterns(statement: Json) -> list[str]:
    """Return the patterns of keys that a statement allows, or of prefixes to list."""
    if statement["Action"] == "s3:ListBucket":
        found: list[str] = statement["Condition"]["StringLike"]["s3:prefix"]
        return found
    resources = statement["Resource"]
    listed = [resources] if isinstance(resources, str) else resources
    return [each.removeprefix(f"{ARN}/") for each in listed]


LOCK = "lock_0000000042.json"


@pytest.mark.parametrize("name", ["shard/0", "shard/63", "shard/eu/0"])
def test_every_election_with_the_prefix_is_included(name: str, shards: list[Json]) -> None:
    # In IAM's patterns, as in fnmatch's, `*` matches slashes too.
    for statement in shards:
        keys = [f"elections/{name}/{LOCK}"]
        if statement["Action"] != "s3:PutObjectTagging":
            keys.append(f"elections/{name}/hint.json")
        if statement["Action"] == "s3:ListBucket":
            keys.append(f"elections/{name}/lock_")
        allowed = [any(fnmatchcase(key, each) for each in patterns(statement)) for key in keys]
        assert all(allowed), statement


@pytest.mark.parametrize(
    "key",
    [
        f"elections/shard/{LOCK}",
        f"elections/shards/0/{LOCK}",
        f"elections/other/{LOCK}",
        f"elections/other/shard/0/{LOCK}",
        f"other/shard/0/{LOCK}",
        f"elections/Shard/0/{LOCK}",
        "elections/shard/0/data.json",
        "elections/shard/",
        "elections/shard/0/",
        "elections/",
        "",
    ],
)
def test_nothing_else_is_included(key: str, shards: list[Json]) -> None:
    matching = [each for statement in shards for each in patterns(statement)]
    assert [each for each in matching if fnmatchcase(key, each)] == []


@pytest.mark.parametrize("prefix", ["shard-", "shard_", "a.b.", "eu/shard/"])
def test_prefix_ends_with_a_separator(prefix: str) -> None:
    found = str(granted(prefix=prefix).statements("AWS::IAM::Policy"))
    assert f"elections/{prefix}*/lock_*" in found


@pytest.mark.parametrize(
    "prefix",
    ["", "/", "shard", "shard/*", "a//", "../", "lock_", "a/lock_1/", cdk.Aws.REGION],
    ids=["empty", "/", "a part", "*", "//", "..", "lock_", "in it", "a token"],
)
def test_prefix_that_could_include_other_names_is_refused(prefix: str) -> None:
    stack = new_stack()
    with pytest.raises(ValueError, match=r"election_prefix: expected .* for example 'shard/'"):
        LockBucket(stack, "Locks").grant_candidate(role(stack), election_prefix=prefix)


@pytest.mark.parametrize("how", ["grant_candidate", "grant_observer"])
@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, "neither"),
        ({"election": "one", "election_prefix": "shard/"}, "both, 'one' and 'shard/'"),
    ],
)
def test_grant_is_on_one_election_or_on_one_prefix(
    how: str, given: dict[str, str], found: str
) -> None:
    stack = new_stack()
    grant = getattr(LockBucket(stack, "Locks"), how)
    with pytest.raises(ValueError, match=f"expected one of election.* got {found}"):
        grant(role(stack), **given)


def test_too_long_a_prefix_is_refused() -> None:
    stack = new_stack()
    with pytest.raises(ValueError, match="shorten them to 900"):
        LockBucket(stack, "Locks").grant_observer(role(stack), election_prefix="n/" * 445)


def test_function_gets_the_bucket_and_names_its_elections_itself() -> None:
    stack = new_stack()
    LockBucket(stack, "Locks").grant_candidate(existing_function(stack), election_prefix="shard/")
    variables = Synthesized(stack).variables()
    assert {*variables} == {"S3LEADER_BUCKET", "S3LEADER_BUCKET_OWNER", "S3LEADER_PREFIX"}


def test_function_of_many_elections_cannot_have_another() -> None:
    stack = new_stack()
    locks, function = LockBucket(stack, "Locks"), existing_function(stack)
    locks.grant_candidate(function, election_prefix="shard/")
    with pytest.raises(ValueError, match=r"already a candidate of 'shard/\*' and cannot be one of"):
        locks.grant_candidate(function, election="shard/0")


def test_immutable_role_is_granted_the_same_by_the_bucket() -> None:
    stack = new_stack()
    immutable: iam.IRole = role(stack).without_policy_updates()
    LockBucket(stack, "Locks").grant_candidate(immutable, election_prefix="shard/")
    policy = str(Synthesized(stack).statements("AWS::S3::BucketPolicy"))
    assert "elections/shard/*/lock_*" in policy
