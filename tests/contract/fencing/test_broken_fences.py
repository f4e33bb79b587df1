"""The scenarios find a fence from which a condition is removed."""

from __future__ import annotations

import copy
import dataclasses
import re
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from s3leader._core import fenced_item, fenced_object, sql_fence
from s3leader._core.candidate import Steps
from s3leader._core.fenced_object import FencedConfig
from s3leader._core.requests import Found, Read, Replace, StoreAnswer, StoreRequest
from s3leader._io.dynamodb import Transaction
from s3leader._io.dynamodb_sends import Sends
from s3leader._io.memory_store import MemoryStore
from s3leader._io.seams import new_nonce
from s3leader._io.token_gate import Admitted, TokenGate
from s3leader.errors import StaleToken
from s3leader.fencing import FencedObject, sql
from s3leader.fencing.dynamodb import FencedItems, FenceRow, _own_item
from s3leader.fencing.http import ProcessMemory
from tests.contract.fencing import scenarios
from tests.contract.fencing.conftest import DATABASES, HTTP

Break = Callable[[pytest.MonkeyPatch], None]


def objects_without_if_match(patch: pytest.MonkeyPatch) -> None:
    apply = MemoryStore._apply

    def unconditional(self: MemoryStore, request: StoreRequest) -> StoreAnswer:
        if isinstance(request, Replace) and isinstance(
            now := apply(self, Read(request.key)), Found
        ):
            request = dataclasses.replace(request, etag=now.etag)
        return apply(self, request)

    patch.setattr(MemoryStore, "_apply", unconditional)


def objects_whose_claim_writes_nothing(patch: pytest.MonkeyPatch) -> None:
    claim = FencedObject.claim
    patch.setattr(FencedObject, "claim", lambda self, token: self.read() or claim(self, token))


def bytes_that_compare_with_the_newest(patch: pytest.MonkeyPatch) -> None:
    write = fenced_object.write

    def newest(config: FencedConfig, value: Any, *, token: int, after: Any) -> Steps[Any]:
        now = yield from fenced_object.read(config)
        higher = None if now is None else dataclasses.replace(now, token=min(now.token, token))
        return (yield from write(config, value, token=token, after=after and higher))

    patch.setattr(fenced_object, "write", newest)


def items_without_the_condition(patch: pytest.MonkeyPatch) -> None:
    always = f"(attribute_exists({{name}}) OR {fenced_item.NOT_STALE})"
    patch.setattr(fenced_item, "NOT_STALE", always)


def updates_without_the_token(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(fenced_item, "_with_set", lambda own, _: own or "REMOVE no_such_attribute")


def transactions_that_are_sent_as_new_ones(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        Transaction, "_key", property(lambda _: new_nonce(), lambda *_: None), raising=False
    )
    record = Sends.record_send

    def record_only(self: Sends, request: Any) -> None:
        record(self, copy.copy(request))  # and do not make it the same as the first

    patch.setattr(Sends, "record_send", record_only)


def transactions_without_the_row(patch: pytest.MonkeyPatch) -> None:
    def transact(self: FenceRow, items: Any, *, token: int) -> None:
        own = [_own_item(at, item) for at, item in enumerate(items)]
        unfenced = FencedItems(self._client, attribute="nothing")
        if own:
            unfenced._commit(own, token)

    patch.setattr(FenceRow, "transact", transact)


def guards_that_lower_the_row(patch: pytest.MonkeyPatch) -> None:
    for dialect, found in sql_fence.STATEMENTS.items():
        lowered = _MAXIMUM.sub("{token}", found.advance_row)
        assert lowered != found.advance_row
        patch.setitem(
            sql_fence.STATEMENTS, dialect, dataclasses.replace(found, advance_row=lowered)
        )


_MAXIMUM = re.compile(r"(?:GREATEST|max)\([^)]*\)")


def guards_that_only_read(patch: pytest.MonkeyPatch) -> None:
    """As a check in the caller's own code would: the row is written after it was compared."""
    guard = sql.guard

    def read(connection: Any, election: str, token: int, *, table: str) -> None:
        mark = "?" if isinstance(connection, sqlite3.Connection) else "%s"
        cursor = connection.cursor()
        cursor.execute(f"SELECT token FROM {table} WHERE election = {mark}", (election,))
        row = cursor.fetchone()
        if row is None or row[0] < token:
            guard(connection, election, token, table=table)
            connection.commit()
        elif row[0] > token:
            raise StaleToken(key=table, token=token, written_token=row[0])

    patch.setattr(sql, "guard", read)


def requests_without_the_check(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(TokenGate, "check_with_memory", lambda _, token: Admitted(token))


def memories_that_compare_the_wrong_way(patch: pytest.MonkeyPatch) -> None:
    def claim(self: ProcessMemory, *, token: int) -> None:
        if token > self._highest > 0:
            raise StaleToken(key="memory", token=token, written_token=self._highest)
        self._highest = token

    patch.setattr(ProcessMemory, "claim", claim)


def memories_that_refuse_equal_tokens(patch: pytest.MonkeyPatch) -> None:
    claim = ProcessMemory.claim

    def refuse(self: ProcessMemory, *, token: int) -> None:
        if token == self._highest:
            raise StaleToken(key="memory", token=token, written_token=self._highest)
        claim(self, token=token)

    patch.setattr(ProcessMemory, "claim", refuse)


def memories_that_take_any_token(patch: pytest.MonkeyPatch) -> None:
    def claim(self: ProcessMemory, *, token: int) -> None:
        self._highest = token

    patch.setattr(ProcessMemory, "claim", claim)
    patch.setattr(TokenGate, "_learn", lambda *_, **__: None)


BEFORE, WITHIN = scenarios.stale_before_its_write, scenarios.stale_within_its_write
LOST, CLONE = scenarios.answers_lost, scenarios.answer_lost_and_clone_writes
LATE_STALE, LATE_OWN = scenarios.late_copy_of_a_stale_write, scenarios.late_copy_of_an_own_write
BROKEN: list[tuple[str, Break, Any]] = [
    ("object in memory", objects_without_if_match, WITHIN),
    ("object in memory", objects_without_if_match, LATE_STALE),
    ("object in memory", objects_whose_claim_writes_nothing, BEFORE),
    ("bytes on ministack", objects_whose_claim_writes_nothing, BEFORE),
    ("bytes on ministack", bytes_that_compare_with_the_newest, WITHIN),
    ("table", items_without_the_condition, BEFORE),
    ("table", items_without_the_condition, WITHIN),
    ("table", updates_without_the_token, BEFORE),
    ("client that sends once", transactions_that_are_sent_as_new_ones, LOST),
    ("client that sends once", transactions_that_are_sent_as_new_ones, CLONE),
    ("client that sends once", transactions_that_are_sent_as_new_ones, LATE_OWN),
    ("row of a table", transactions_without_the_row, BEFORE),
    ("row of a client", items_without_the_condition, WITHIN),
    *((name, guards_that_lower_the_row, BEFORE) for name in DATABASES),
    *((name, guards_that_only_read, WITHIN) for name in DATABASES),
    *((name, requests_without_the_check, BEFORE) for name in HTTP),
    ("wsgi", requests_without_the_check, WITHIN),
    ("wsgi", memories_that_compare_the_wrong_way, BEFORE),
    ("asgi", memories_that_take_any_token, WITHIN),
    ("asgi", memories_that_refuse_equal_tokens, scenarios.equal_tokens),
]


@pytest.mark.parametrize(
    ("name", "broken", "scenario"), BROKEN, ids=lambda each: getattr(each, "__name__", each)
)
def test_a_removed_condition_is_found(
    name: str, broken: Break, scenario: Any, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    resource = make(name)
    broken(monkeypatch)
    with pytest.raises((AssertionError, StaleToken, pytest.fail.Exception)):
        scenario(resource)
