"""PostgreSQL's trigger refuses what no guard of the latest term has let through."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from psycopg.rows import tuple_row

from s3leader._core.sql_fence import setting_name
from s3leader.errors import InvalidArgument
from s3leader.fencing import sql
from tests.contract.fencing.sql_resources import ELECTION

WRITES = {
    "insert": "INSERT INTO accounts VALUES ('b', 2)",
    "update": "UPDATE accounts SET balance = 9",
    "update of nothing": "UPDATE accounts SET balance = 9 WHERE false",
    "delete": "DELETE FROM accounts",
    "truncate": "TRUNCATE accounts",
    "copy": "COPY accounts FROM PROGRAM 'echo b,2' WITH (FORMAT csv)",
    "merge": "MERGE INTO accounts USING (SELECT 'b' AS id) AS new ON accounts.id = new.id"
    " WHEN NOT MATCHED THEN INSERT VALUES (new.id, 2)",
    "partition of its own name": "INSERT INTO parted_1 VALUES (1)",
    "cascade": "DELETE FROM customers",
    "truncate of what refers to it": "TRUNCATE customers CASCADE",
    "on conflict": "INSERT INTO accounts VALUES ('b', 2) ON CONFLICT DO NOTHING",
    "within a query": "WITH new AS (INSERT INTO accounts VALUES ('b', 2) RETURNING 1)"
    " SELECT * FROM new",
    "partition of its parent's": "INSERT INTO parted VALUES (1)",
    "name in quotes": 'INSERT INTO "Order lines" VALUES (1)',
    "long name": f"DELETE FROM {'l' * 63}",
}
LONG = "l" * 63
SCHEMA = f"""
DROP SCHEMA IF EXISTS bank CASCADE; CREATE SCHEMA bank; SET search_path = bank;
CREATE TABLE customers (id text PRIMARY KEY);
CREATE TABLE accounts (id text REFERENCES customers ON DELETE CASCADE, balance integer);
CREATE TABLE parted (n integer) PARTITION BY LIST (n);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE "Order lines" (n integer); CREATE TABLE {LONG} (n integer);
CREATE TABLE parents (n integer); CREATE TABLE children () INHERITS (parents);
INSERT INTO customers VALUES ('a'), ('b'); INSERT INTO accounts VALUES ('a', 1);
"""


TABLES = ["accounts", "bank.parted", "parted_1", '"Order lines"', LONG]


@pytest.fixture
def connection(postgresql: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(postgresql, autocommit=True, row_factory=tuple_row) as setup:
        setup.execute(SCHEMA)  # it also sets the search path
        setup.execute(sql.table_ddl("postgresql"))
        for statement in sql.trigger_ddl(TABLES, ELECTION, schema="bank"):
            setup.execute(statement)
    with psycopg.connect(postgresql, options="-c search_path=bank") as made:
        yield made
        made.rollback()


def balances(connection: psycopg.Connection[Any]) -> list[Any]:
    return connection.execute("SELECT * FROM accounts ORDER BY id").fetchall()


@pytest.mark.parametrize("write", WRITES)
def test_a_writer_without_a_token_is_refused(
    connection: psycopg.Connection[Any], write: str
) -> None:
    with pytest.raises(psycopg.Error, match="this transaction has no fencing token") as error:
        connection.execute(WRITES[write])
    assert error.value.sqlstate == sql.STALE_SQLSTATE
    connection.rollback()
    assert balances(connection) == [("a", 1)]


@pytest.mark.parametrize("write", WRITES)
def test_a_guarded_writer_is_not_refused(connection: psycopg.Connection[Any], write: str) -> None:
    sql.guard(connection, ELECTION, 3)
    connection.execute(WRITES[write])
    connection.commit()


def test_the_token_of_a_guard_ends_with_its_transaction(
    connection: psycopg.Connection[Any],
) -> None:
    sql.guard(connection, ELECTION, 3)
    connection.commit()
    with pytest.raises(psycopg.Error, match="has no fencing token"):
        connection.execute(WRITES["insert"])


def test_a_guard_in_a_savepoint_that_is_rolled_back_lets_nothing_through(
    connection: psycopg.Connection[Any],
) -> None:
    connection.execute("SAVEPOINT s")
    with suppress(InvalidArgument):
        sql.guard(connection, ELECTION, 3)
    connection.execute("ROLLBACK TO s")
    with pytest.raises(psycopg.Error, match="has no fencing token"):
        connection.execute(WRITES["insert"])


def test_the_guard_of_another_election_lets_nothing_through(
    connection: psycopg.Connection[Any],
) -> None:
    sql.guard(connection, "other", 3)
    with pytest.raises(psycopg.Error, match=f"is fenced by election {ELECTION}"):
        connection.execute(WRITES["insert"])


@pytest.mark.parametrize("forged", ["2", "4"])
def test_a_token_that_was_set_by_hand_is_refused_unless_it_is_the_latest(
    connection: psycopg.Connection[Any], forged: str
) -> None:
    sql.guard(connection, ELECTION, 3)
    connection.commit()
    set_token = "SELECT set_config(%s, %s, false)"
    connection.execute(set_token, (setting_name(ELECTION), "3"))
    connection.execute(WRITES["insert"])
    connection.execute(set_token, (setting_name(ELECTION), forged))
    refusal = f"has fencing token 3, so a write with token {forged} is refused"
    with pytest.raises(psycopg.Error, match=refusal):
        connection.execute(WRITES["insert"])


def test_a_successor_waits_for_a_writer_whose_token_was_set_by_hand(
    connection: psycopg.Connection[Any], postgresql: str
) -> None:
    sql.guard(connection, ELECTION, 3)
    connection.commit()
    connection.execute("SELECT set_config(%s, '3', true)", (setting_name(ELECTION),))
    connection.execute(WRITES["insert"])
    options = "-c search_path=bank -c lock_timeout=20ms"
    with psycopg.connect(postgresql, options=options) as successor:
        with pytest.raises(psycopg.errors.LockNotAvailable):
            sql.guard(successor, ELECTION, 5)
        successor.rollback()
        connection.commit()
        sql.guard(successor, ELECTION, 5)


def test_a_temporary_table_does_not_take_the_place_of_the_fence(
    connection: psycopg.Connection[Any],
) -> None:
    connection.execute("CREATE TEMPORARY TABLE s3leader_fence (election text, token bigint)")
    connection.execute("INSERT INTO s3leader_fence VALUES (%s, 3)", (ELECTION,))
    connection.execute("SELECT set_config(%s, '3', true)", (setting_name(ELECTION),))
    with pytest.raises(psycopg.Error, match="has fencing token none"):
        connection.execute(WRITES["insert"])


def test_the_trigger_fires_also_where_a_superuser_replays_changes(
    connection: psycopg.Connection[Any],
) -> None:
    connection.execute("SET session_replication_role = replica")
    with pytest.raises(psycopg.Error, match="has no fencing token"):
        connection.execute(WRITES["insert"])


def test_the_statements_may_be_executed_again(connection: psycopg.Connection[Any]) -> None:
    for statement in sql.trigger_ddl(["accounts"], "other", schema="bank"):
        connection.execute(statement)
    with pytest.raises(psycopg.Error, match="is fenced by election other"):
        connection.execute(WRITES["insert"])


def execute(connection: psycopg.Connection[Any], statements: list[str]) -> None:
    for statement in statements:
        connection.execute(statement)
    connection.commit()


def test_tables_of_two_fences_ask_their_own(connection: psycopg.Connection[Any]) -> None:
    other = 'bank."Other fence"'
    execute(connection, [sql.table_ddl("postgresql", table=other)])
    execute(connection, sql.trigger_ddl(["customers"], ELECTION, schema="bank", table=other))
    sql.guard(connection, ELECTION, 3)
    connection.execute(WRITES["insert"])
    with pytest.raises(psycopg.Error, match="has fencing token none"):
        connection.execute("INSERT INTO customers VALUES ('c')")
    connection.rollback()
    sql.guard(connection, ELECTION, 7, table=other)
    connection.execute("INSERT INTO customers VALUES ('c')")
    with pytest.raises(psycopg.Error, match="has fencing token none"):
        connection.execute(WRITES["insert"])


def functions(connection: psycopg.Connection[Any]) -> int:
    found = connection.execute(
        "SELECT count(*) FROM pg_proc WHERE pronamespace = 'bank'::regnamespace"
    ).fetchone()
    return int(found[0]) if found else -1


def test_a_trigger_is_dropped_again_and_its_function_with_the_last(
    connection: psycopg.Connection[Any],
) -> None:
    execute(connection, sql.drop_trigger_ddl(["accounts"], schema="bank"))
    execute(connection, ["INSERT INTO accounts VALUES ('b', 2)"])
    assert functions(connection) == 1
    with pytest.raises(psycopg.Error, match="has no fencing token"):
        connection.execute(WRITES["name in quotes"])
    connection.rollback()
    execute(connection, sql.drop_trigger_ddl(TABLES, schema="bank"))
    execute(connection, [WRITES["name in quotes"]])
    assert functions(connection) == 0


@pytest.mark.parametrize(
    ("fenced", "write"),
    [("parted_1", "INSERT INTO parted VALUES (1)"), ("children", "UPDATE parents SET n = 1")],
)
def test_a_statement_fires_the_trigger_of_the_table_that_it_names_alone(
    connection: psycopg.Connection[Any], fenced: str, write: str
) -> None:
    """The documented gap: name the partitioned table, or the parent, as well."""
    execute(connection, sql.drop_trigger_ddl(TABLES, schema="bank"))
    execute(connection, sql.trigger_ddl([fenced], ELECTION, schema="bank"))
    connection.execute(write)


def test_a_role_without_rights_on_the_fence_cannot_write(
    connection: psycopg.Connection[Any], postgresql: str
) -> None:
    role = "CREATE ROLE clerk; GRANT USAGE ON SCHEMA bank TO clerk; GRANT ALL ON accounts TO clerk"
    connection.execute(f"DROP ROLE IF EXISTS clerk; {role}")
    connection.execute("SET LOCAL ROLE clerk")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="s3leader_fence"):
        connection.execute(WRITES["insert"])


def test_a_token_that_a_pooled_connection_kept_is_not_good_for_the_next_user(
    connection: psycopg.Connection[Any],
) -> None:
    """Set by hand for the session, it stays good until a later term has come, and no longer."""
    sql.guard(connection, ELECTION, 3)
    connection.execute("SELECT set_config(%s, '3', false)", (setting_name(ELECTION),))
    connection.commit()
    sql.guard(connection, ELECTION, 5)
    connection.commit()
    with pytest.raises(psycopg.Error, match="so a write with token 3 is refused"):
        connection.execute(WRITES["insert"])
