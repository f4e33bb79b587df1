"""The SQL of the fence row: one row per election, with the highest token that any guard had.

A statement has `{name}` where a name or a value goes. `fill` puts names in, and `render` the
driver's placeholders for values. The statements of guards have neither `%` nor `:`, as some drivers
give them a meaning; those of the trigger, which are executed without values, may have them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from s3leader.errors import InvalidArgument

from .tokens import check_token

Dialect = Literal["postgresql", "mysql", "sqlite"]
DialectName = Dialect | Literal["mariadb"]
Parameters = tuple[object, ...] | dict[str, object]

TABLE: Final = "s3leader_fence"
DIALECTS: Final[tuple[Dialect, ...]] = ("postgresql", "mysql", "sqlite")
STALE_SQLSTATE: Final = "S3L01"  # the SQLSTATE with which the trigger refuses

_EVENTS: Final = "INSERT OR UPDATE OR DELETE OR TRUNCATE"
_FIELD: Final = re.compile(r"\{(\w+)\}")
# As in a statement: without quotes, or in those of the database. No driver gives the characters
# between them a meaning. Reserved words, and capitals in PostgreSQL, need quotes; this is not
# checked here.
_NAME: Final = r"""[A-Za-z_][A-Za-z0-9_]*|"[^"'`%:{}?$\\\x00-\x1f]+"|`[^"'`%:{}?$\\\x00-\x1f]+`"""
_IDENTIFIER: Final = re.compile(rf"({_NAME})(?:\.({_NAME}))?")
_LAST_TOKEN: Final = 2**63 - 1  # of a BIGINT
_LONGEST_NAME: Final = 63  # bytes, of PostgreSQL
_HASH_DIGITS: Final = 16  # 64 bits, so that no two names meet; a name has room for no more than 63


@dataclass(frozen=True, slots=True)
class GuardStatements:
    """What a guard sends. `advance_row` advances the row to this token, unless it is higher.

    It locks the row until the transaction ends, in either case.
    `read_row` then reads the row's token; without one, `advance_row` returns the token itself, and
    whether a savepoint is open, so that a rollback to it would undo the guard.
    `forbid_commit` fails, so that the transaction can only be rolled back; without one, a rollback
    of the driver has to do. `set_mark` leaves something that ends with the guard, unless
    `advance_row` has; `check_mark` fails, or does not return `{text}`, if that has ended.
    """

    advance_row: str
    read_row: str | None = None
    forbid_commit: str | None = None
    set_mark: str | None = "SAVEPOINT {mark}"
    check_mark: str = "RELEASE SAVEPOINT {mark}"


# Within a savepoint PostgreSQL writes rows in a transaction of its own, whose number is in `xmin`.
# A row that is not there is inserted, one that is there is advanced: atomically, so that two first
# guards need no second try. All lock the row, also if its token is equal or higher.
STATEMENTS: Final[dict[Dialect, GuardStatements]] = {
    "postgresql": GuardStatements(
        advance_row="""
        WITH advanced AS (
            INSERT INTO {table} AS fence (election, token) VALUES ({election}, {token})
            ON CONFLICT (election) DO UPDATE SET token = GREATEST(fence.token, excluded.token)
            RETURNING fence.token, fence.xmin AS writer
        ) SELECT token,
            CAST(writer AS text) <> CAST(txid_current() & 4294967295 AS text) AS in_savepoint,
            set_config({setting}, {text}, true) AS setting FROM advanced""",
        # It fails on purpose: after an error PostgreSQL refuses all statements but a rollback, and
        # the text is in the server's log.
        forbid_commit="SELECT CAST('stale fencing token' AS integer)",
        set_mark=None,
        check_mark="SELECT current_setting({setting}, true) AS setting",
    ),
    # FOR UPDATE reads what is committed now, not the snapshot of REPEATABLE READ.
    "mysql": GuardStatements(
        advance_row="""
        INSERT INTO {table} (election, token) VALUES ({election}, {token})
        ON DUPLICATE KEY UPDATE token = GREATEST(token, {token})""",
        read_row="SELECT token FROM {table} WHERE election = {election} FOR UPDATE",
    ),
    "sqlite": GuardStatements(
        advance_row="""
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
        advance_row=fill(found.advance_row, table=table),
        read_row=found.read_row and fill(found.read_row, table=table),
    )


def read_statement(table: str) -> str:
    """Return the statement that reads the row's token as it was committed, in every dialect."""
    check_identifier("table", table)
    return fill("SELECT token FROM {table} WHERE election = {election}", table=table)


def guard_values(election: str, token: int) -> dict[str, object]:
    """Return the values of a guard's statements. Raises `InvalidArgument`."""
    check_token(token)
    if token > _LAST_TOKEN:
        raise InvalidArgument(f"expected a token of at most {_LAST_TOKEN:,}, got {token}")
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
    return f"s3leader.token_{_hashed(election)}"


def fill(statement: str, **names: str) -> str:
    """Return `statement` with these names put in; what it has besides is left for `render`."""
    return _FIELD.sub(lambda found: names.get(found[1], found[0]), statement)


def render(statement: str, values: Mapping[str, object], style: str) -> tuple[str, Parameters]:
    """Return `statement` with placeholders of the DB-API's paramstyle `style`, and parameters."""
    names = _FIELD.findall(statement)
    if style in {"named", "pyformat"}:
        form = ":{}" if style == "named" else "%({})s"
        text = _FIELD.sub(lambda found: form.format(found[1]), statement)
        return text, {name: values[name] for name in names}
    forms = {"qmark": "?", "format": "%s", "numeric": ":{}", "numeric_dollar": "${}"}
    if style not in forms:
        raise InvalidArgument(
            f"expected a paramstyle of the DB-API, one of"
            f" {sorted({*forms, 'named', 'pyformat'})}, got {style!r}"
        )
    numbers = iter(range(1, len(names) + 1))
    text = _FIELD.sub(lambda _: forms[style].format(next(numbers)), statement)
    return text, tuple(values[name] for name in names)


def known_dialect(dialect: object) -> Dialect:
    """Return the dialect of a name; MariaDB's is MySQL's. Raises `InvalidArgument`."""
    for known in DIALECTS:
        if dialect == known:
            return known
    if dialect == "mariadb":
        return "mysql"
    raise InvalidArgument(f"expected a dialect, one of {(*DIALECTS, 'mariadb')}, got {dialect!r}")


def table_ddl(dialect: DialectName, table: str) -> str:
    """Return the statement that creates the table of fence rows, unless there is one."""
    check_identifier("table", table)
    columns = {
        "postgresql": "(election text PRIMARY KEY, token bigint NOT NULL)",
        # Names of elections are case-sensitive, and have at most 900 characters, as they are part
        # of keys on S3. Only InnoDB has transactions and row locks.
        "mysql": "(election VARCHAR(1000) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY,"
        " token BIGINT NOT NULL) ENGINE=InnoDB ROW_FORMAT=DYNAMIC",
        "sqlite": "(election TEXT PRIMARY KEY, token INTEGER NOT NULL)",
    }
    return f"CREATE TABLE IF NOT EXISTS {table} {columns[known_dialect(dialect)]}"


def trigger_ddl(tables: Sequence[str], election: str, *, schema: str, table: str) -> list[str]:
    """Return the statements of PostgreSQL's trigger; `election` has been checked."""
    names = _with_schema(tables, schema, table)
    function = _function_name(schema, _in_schema(table, schema))
    fence = _in_schema(table, schema)
    statements = [fill(_FUNCTION, function=function, fence=fence, state=STALE_SQLSTATE)]
    for full in names:
        call = f"{function}('{election}', '{setting_name(election)}')"
        made = f"CREATE TRIGGER s3leader_guard BEFORE {_EVENTS} ON {full}"
        statements += [
            f"DROP TRIGGER IF EXISTS s3leader_guard ON {full}",
            f"{made} FOR EACH STATEMENT EXECUTE FUNCTION {call}",
            # Also where session_replication_role is replica.
            f"ALTER TABLE {full} ENABLE ALWAYS TRIGGER s3leader_guard",
        ]
    return statements


def drop_trigger_ddl(tables: Sequence[str], *, schema: str, table: str) -> list[str]:
    """Return the statements that drop the triggers, and their function if no other has it."""
    names = _with_schema(tables, schema, table)
    function = _function_name(schema, _in_schema(table, schema))
    return [
        *(f"DROP TRIGGER IF EXISTS s3leader_guard ON {full}" for full in names),
        fill(_DROP_FUNCTION, function=function),
    ]


def _with_schema(tables: Sequence[str], schema: str, table: str) -> list[str]:
    """Return the names of the tables, each with its schema; raise unless all are names."""
    if isinstance(tables, str) or not tables:
        raise InvalidArgument(f"tables: expected the names of one or more tables, got {tables!r}")
    check_identifier("schema", schema, most=1)
    for name in (table, *tables):
        check_identifier("table", name)
    return [_in_schema(name, schema) for name in tables]


def _in_schema(name: str, schema: str) -> str:
    found = _IDENTIFIER.fullmatch(name)
    return name if found is None or found[2] else f"{schema}.{name}"


def _function_name(schema: str, fence: str) -> str:
    """Return the name of the function for a table of guards. Each has its own.

    With one for all, the triggers of one table of guards would ask the table of the latest call.
    """
    folded = re.sub(r'"[^"]*"|[A-Z]+', lambda each: _folded(each[0]), fence)
    return f"{schema}.s3leader_guard_{_hashed(folded)}"


def _hashed(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:_HASH_DIGITS]


def check_identifier(what: str, name: object, *, most: int = 2) -> None:
    """Raise `InvalidArgument` unless `name` is an identifier, or `most` of them with `.` between.

    `most` is 2 for a table, which may have its schema before it, and 1 for a schema.
    """
    found = _IDENTIFIER.fullmatch(name) if isinstance(name, str) else None
    parts = [] if found is None else [each for each in found.groups() if each is not None]
    if not 0 < len(parts) <= most or any(len(_bare(each)) > _LONGEST_NAME for each in parts):
        schema = ", with or without a schema before it ('jobs.accounts')" if most > 1 else ""
        raise InvalidArgument(
            f"{what}: expected a name of letters, digits and _ of at most {_LONGEST_NAME} bytes, or"
            f" one in quotes as SQL has it ('\"Order lines\"'){schema}, got {name!r}"
        )


def _folded(part: str) -> str:
    return part if part.startswith('"') else part.lower()


def _bare(name: str) -> bytes:
    return name.strip('"`').encode()


# The row stays locked to the end of the transaction. A guarded transaction has locked it already;
# one that set the setting by itself is compared with the latest row, and then holds it. The fence's
# name has its schema, so no temporary table takes its place; the search path keeps the functions
# and operators of other schemas from taking the place of PostgreSQL's.
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

_DROP_FUNCTION: Final = """\
DO $$ BEGIN
    DROP FUNCTION IF EXISTS {function}();
EXCEPTION WHEN dependent_objects_still_exist THEN
    NULL;
END $$"""
