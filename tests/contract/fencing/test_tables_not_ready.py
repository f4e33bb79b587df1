"""The first use of a table or bucket that is not there, or not as it has to be, says which and what
to do.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from botocore.exceptions import ClientError

from s3leader.errors import BucketUnusable, TableUnusable
from s3leader.fencing import FencedObject, sql
from s3leader.fencing.dynamodb import FencedItems, FenceRow
from s3leader.fencing.fenced_bytes import FencedBytes
from tests.contract.fencing.conftest import Clients
from tests.contract.fencing.resources import create_table
from tests.contract.fencing.sql_databases import Database, pay
from tests.contract.fencing.sql_resources import ELECTION

ITEM = {"id": {"S": "a"}}


def uses(client: Any, table: str, key: Any) -> dict[str, Callable[[], object]]:
    """The ways to use a table, each with this key."""
    items = FencedItems(client)
    row = FenceRow(client, key=key, table=table)
    return {
        "put": lambda: items.put_item(token=1, TableName=table, Item=key),
        "update": lambda: items.update_item(token=1, TableName=table, Key=key),
        "delete": lambda: items.delete_item(token=1, TableName=table, Key=key),
        "transact": lambda: items.transact(
            [{"ConditionCheck": {"TableName": table, "Key": key}}], token=1
        ),
        "claim": lambda: row.claim(token=1),
        "transact with a row": lambda: row.transact(
            [{"Update": {"TableName": table, "Key": {"id": {"S": "b"}},
              "UpdateExpression": "REMOVE x"}}], token=1
        ),
        "read": row.read_token,
    }  # fmt: skip


USES = [*uses(type("Client", (), {"transact_write_items": None})(), "t", ITEM)]


@pytest.fixture
def client(clients: Callable[[str], Clients]) -> Any:
    return clients("ministack").make("client", "dynamodb", direct=True)


@pytest.mark.parametrize("use", USES)
def test_a_missing_table_is_named_with_its_region_and_what_to_do(client: Any, use: str) -> None:
    with pytest.raises(
        TableUnusable, match=r"table 'no-such' in Region 'us-east-1' \(http.*Create the table there"
    ) as error:
        uses(client, "no-such", ITEM)[use]()
    assert (error.value.tables, error.value.code) == (("no-such",), "ResourceNotFoundException")
    assert error.value.__cause__ is not None


@pytest.mark.parametrize("use", USES)
def test_a_key_of_another_type_than_the_table_s_is_explained(client: Any, use: str) -> None:
    with pytest.raises(TableUnusable, match="Pass each attribute of the table's key"):
        uses(client, create_table(client), {"id": {"N": "1"}})[use]()


def cancelled(message: str) -> tuple[str, dict[str, Any]]:
    reasons = [{"Code": "None"}, {"Code": "ValidationError", "Message": message}]
    return "TransactionCanceledException", {"Message": "x", "CancellationReasons": reasons}


REFUSALS = {  # as DynamoDB words them; the emulator does not compare the names of keys
    "name of a key": (
        *cancelled("The provided key element does not match the schema"), "Pass each attribute",
    ),
    "key that is missing": (
        *cancelled("One or more parameter values were invalid: Missing the key id in the item"),
        "Pass each attribute",
    ),
    "type, not in a transaction": (
        "ValidationException",
        {"message": "One or more parameter values were invalid: Type mismatch for key id"
         " expected: S actual: N"},
        "Pass each attribute",
    ),
    "right": (
        "AccessDeniedException",
        {"Message": "User: x is not authorized to perform: dynamodb:UpdateItem on resource: y"},
        "not authorized to perform: dynamodb:UpdateItem.*Allow what the message names",
    ),
    "key of KMS": (
        "AccessDeniedException",
        {"Message": "KMS key access denied error"},
        "to an encrypted table its KMS key",
    ),
}  # fmt: skip


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_refusal_that_stays_says_what_to_change(
    clients: Callable[[str], Clients], refusal: str
) -> None:
    made = clients("ministack")
    code, fields, remedy = REFUSALS[refusal]
    made.proxy.refuse(400, code, **fields)
    table = create_table(made.make("client", "dynamodb", direct=True))
    items = FencedItems(made.make("client", "dynamodb"))
    with pytest.raises(TableUnusable, match=f"refused the table '{table}'.*{remedy}"):
        items.update_item(token=1, TableName=table, Key=ITEM)


def test_what_the_caller_can_change_is_no_matter_of_the_table(
    clients: Callable[[str], Clients],
) -> None:
    made = clients("ministack")
    code, fields = cancelled("Item size has exceeded the maximum allowed size")
    made.proxy.refuse(400, code, **fields)
    items = FencedItems(made.make("client", "dynamodb"))
    with pytest.raises(ClientError, match=code):
        items.update_item(token=1, TableName="t", Key=ITEM)


def test_a_missing_table_of_guards_is_named_with_what_creates_it(database: Database) -> None:
    for use in (sql.guard, lambda *each, **kw: sql.read_token(*each[:2], **kw)):
        with (
            closing(database.connect()) as connection,
            pytest.raises(
                TableUnusable, match=r"no_such failed.*Create it: s3leader\.fencing\.sql"
            ) as error,
        ):
            use(connection, ELECTION, 1, table="no_such")
        assert f"table_ddl('{database.dialect}')" in str(error.value)
        assert error.value.tables == ("no_such",)
    with (
        database.engine.connect() as alchemy,
        pytest.raises(TableUnusable, match=r"no_such failed.*Create it"),
    ):
        sql.guard(alchemy, ELECTION, 1, table="no_such")


FORMS = {
    "no key": "election VARCHAR(100), token BIGINT",
    "other columns": "name VARCHAR(100) PRIMARY KEY, token BIGINT",
    "number too small": "election VARCHAR(100) PRIMARY KEY, token INTEGER",
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("mode", ["", "STRICT_ALL_TABLES"])
def test_a_table_of_guards_of_another_form_is_refused_and_nothing_committed(
    database: Database, form: str, mode: str
) -> None:
    """MariaDB without strict mode stores the highest number that the column has instead."""
    if database.dialect == "sqlite" and form == "number too small":
        pytest.skip("a column of SQLite holds any number")
    with closing(database.connect()) as connection:
        for statement in ("DROP TABLE IF EXISTS own", f"CREATE TABLE own ({FORMS[form]})"):
            connection.cursor().execute(statement)
        connection.commit()
        if database.dialect == "mysql":
            connection.cursor().execute(f"SET SESSION sql_mode = '{mode}'")
        with pytest.raises(TableUnusable, match=r"table own .*It is not as .*table_ddl"):  # noqa: PT012
            for token in (3_000_000_001, 3_000_000_002):
                pay(connection, 1)
                sql.guard(connection, ELECTION, token, table="own")
        connection.commit()
    assert database.paid() == []


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_right_that_is_missing_and_a_replica_are_named(database: Database) -> None:
    with closing(database.connect()) as connection:
        connection.execute("DROP ROLE IF EXISTS guest; CREATE ROLE guest; SET LOCAL ROLE guest")
        with pytest.raises(TableUnusable, match="Grant SELECT, INSERT and UPDATE on it") as error:
            sql.guard(connection, ELECTION, 1)
        assert error.value.code == "42501"
        connection.rollback()
        connection.execute("SET TRANSACTION READ ONLY")
        with pytest.raises(TableUnusable, match="Connect to the primary"):
            sql.guard(connection, ELECTION, 1)


S3_USES: dict[str, Callable[[FencedObject, FencedBytes], object]] = {
    "claim an object": lambda one, _: one.claim(token=1),
    "read an object": lambda one, _: one.read(),
    "write an object": lambda one, _: one.write({}, token=1, after=None),
    "write bytes": lambda _, many: many.write(b"x", token=1, after=None),
    "open bytes": lambda _, many: many.open(),
    "sweep bytes": lambda _, many: many.sweep(token=1),
}


@pytest.mark.parametrize("server", ["ministack", "seaweedfs"])
@pytest.mark.parametrize("use", S3_USES)
def test_a_missing_bucket_is_named(
    clients: Callable[[str], Clients], server: str, use: str
) -> None:
    client = clients(server).make("client", "s3", direct=True)
    with pytest.raises(BucketUnusable, match=r"no-such-bucket.*NoSuchBucket") as error:
        S3_USES[use](
            FencedObject("a.json", bucket="no-such-bucket", client=client),
            FencedBytes("b.bin", bucket="no-such-bucket", client=client),
        )
    assert error.value.code == "NoSuchBucket"
    assert "create it, or correct the name. (LockBucket makes one for locks;" in str(error.value)
