"""Writers of fenced bytes, items and rows have the rights that they need, and no other.

By sessions in roles with the very policies that the constructs write. Two things no emulator here
enforces, so the templates show them (tests/infra/permissions): `dynamodb:LeadingKeys`, which keeps
the writer of a row from other rows, and the list permission that makes S3 answer 404 for a missing
object.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from botocore.exceptions import ClientError

from local_cloud import LocalCloud
from s3leader.errors import BucketUnusable, Overwritten, TableUnusable
from s3leader.fencing.dynamodb import FencedItems, FenceRow
from s3leader.fencing.fenced_bytes import FencedBytes
from s3leader_cdk import grant_fence_row, grant_fenced_bytes, grant_fenced_items
from tests.infra.synth import plain, synthesize
from tests.local_cloud.granted_roles import ACCOUNT, create_bucket, create_role
from tests.local_cloud.permissions import Permission, Role

BUCKET, KEY, TABLE, OTHER = "data", "reports/a.bin", "accounts", "others"
TABLE_ARN = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/{TABLE}"
NAMES = {"<data>": f"arn:aws:s3:::{BUCKET}", "<accounts>": TABLE_ARN}
A, B = {"id": {"S": "a"}}, {"id": {"S": "b"}}


@dataclass
class Fences:
    """A bucket and a table, and the roles `Bytes`, `Items` and `Row`."""

    cloud: LocalCloud
    roles: dict[str, Role] = field(default_factory=dict)
    tokens: Any = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        create_bucket(self.cloud, BUCKET)
        for name in (TABLE, OTHER):
            self.cloud.client("dynamodb").create_table(
                TableName=name, BillingMode="PAY_PER_REQUEST",
                KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            )  # fmt: skip
        stack = synthesize(_build)
        for name in ("Bytes", "Items", "Row"):
            text = stack.statements("AWS::IAM::Policy", name)
            create_role(self.cloud, name, _resolved(text))
            self.roles[name] = Role(self.cloud, name, name, NAMES)
        self.root = FencedBytes(KEY, bucket=BUCKET, client=self.cloud.client("s3"))

    def client(self, role: str) -> Any:
        return self.cloud.client("s3" if role == "Bytes" else "dynamodb", role=role)

    @property
    def report(self) -> FencedBytes:
        return FencedBytes(KEY, bucket=BUCKET, client=self.client("Bytes"))

    @property
    def items(self) -> FencedItems:
        return FencedItems(self.client("Items"))

    @property
    def row(self) -> FenceRow:
        return FenceRow(self.client("Row"), table=TABLE, key={"id": {"S": "nightly"}})

    def token(self) -> int:
        return int(next(self.tokens))


def _build(stack: cdk.Stack) -> None:
    bucket = s3.Bucket.from_bucket_name(stack, "Data", BUCKET)
    table = dynamodb.Table.from_table_arn(stack, "Accounts", TABLE_ARN)
    grants: dict[str, Callable[[iam.Role], object]] = {
        "Bytes": lambda role: grant_fenced_bytes(bucket, role, key=KEY),
        "Items": lambda role: grant_fenced_items(table, role),
        "Row": lambda role: grant_fence_row(table, role, partition_key="nightly"),
    }
    for name, grant in grants.items():
        grant(iam.Role(stack, name, assumed_by=iam.AccountRootPrincipal()))


def _resolved(statements: list[Any]) -> list[Any]:
    text = json.dumps(plain(statements)).replace("<AWS::Partition>", "aws")
    found: list[Any] = json.loads(text.replace("<AWS::AccountId>", ACCOUNT))
    return found


@pytest.fixture(scope="module")
def fences(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fences]:
    with LocalCloud(tmp_path_factory.mktemp("cloud"), enforce=True) as running:
        yield Fences(running)


def write(fences: Fences) -> None:
    """Write bytes over what is there."""
    now = fences.root.claim(fences.token())
    fences.report.write(b"x", token=fences.token(), after=now)


def write_first(fences: Fences) -> None:
    fences.cloud.client("s3").delete_object(Bucket=BUCKET, Key=KEY)
    fences.report.write(b"x", token=fences.token(), after=None)


def read(fences: Fences) -> None:
    now = fences.root.claim(fences.token())
    fences.root.write(b"x", token=now.token, after=now)
    with fences.report.open() as stream:  # type: ignore[union-attr]
        stream.read()


def sweep(fences: Fences) -> None:
    now = fences.root.claim(fences.token())
    fences.root.write(b"x", token=now.token, after=now)
    with pytest.raises(Overwritten):
        fences.root.write(b"left", token=now.token, after=now)
    assert fences.report.sweep(fences.token())


def act(kind: str) -> Callable[[Fences], None]:
    def use(fences: Fences) -> None:
        part = {"Item": A} if kind == "Put" else {"Key": A}
        fences.items.transact([{kind: {"TableName": TABLE, **part}}], token=fences.token())

    return use


def claim_row(fences: Fences) -> None:
    fences.row.claim(token=fences.token())


NEEDS: dict[str, tuple[str, str, str, Callable[[Fences], None]]] = {
    # What is done: role, action, a text in resource and condition of the statement, the operation.
    "read the bytes": ("Bytes", "s3:GetObject", KEY, read),
    "read a body": ("Bytes", "s3:GetObject", f"{KEY}.bodies/*", read),
    "create the bytes": ("Bytes", "s3:PutObject", f"{KEY}+s3:if-none-match", write_first),
    "replace the bytes": ("Bytes", "s3:PutObject", f"{KEY}+s3:if-match", write),
    "create a body": ("Bytes", "s3:PutObject", f"{KEY}.bodies/*+s3:if-none-match", write),
    "list bodies": ("Bytes", "s3:ListBucket", f"+{KEY}.bodies/*", sweep),
    "delete a body": ("Bytes", "s3:DeleteObject", f"{KEY}.bodies/*", sweep),
    "put an item": ("Items", "dynamodb:PutItem", "", act("Put")),
    "update an item": ("Items", "dynamodb:UpdateItem", "", act("Update")),
    "delete an item": ("Items", "dynamodb:DeleteItem", "", act("Delete")),
    "check an item": ("Items", "dynamodb:ConditionCheckItem", "", act("ConditionCheck")),
    "claim a row": ("Row", "dynamodb:UpdateItem", "", claim_row),
}
SHOWN_IN_TEMPLATES = {("Bytes", "s3:ListBucket", f"+{KEY}")}  # 404 for a missing object


def permission(fences: Fences, role: str, action: str, text: str) -> Permission:
    resource, _, condition = text.partition("+")
    (found,) = (
        each
        for each in fences.roles[role].permissions
        if each.action == action
        and (not resource or each.resource.endswith(f"/{resource}"))
        and (f'"{condition}"' in each.condition or not condition)
    )
    return found


@pytest.mark.parametrize("need", NEEDS)
def test_it_is_refused_without_the_right_which_is_named_and_only_without_it(
    fences: Fences, need: str
) -> None:
    role, action, text, use = NEEDS[need]
    taken = permission(fences, role, action, text)
    with (
        fences.roles[role].without([taken]),
        pytest.raises((BucketUnusable, TableUnusable)) as error,
    ):
        use(fences)
    refused = error.value
    assert (refused.action if isinstance(refused, BucketUnusable) else action) == action
    assert action in str(refused)
    use(fences)


def test_no_right_is_granted_that_no_operation_needs(fences: Fences) -> None:
    needed = {permission(fences, *each[:3]) for each in NEEDS.values()}
    needed |= {permission(fences, *each) for each in SHOWN_IN_TEMPLATES}
    granted = {each for role in fences.roles.values() for each in role.permissions}
    assert granted == needed


BODY = f"{KEY}.bodies/0000000001-x"
Try = Callable[[Any], object]
BEYOND: dict[str, tuple[str, Try]] = {
    "delete the bytes": ("Bytes", lambda c: c.delete_object(Bucket=BUCKET, Key=KEY)),
    "write unconditionally": ("Bytes", lambda c: c.put_object(Bucket=BUCKET, Key=KEY)),
    "write a body unconditionally": ("Bytes", lambda c: c.put_object(Bucket=BUCKET, Key=BODY)),
    "replace a body": (
        "Bytes", lambda c: c.put_object(Bucket=BUCKET, Key=BODY, IfMatch='"x"'),
    ),
    "read another object": ("Bytes", lambda c: c.get_object(Bucket=BUCKET, Key="reports/b.bin")),
    "write another object": (
        "Bytes", lambda c: c.put_object(Bucket=BUCKET, Key=f"{KEY}.bodies", IfNoneMatch="*"),
    ),
    "list the bucket": ("Bytes", lambda c: c.list_objects_v2(Bucket=BUCKET, Prefix="reports/")),
    "list other bodies": (
        "Bytes", lambda c: c.list_objects_v2(Bucket=BUCKET, Prefix="reports/a.bin.bodie"),
    ),
    "put past the fence": ("Items", lambda c: c.put_item(TableName=TABLE, Item=A)),
    "update past the fence": ("Items", lambda c: c.update_item(TableName=TABLE, Key=A)),
    "delete past the fence": ("Items", lambda c: c.delete_item(TableName=TABLE, Key=A)),
    "get an item": ("Items", lambda c: c.get_item(TableName=TABLE, Key=A)),
    "scan": ("Items", lambda c: c.scan(TableName=TABLE)),
    "write another table": (
        "Items",
        lambda c: c.transact_write_items(TransactItems=[{"Put": {"TableName": OTHER, "Item": A}}]),
    ),
    "update the row past the fence": ("Row", lambda c: c.update_item(TableName=TABLE, Key=B)),
    "delete the row": (
        "Row",
        lambda c: c.transact_write_items(
            TransactItems=[{"Delete": {"TableName": TABLE, "Key": B}}]
        ),
    ),
    "put the row": (
        "Row",
        lambda c: c.transact_write_items(TransactItems=[{"Put": {"TableName": TABLE, "Item": B}}]),
    ),
    "read the row": ("Row", lambda c: c.get_item(TableName=TABLE, Key=B)),
}  # fmt: skip


@pytest.mark.parametrize("beyond", BEYOND)
def test_what_no_writer_needs_is_refused(fences: Fences, beyond: str) -> None:
    role, use = BEYOND[beyond]
    with pytest.raises(ClientError, match=r"AccessDenied"):
        use(fences.client(role))
