"""Empty databases for tests of guards, each with a table `paid`, and ways to connect to them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING, Any

import psycopg
import sqlalchemy
from sqlalchemy.pool import NullPool

from s3leader.fencing import sql
from tests.contract.fencing.sql_resources import ELECTION, connect_to_mariadb

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

Dialect = Any
DIALECTS: list[Dialect] = ["postgresql", "mysql", "sqlite"]


class Database:
    """An empty database with a table `paid`, and ways to connect to it."""

    def __init__(self, dialect: Dialect, connect: Callable[..., Any], url: str) -> None:
        self.dialect = dialect
        self.connect = connect
        self.engine = sqlalchemy.create_engine(url, poolclass=NullPool)
        with closing(connect()) as connection:
            for statement in (
                "DROP TABLE IF EXISTS s3leader_fence",
                "DROP TABLE IF EXISTS paid",
                sql.table_ddl(dialect),
                "CREATE TABLE paid (amount INTEGER)",
            ):
                connection.cursor().execute(statement)
            connection.commit()

    def paid(self) -> list[int]:
        with closing(self.connect()) as connection:
            return amounts(connection)

    def lead(self, token: int) -> None:
        """Let a leader guard a transaction."""
        with closing(self.connect()) as connection:
            sql.guard(connection, ELECTION, token)
            connection.commit()


def amounts(connection: Any) -> list[int]:
    cursor = connection.cursor()
    cursor.execute("SELECT amount FROM paid ORDER BY amount")
    return [row[0] for row in cursor.fetchall()]


def pay(connection: Any, amount: int) -> None:
    connection.cursor().execute(f"INSERT INTO paid VALUES ({amount})")


def make_database(dialect: Dialect, request: pytest.FixtureRequest, folder: Path) -> Database:
    if dialect == "postgresql":
        address: str = request.getfixturevalue("postgresql")
        url = address.replace("postgresql://", "postgresql+psycopg://")
        return Database(dialect, lambda **kw: psycopg.connect(address, **kw), url)
    if dialect == "mysql":
        port: int = request.getfixturevalue("mariadb")
        return Database(
            dialect,
            lambda **kw: connect_to_mariadb(port, **kw),
            f"mysql+pymysql://root@127.0.0.1:{port}/fenced",
        )
    path = folder / "fence.db"
    return Database(dialect, lambda **kw: sqlite3.connect(path, **kw), f"sqlite:///{path}")
