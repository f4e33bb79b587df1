"""A grant adds all permissions, or raises an error that lists the missing ones and their place."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3

from s3leader_cdk import LockBucket
from tests.infra.jobs import existing_function as function
from tests.infra.permissions.test_grants import CANDIDATE, OWN_ACCOUNT, role
from tests.infra.synth import Json, Synthesized, new_app, new_stack

HERE, THERE = "111111111111", "222222222222"
ROLE = f"arn:aws:iam::{THERE}:role/worker"
Make = Callable[[cdk.Stack], Any]


def here(name: str = "Test", app: cdk.App | None = None) -> cdk.Stack:
    return new_stack(name, app, account=HERE, region="us-east-1")


def grant(
    make: Make, *, known: bool = True, bucket: Make | None = None, **more: Any
) -> Synthesized:
    """Return the template in which what `make` makes is a candidate."""
    stack = here() if known else new_stack()
    locks = LockBucket(stack, "Locks", bucket=None if bucket is None else bucket(stack))
    locks.grant_candidate(make(stack), election="nightly", **more)
    return Synthesized(stack)


def refusal(make: Make, **more: Any) -> str:
    with pytest.raises(ValueError, match=r"granted|grant to|no grant") as refused:
        grant(make, **more)
    return str(refused.value)


def granted_by_bucket(template: Synthesized) -> list[Json]:
    found = template.statements("AWS::S3::BucketPolicy")
    return [each for each in found if each["Effect"] == "Allow"]


def without(keys: set[str], statements: list[Json]) -> list[Json]:
    return [{key: each[key] for key in each if key not in keys} for each in statements]


def in_bucket(statements: list[Json]) -> list[Json]:
    """Return what a bucket's policy says where an identity's says `statements`."""
    found = []
    for each in statements:
        conditions = {name: {**value} for name, value in each["Condition"].items()}
        for key in OWN_ACCOUNT:
            conditions["StringEquals"].pop(key)
        kept = {name: value for name, value in conditions.items() if value}
        found.append({**each, "Condition": kept} if kept else without({"Condition"}, [each])[0])
    return found


def imported_role(stack: cdk.Stack, account: str = THERE, **more: Any) -> iam.IRole:
    return iam.Role.from_role_arn(stack, "Imported", ROLE.replace(THERE, account), **more)


def imported(stack: cdk.Stack, **more: Any) -> s3.IBucket:
    return s3.Bucket.from_bucket_attributes(stack, "Ledger", bucket_name="their-locks", **more)


def theirs(stack: cdk.Stack) -> s3.IBucket:
    return imported(stack, account=THERE)


BY_OWN_POLICY: dict[str, Make] = {
    "a user": lambda stack: iam.User(stack, "User"),
    "a group": lambda stack: iam.Group(stack, "Group"),
    "a lazy role": lambda stack: iam.LazyRole(
        stack, "Lazy", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com")
    ),
    "a role that is known by its name": lambda stack: iam.Role.from_role_name(
        stack, "Named", "worker"
    ),
    "an imported role": imported_role,
}


@pytest.mark.parametrize("make", BY_OWN_POLICY.values(), ids=BY_OWN_POLICY)
def test_who_has_a_policy_here_is_granted_all_by_it_and_nothing_by_the_bucket_s(
    make: Make,
) -> None:
    template = grant(make, known=False)
    assert (template.statements("AWS::IAM::Policy"), granted_by_bucket(template)) == (CANDIDATE, [])


@pytest.mark.parametrize("make", [iam.Policy, iam.ManagedPolicy])
def test_a_policy_is_granted_all_by_itself(make: Callable[..., iam.IGrantable]) -> None:
    template = grant(lambda stack: make(stack, "Own", roles=[role(stack)]), known=False)
    found = template.statements(f"AWS::IAM::{make.__name__}")
    assert (found, granted_by_bucket(template)) == (CANDIDATE, [])


BY_THE_BUCKET: dict[str, Make] = {
    "an immutable role": lambda stack: imported_role(stack, HERE, mutable=False),
    "a role without updates": lambda stack: role(stack).without_policy_updates(),
    "a role's ARN": lambda _: iam.ArnPrincipal(ROLE.replace(THERE, HERE)),
}


@pytest.mark.parametrize("make", BY_THE_BUCKET.values(), ids=BY_THE_BUCKET)
def test_whose_policies_stay_as_they_are_is_granted_all_by_the_bucket_s_with_its_conditions(
    make: Make,
) -> None:
    template = grant(make)
    found = without({"Principal"}, granted_by_bucket(template))
    assert (found, template.ids("AWS::IAM::Policy")) == (in_bucket(CANDIDATE), [])


def across(build: Callable[[LockBucket, cdk.Stack], Any]) -> list[Synthesized]:
    """Return the stacks of a bucket and of a worker in another account."""
    app = new_app()
    home = here("Home", app)
    away = new_stack("Away", app, account=THERE, region="us-east-1")
    build(LockBucket(home, "Locks", bucket_name="our-locks"), away)
    return [Synthesized(each) for each in (home, away)]


def worker(stack: cdk.Stack) -> iam.Role:
    service = iam.ServicePrincipal("ecs-tasks.amazonaws.com")
    return iam.Role(stack, "Role", role_name="worker", assumed_by=service)


def test_a_role_of_another_account_of_the_app_is_granted_the_same_by_the_bucket_s() -> None:
    home, away = across(lambda locks, away: locks.grant_candidate(worker(away), election="nightly"))
    drop = {"Principal", "Resource"}
    by_bucket = without(drop, granted_by_bucket(home))
    own = away.statements("AWS::IAM::Policy")
    accounts = {each["Condition"]["StringEquals"].pop("aws:ResourceAccount") for each in own}
    assert accounts == {HERE}
    assert by_bucket == without(drop, in_bucket(CANDIDATE))


def test_the_key_of_another_account_of_the_app_is_granted_by_its_policy_too() -> None:
    def build(locks: LockBucket, away: cdk.Stack) -> None:
        home = cdk.Stack.of(locks)
        key = kms.Key(home, "Key", alias="locks")
        bucket = s3.Bucket(home, "Shared", bucket_name="shared", encryption_key=key)
        granted = LockBucket(home, "Encrypted", bucket=bucket, prefix="other/")
        granted.grant_observer(worker(away), election="nightly")

    home, _ = across(build)
    *_, statement = key_policy(home)
    assert statement["Action"] == "kms:Decrypt"


def key_policy(template: Synthesized) -> list[Json]:
    statements: list[Json] = template.one("AWS::KMS::Key")["KeyPolicy"]["Statement"]
    return statements


OF_THEIRS = "to the policy of bucket their-locks"
INCOMPLETE: dict[str, tuple[Make, dict[str, Any], list[str]]] = {
    "a role of another account": (imported_role, {}, [f"to the policies of {ROLE} itself"]),
    "its ARN": (lambda _: iam.ArnPrincipal(ROLE), {}, [f"to the policies of {ROLE} itself"]),
    "another account": (lambda _: iam.AccountPrincipal(THERE), {}, [f":iam::{THERE}:root itself"]),
    "this account": (lambda _: iam.AccountRootPrincipal(), {}, [":root itself"]),
    "this account, unknown": (lambda _: iam.AccountRootPrincipal(), {"known": False}, ["itself"]),
    "an organization": (lambda _: iam.OrganizationPrincipal("o-1234567890"), {}, ["itself"]),
    "a user of another account": (
        lambda stack: iam.User.from_user_arn(stack, "U", f"arn:aws:iam::{THERE}:user/x"),
        {},
        [f"to the policies of arn:aws:iam::{THERE}:user/x itself"],
    ),
    "a bucket of another account": (role, {"bucket": theirs}, [OF_THEIRS]),
    "an immutable role on an imported bucket": (
        lambda stack: imported_role(stack, HERE, mutable=False),
        {"bucket": imported},
        [OF_THEIRS],
    ),
    "an account that is not known": (
        role,
        {"known": False, "bucket": theirs},
        [OF_THEIRS, "env=Environment(account=…)"],
    ),
    "a bucket and a role of another account": (
        imported_role,
        {"bucket": imported},
        [f"to the policies of {ROLE} itself", f"And add {OF_THEIRS}"],
    ),
    "a function on a bucket of another account": (
        function,
        {"bucket": theirs},
        ["Test/Function would get only some of the permissions", OF_THEIRS],
    ),
}
STATEMENTS = [
    "s3:ListBucket",
    "s3:GetObject",
    "s3:if-match",
    "s3:if-none-match",
    "s3:RequestObjectTagKeys",
]


@pytest.mark.parametrize(("make", "more", "places"), INCOMPLETE.values(), ids=INCOMPLETE)
def test_what_cannot_be_granted_from_here_is_refused_with_where_to_add_it(
    make: Make, more: dict[str, Any], places: list[str]
) -> None:
    message = refusal(make, **more)
    assert [each for each in [*places, *STATEMENTS] if each not in message] == []


@pytest.mark.parametrize(("make", "more", "_"), INCOMPLETE.values(), ids=INCOMPLETE)
def test_granted_elsewhere_suppresses_the_error(
    make: Make, more: dict[str, Any], _: list[str]
) -> None:
    grant(make, granted_elsewhere=True, **more)


def test_all_that_can_be_granted_from_here_is_when_the_rest_is_elsewhere() -> None:
    template = grant(imported_role, granted_elsewhere=True)
    assert without({"Principal"}, granted_by_bucket(template)) == in_bucket(CANDIDATE)


def test_a_key_of_another_account_is_refused_with_the_statement_that_its_policy_lacks() -> None:
    key_arn = f"arn:aws:kms:us-east-1:{THERE}:key/11111111-2222-3333-4444-555555555555"

    def bucket(stack: cdk.Stack) -> s3.IBucket:
        return imported(stack, encryption_key=kms.Key.from_key_arn(stack, "Key", key_arn))

    message = refusal(role, bucket=bucket)
    assert f"to the policy of key {key_arn}" in message
    assert f"arn:aws:iam::{THERE}" not in message


def test_granted_elsewhere_of_a_lock_bucket_applies_to_all_its_grants() -> None:
    stack = here()
    locks = LockBucket(stack, "Locks", bucket=theirs(stack), granted_elsewhere=True)
    locks.grant_candidate(function(stack), election="nightly")
    assert Synthesized(stack).variables()["S3LEADER_BUCKET_OWNER"] == THERE


def test_the_environment_has_no_account_that_would_resolve_to_the_function_s() -> None:
    app = new_app()
    stack, unknown = here(app=app), new_stack("Unknown", app)
    locks = LockBucket(stack, "Locks", bucket=imported(unknown), granted_elsewhere=True)
    locks.grant_candidate(function(stack), election="nightly")
    assert "S3LEADER_BUCKET_OWNER" not in Synthesized(stack).variables()


NOT_A_PRINCIPAL = "is a group or a policy, which a bucket policy cannot name as a principal: grant"
UNUSABLE: list[tuple[Make, str]] = [
    (lambda _: iam.ServicePrincipal("ec2.amazonaws.com"), "an AWS service: grant to the role"),
    (lambda _: iam.WebIdentityPrincipal("accounts.example.com"), "a federated identity: grant to"),
    (lambda _: iam.CanonicalUserPrincipal("0123"), "a canonical user"),
    (lambda _: iam.StarPrincipal(), "everyone: grant to roles"),
    (lambda _: iam.AnyPrincipal(), "everyone: grant to roles"),
    (lambda _: iam.ArnPrincipal(f"{ROLE}-*"), "wildcards are not allowed"),
    (
        lambda stack: iam.PrincipalWithConditions(role(stack), {"Bool": {"aws:x": "true"}}),
        "its conditions would be dropped",
    ),
    (lambda stack: iam.SessionTagsPrincipal(role(stack)), "the tags grant nothing: grant to the"),
    (
        lambda stack: iam.CompositePrincipal(role(stack), iam.ArnPrincipal(ROLE)),
        "several principals: grant to each of them",
    ),
    (
        lambda _: iam.ArnPrincipal(ROLE.replace("arn:aws:", "arn:aws-cn:")),
        "is in partition 'aws-cn', but the bucket is in 'aws'",
    ),
    (
        lambda stack: iam.ManagedPolicy(
            cdk.Stack(stack, "Away", env=cdk.Environment(account=THERE)), "Own"
        ),
        NOT_A_PRINCIPAL,
    ),
    (
        lambda stack: iam.Group.from_group_arn(stack, "G", f"arn:aws:iam::{THERE}:group/x"),
        NOT_A_PRINCIPAL,
    ),
]


@pytest.mark.parametrize(("make", "why"), UNUSABLE)
def test_a_principal_for_which_no_grant_works_is_rejected(make: Make, why: str) -> None:
    assert why in refusal(make)


def test_an_observer_whose_role_is_not_known_is_refused() -> None:
    arn = f"arn:aws:lambda:us-east-1:{THERE}:function:alien"
    stack = new_stack()
    observer = lambda_.Function.from_function_arn(stack, "Imported", arn)
    with pytest.raises(
        ValueError, match="Test/Imported cannot be granted permissions: its role is not"
    ):
        LockBucket(stack, "Locks").grant_observer(observer, election="nightly")


ADMINISTRATOR = iam.ArnPrincipal(f"arn:aws:iam::{HERE}:role/administrator")
VIA_S3 = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}


def added(*statements: iam.PolicyStatement) -> list[Json]:
    """Return what a grant to a role adds to a key's policy that has `statements`."""
    stack = here()
    key = kms.Key(stack, "Key", policy=iam.PolicyDocument(statements=[*statements]))
    locks = LockBucket(stack, "Locks", encryption_key=key)
    locks.grant_candidate(role(stack), election="nightly")
    found = key_policy(Synthesized(stack))
    return [each for each in found if each["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]]


def allow(principal: iam.IPrincipal, action: str = "kms:*", **more: Any) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=[action], resources=["*"], principals=[principal], **more)


DELEGATING = [
    iam.AccountRootPrincipal(),
    iam.ArnPrincipal(f"arn:aws:iam::{HERE}:root"),
    iam.ArnPrincipal(HERE),
]
NOT_DELEGATING = {
    "another account and a role": [
        allow(iam.CompositePrincipal(iam.AccountPrincipal(THERE), ADMINISTRATOR))
    ],
    "the account under a condition": [allow(iam.AccountRootPrincipal(), conditions=VIA_S3)],
    "some actions only": [allow(iam.AccountRootPrincipal(), "kms:Describe*")],
    "a denial": [
        allow(ADMINISTRATOR),
        allow(iam.AccountRootPrincipal(), effect=iam.Effect.DENY, conditions=VIA_S3),
    ],
}


@pytest.mark.parametrize("principal", DELEGATING, ids=["root", "ARN", "number"])
def test_a_key_policy_that_delegates_to_its_account_is_left_unchanged(
    principal: iam.IPrincipal,
) -> None:
    assert added(allow(ADMINISTRATOR, "kms:Describe*"), allow(principal)) == []


@pytest.mark.parametrize("statements", NOT_DELEGATING.values(), ids=NOT_DELEGATING)
def test_a_key_whose_policy_does_not_trust_its_account_is_granted_by_that_policy(
    statements: list[iam.PolicyStatement],
) -> None:
    (statement,) = added(*statements)
    assert "Fn::GetAtt" in statement["Principal"]["AWS"]


def test_cdk_s_default_key_policy_delegates_in_a_stack_whose_account_is_unknown() -> None:
    stack = new_stack()
    locks = LockBucket(stack, "Locks", encryption_key=kms.Key(stack, "Key"))
    locks.grant_candidate(role(stack), election="nightly")
    assert len(key_policy(Synthesized(stack))) == 1
