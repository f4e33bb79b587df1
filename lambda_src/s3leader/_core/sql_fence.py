"""The SQL of the fence row: one row per election, with the highest token that any guard had.

Statements have `{name}` where a value goes; `render` puts the driver's placeholders there. There is
no `%` and no `:` in a statement, as some drivers give them a meaning.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from s3leader.errors import InvalidArgument

Dialect = Literal["postgresql", "mysql", "sqlite"]
Parameters = tuple[object, ...] | dict[str, object]

TABLE: Final = "s3leader_fence"
DIALECTS: Final[tuple[Dialect, ...]] = ("postgresql", "mysql", "sqlite")
STALE_STATE: Final = "S3L01"  # the SQLSTATE with which the trigger refuses

_EVENTS: Final = "INSERT OR UPDATE OR DELETE OR TRUNCATE"
_VALUE: Final = re.compile(r"\{(\w+)\}")
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}(\.[A-Za-z_][A-Za-z0-9_]{0,62})?")


@dataclass(frozen=True, slots=True)
class GuardStatements:
    """What a guard sends. `raise_row` raises the row, and locks it until the transaction ends.

    `read_row` then reads the row's token; without one, `raise_row` returns the token itself.
    `forbid_commit` fails, so that the transaction can only be rolled back; without one, a rollback
    of the driver has to do.
    """

    raise_row: str
    read_row: str | None = None
    forbid_commit: str | None = None


# A row that is not there is inserted, one that is there is raised: atomically, so that two first
# guards need no second try. All lock the row, also if its token is equal or higher.
STATEMENTS: Final[dict[Dialect, GuardStatements]] = {
    "postgresql": GuardStatements(
        raise_row="""
        WITH raised AS (
            INSERT INTO {table} AS fence (election, token) VALUES ({election}, {token})
            ON CONFLICT (election) DO UPDATE SET token = GREATEST(fence.token, excluded.token)
            RETURNING fence.token
        ) SELECT token, set_config({setting}, {text}, true) FROM raised""",
        forbid_commit="SELECT CAST('stale fencing token' AS integer)",
    ),
    # FOR UPDATE reads what is committed now, not the snapshot of REPEATABLE READ.
    "mysql": GuardStatements(
        raise_row="""
        INSERT INTO {table} (election, token) VALUES ({election}, {token})
        ON DUPLICATE KEY UPDATE token = GREATEST(token, {token})""",
        read_row="SELECT token FROM {table} WHERE election = {election} FOR UPDATE",
    ),
    "sqlite": GuardStatements(
        raise_row="""
        INSERT INTO {table} (election, token) VALUES ({election}, {token})
        ON CONFLICT (election) DO UPDATE SET token = max(token, excluded.token)""",
        read_row="SELECT token FROM {table} WHERE election = {election}",
    ),
}


def guard_statements(dialect: Dialect, table: str) -> GuardStatements:
    """Return the statements of a guard."""
    check_identifier("table", table)
    found = STATEMENTS[dialect]
    return replace(
        found,
        raise_row=found.raise_row.replace("{table}", table),
        read_row=found.read_row and found.read_row.replace("{table}", table),
    )


def read_statement(table: str) -> str:
    """Return the statement that reads the row's token as it was committed, in every dialect."""
    check_identifier("table", table)
    return f"SELECT token FROM {table} WHERE election = {{election}}"  # noqa: S608 - just checked


def guard_values(election: str, token: int) -> dict[str, object]:
    """Return the values of a guard's statements."""
    return {
        "election": election,
        "token": token,
        "setting": setting_name(election),
        "text": str(token),
    }


def setting_name(election: str) -> str:
    """Return the name of PostgreSQL's setting that holds the token for the rest of a transaction.

    The name of an election has characters that a setting's may not have.
    """
    return f"s3leader.token_{hashlib.sha256(election.encode()).hexdigest()[:16]}"


def render(statement: str, values: Mapping[str, object], style: str) -> tuple[str, Parameters]:
    """Return `statement` with placeholders of the DB-API's paramstyle `style`, and parameters."""
    names = _VALUE.findall(statement)
    if style in {"named", "pyformat"}:
        form = ":{}" if style == "named" else "%({})s"
        text = _VALUE.sub(lambda found: form.format(found[1]), statement)
        return text, {name: values[name] for name in names}
    forms = {"qmark": "?", "format": "%s", "numeric": ":{}", "numeric_dollar": "${}"}
    if style not in forms:
        raise InvalidArgument(
            f"expected a paramstyle of the DB-API, one of"
            f" {sorted({*forms, 'named', 'pyformat'})}, got {style!r}"
        )
    numbers = iter(range(1, len(names) + 1))
    text = _VALUE.sub(lambda _: forms[style].format(next(numbers)), statement)
    return text, tuple(values[name] for name in names)


def table_ddl(dialect: Dialect, table: str) -> str:
    """Return the statement that creates the table of fence rows, unless there is one."""
    check_identifier("table", table)
    columns = {
        "postgresql": "(election text PRIMARY KEY, token bigint NOT NULL)",
        # Names of elections are case-sensitive; only InnoDB has transactions and row locks.
        "mysql": "(election VARCHAR(1000) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY,"
        " token BIGINT NOT NULL) ENGINE=InnoDB ROW_FORMAT=DYNAMIC",
        "sqlite": "(election TEXT PRIMARY KEY, token INTEGER NOT NULL)",
    }
    if dialect not in columns:
        raise InvalidArgument(f"expected a dialect, one of {DIALECTS}, got {dialect!r}")
    return f"CREATE TABLE IF NOT EXISTS {table} {columns[dialect]}"


def trigger_ddl(tables: Sequence[str], election: str, *, schema: str, table: str) -> list[str]:
    """Return the statements of PostgreSQL's trigger; `election` has been checked."""
    if isinstance(tables, str) or not tables:
        raise InvalidArgument(f"tables: expected the names of one or more tables, got {tables!r}")
    for name in (schema, table, *tables):
        check_identifier("table", name)
    fence = table if "." in table else f"{schema}.{table}"
    function = f"{schema}.s3leader_require_guard"
    statements = [_FUNCTION.format(function=function, fence=fence, state=STALE_STATE)]
    for name in tables:
        full = name if "." in name else f"{schema}.{name}"
        call = f"{function}('{election}', '{setting_name(election)}')"
        made = f"CREATE TRIGGER s3leader_guard BEFORE {_EVENTS} ON {full}"
        statements += [
            f"DROP TRIGGER IF EXISTS s3leader_guard ON {full}",
            f"{made} FOR EACH STATEMENT EXECUTE FUNCTION {call}",
            # Also where session_replication_role is replica.
            f"ALTER TABLE {full} ENABLE ALWAYS TRIGGER s3leader_guard",
        ]
    return statements


def check_identifier(what: str, name: object) -> None:
    """Raise `InvalidArgument` unless `name` is one that needs no quotes, with or without schema."""
    if not isinstance(name, str) or not _IDENTIFIER.fullmatch(name):
        raise InvalidArgument(
            f"{what}: expected a name of letters, digits and _, with or without a schema before it"
            f" ('jobs.accounts'), got {name!r}"
        )


# The row stays locked to the end of the transaction. A guarded transaction has locked it already;
# one that set the setting by itself is compared with the latest row, and then holds it. The search
# path keeps a temporary table from taking the fence's place.
_FUNCTION: Final = """\
CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    held text := current_setting(TG_ARGV[1], true);
    written bigint;
BEGIN
    SELECT token INTO written FROM {fence} WHERE election = TG_ARGV[0] FOR SHARE;
    IF held IS NULL OR held = '' THEN
        RAISE EXCEPTION USING ERRCODE = '{state}',
            MESSAGE = 'table ' || TG_TABLE_NAME || ' is fenced by election ' || TG_ARGV[0]
                || ', and this transaction has no fencing token',
            HINT = 'Call s3leader.fencing.sql.guard first in the transaction.';
    ELSIF written IS NULL OR held <> CAST(written AS text) THEN
        RAISE EXCEPTION USING ERRCODE = '{state}',
            MESSAGE = 'election ' || TG_ARGV[0] || ' has fencing token '
                || coalesce(CAST(written AS text), 'none')
                || ', so a write with token ' || held || ' is refused',
            HINT = 'Stop, this leader is stale.';
    END IF;
    RETURN NULL;
END $$"""
