"""What errors of databases mean, by the codes that drivers give. No driver is imported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from s3leader._core.sql_fence import Dialect
from s3leader.errors import describe_error

_MISSING: Final = "Create it: s3leader.fencing.sql.table_ddl({dialect!r})"
OTHER_FORM: Final = (
    "It is not as s3leader.fencing.sql.table_ddl({dialect!r}) makes it: change it, or create"
    " another one and name it with `table=…`"
)
_RIGHTS: Final = (
    "Grant SELECT, INSERT and UPDATE on it to the user of the connection, and in PostgreSQL also"
    " USAGE on its schema"
)
_READ_ONLY: Final = "Connect to the primary, and do not set the transaction to read only"

# PostgreSQL's SQLSTATE, MySQL's number. SQLite has only texts.
_REMEDIES: Final[Mapping[str | int, str]] = {
    "25006": _READ_ONLY,
    "3F000": _MISSING,
    "42501": _RIGHTS,
    "42703": OTHER_FORM,
    "42P01": _MISSING,
    "42P10": OTHER_FORM,
    "22003": OTHER_FORM,
    1054: OTHER_FORM,
    1142: _RIGHTS,
    1143: _RIGHTS,
    1146: _MISSING,
    1264: OTHER_FORM,
    1290: _READ_ONLY,
    1792: _READ_ONLY,
    1836: _READ_ONLY,
}
_TEXTS: Final = {
    "no such table": _MISSING,
    "no column named": OTHER_FORM,
    "no such column": OTHER_FORM,
    "ON CONFLICT clause does not match": OTHER_FORM,
    "readonly database": _READ_ONLY,
}
_NO_SAVEPOINT: Final = 1305  # of MySQL


def code_of(error: BaseException) -> str | int | None:
    """Return the SQLSTATE or the number of an error of a driver or of SQLAlchemy."""
    error = _driver_error(error)
    first = error.args[0] if error.args else None
    for number in (getattr(error, "errno", None), first):  # of MySQL and MariaDB, any driver
        if isinstance(number, int):
            return number
    for name in ("sqlstate", "pgcode"):  # psycopg, psycopg2
        if isinstance(state := getattr(error, name, None), str):
            return state
    return str(first.get("C")) if isinstance(first, Mapping) else None  # pg8000


def described(error: BaseException) -> str:
    """Return the type and the first line of the text of such an error."""
    return describe_error(_driver_error(error)).partition("\n")[0]


def remedy(error: BaseException, dialect: Dialect) -> str | None:
    """Return what to do about an error that a repetition does not get past; None for others."""
    found = _REMEDIES.get(code_of(error) or "")
    if found is None and dialect == "sqlite":
        found = next((each for text, each in _TEXTS.items() if text in str(error)), None)
    return None if found is None else found.format(dialect=dialect)


def is_missing_savepoint(error: BaseException) -> bool:
    """Whether a savepoint was to be released that is not there."""
    return code_of(error) == _NO_SAVEPOINT or "no such savepoint" in str(error)


def _driver_error(error: BaseException) -> BaseException:
    return getattr(error, "orig", None) or error  # what SQLAlchemy has wrapped
