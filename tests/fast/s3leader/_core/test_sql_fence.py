"""The SQL of guards: placeholders of each paramstyle, and DDL."""

from __future__ import annotations

import re
from typing import Any

import pytest

from s3leader._core.sql_fence import (
    DIALECTS,
    drop_trigger_ddl,
    fill,
    guard_statements,
    guard_values,
    known_dialect,
    render,
    setting_name,
    table_ddl,
    trigger_ddl,
)
from s3leader.errors import InvalidArgument

VALUES = {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("style", "text", "parameters"),
    [
        ("qmark", "f(?, ?, ?)", (1, 2, 1)),
        ("format", "f(%s, %s, %s)", (1, 2, 1)),
        ("numeric", "f(:1, :2, :3)", (1, 2, 1)),
        ("numeric_dollar", "f($1, $2, $3)", (1, 2, 1)),
        ("named", "f(:a, :b, :a)", VALUES),
        ("pyformat", "f(%(a)s, %(b)s, %(a)s)", VALUES),
    ],
)
def test_values_are_passed_in_the_driver_s_paramstyle(
    style: str, text: str, parameters: Any
) -> None:
    assert render("f({a}, {b}, {a})", VALUES, style) == (text, parameters)


def test_an_unknown_paramstyle_is_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"expected a paramstyle .* got 'question'"):
        render("{a}", VALUES, "question")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("style", ["qmark", "numeric", "pyformat"])
def test_the_statements_of_guards_have_nothing_else_that_a_driver_replaces(
    dialect: Any, style: str
) -> None:
    statements = guard_statements(dialect, "s.fence")
    for each in (statements.advance_row, statements.read_row, statements.forbid_commit):
        if each is not None:
            assert not {"%", ":", "?", "$"} & {*each}
            text, _ = render(each, guard_values("e", 1), style)
            assert "{" not in text


NAMES = ['"Order lines"', '"ä"."b.c"', "`a b`", "a" * 63, f'"{"ä" * 31}"', "s._"]
NO_NAMES = ["", "a b", "a;b", "1a", "a.b.c", 'a"', "a" * 64, f'"{"ä" * 32}"', '""', '"a', '"a""b"']
NO_NAMES += ['"a%s"', '"a:b"', '"{election}"', '"a\'b"', '"a\nb"', "`a`b`"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_may_have_quotes_and_63_bytes(name: str) -> None:
    assert f" {name} " in guard_statements("sqlite", name).advance_row
    text, _ = render(guard_statements("mysql", name).advance_row, guard_values("e", 1), "format")
    assert f"INSERT INTO {name} (" in text


def test_each_table_of_guards_has_a_function_of_its_own() -> None:
    """Spellings that PostgreSQL takes for one name are one."""

    def function(table: str) -> str:
        return trigger_ddl(["a"], "e", schema="public", table=table)[0].partition("(")[0]

    names = ["fence", "FENCE", "public.fence", "other.fence", '"fence"', '"FENCE"', "fence2"]
    assert [function(each) == function("fence") for each in names] == [True] * 3 + [False] * 4


@pytest.mark.parametrize("token", [2**63, 10**30])
def test_a_token_that_no_column_can_hold_is_refused(token: int) -> None:
    with pytest.raises(InvalidArgument, match="expected a token of at most 9,223"):
        guard_values("e", token)


@pytest.mark.parametrize("name", [*NO_NAMES, None])
def test_a_table_is_named_by_an_identifier(name: Any) -> None:
    for use in (
        lambda: guard_statements("sqlite", name),
        lambda: table_ddl("sqlite", name),
        lambda: trigger_ddl([name], "e", schema="public", table="fence"),
        lambda: trigger_ddl(["a"], "e", schema="public", table=name),
    ):
        with pytest.raises(InvalidArgument, match="expected a name of letters, digits and _"):
            use()


@pytest.mark.parametrize("tables", ["accounts", [], ()])
def test_a_trigger_needs_a_list_of_tables(tables: Any) -> None:
    with pytest.raises(InvalidArgument, match="expected the names of one or more tables"):
        trigger_ddl(tables, "e", schema="public", table="fence")


def test_an_unknown_dialect_is_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"expected a dialect, one of .* got 'oracle'"):
        table_ddl("oracle", "fence")  # type: ignore[arg-type]


def test_settings_of_elections_differ_also_where_their_names_only_differ_in_case() -> None:
    names = {setting_name(each) for each in ("a/b", "A/b", "a.b", "a_b")}
    assert len(names) == 4
    assert all(name.startswith("s3leader.token_") for name in names)


def test_a_trigger_is_made_for_each_table_in_its_schema() -> None:
    function, *others = trigger_ddl(["accounts", "log.paid"], "e/1", schema="bank", table="fence")
    found = re.search(r"bank\.s3leader_guard_[0-9a-f]{16}", function)
    assert found is not None
    call = f"{found[0]}('e/1', '{setting_name('e/1')}')"
    made = "CREATE TRIGGER s3leader_guard BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON"
    assert others == [
        statement
        for table in ("bank.accounts", "log.paid")
        for statement in (
            f"DROP TRIGGER IF EXISTS s3leader_guard ON {table}",
            f"{made} {table} FOR EACH STATEMENT EXECUTE FUNCTION {call}",
            f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER s3leader_guard",
        )
    ]
    assert function.startswith(f"CREATE OR REPLACE FUNCTION {found[0]}()")
    assert "FROM bank.fence WHERE election = TG_ARGV[0] FOR SHARE;" in function


def test_the_fence_of_a_trigger_may_be_in_another_schema() -> None:
    function, *_ = trigger_ddl(["accounts"], "e", schema="bank", table="locks.fence")
    assert "FROM locks.fence WHERE" in function


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_table_is_created_unless_there_is_one(dialect: Any) -> None:
    assert table_ddl(dialect, "s.fence").startswith("CREATE TABLE IF NOT EXISTS s.fence (election")


def test_mariadb_is_another_name_of_mysql() -> None:
    assert table_ddl("mariadb", "fence") == table_ddl("mysql", "fence")
    assert known_dialect("mariadb") == "mysql"
    with pytest.raises(InvalidArgument, match=r"one of .*'mariadb'.* got 'maria'"):
        known_dialect("maria")


@pytest.mark.parametrize("schema", ["a.b", "", 'a"', None])
def test_a_schema_is_one_name(schema: Any) -> None:
    for use in (trigger_ddl, lambda *each, **names: drop_trigger_ddl(each[0], **names)):
        with pytest.raises(InvalidArgument, match=r"schema: expected a name .* got"):
            use(["accounts"], "e", schema=schema, table="fence")


def test_names_are_filled_in_and_values_left() -> None:
    assert fill("{a} = {b}, {a}", a="x") == "x = {b}, x"
