"""What is fenced, behind one interface: a log of entries, appended to under tokens.

The log is also the event log of the suite: it shows each write that was applied, in order, and how
often. An entry begins with the token of its writer.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from boto3.dynamodb.types import TypeDeserializer

from s3leader._core.requests import Replace
from s3leader._io.memory_store import Fault, MemoryStore
from s3leader.errors import Overwritten
from s3leader.fencing import FencedObject
from s3leader.fencing.dynamodb import FencedItems, FenceRow
from tests.fast.s3leader.fencing.test_fenced_object import fenced

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.fencing.faults import FaultyProxy

KEY = "log"
Pause = Callable[[], None]
_numbers = itertools.count(1)


class Busy(Exception):  # noqa: N818 - not an error
    """Another writer's transaction is in the way."""


class Faults(Protocol):
    """What can happen to the requests of a resource's writers."""

    def lose_answers(self, times: int) -> None:
        """The next writes are performed, and their answers lost."""

    def delay_copy(self) -> None:
        """The next write arrives only at `deliver_late`; its answer is lost."""

    def deliver_late(self) -> int:
        """Deliver what was delayed; return how much that was."""


class Writer(Protocol):
    def claim(self) -> None:
        """Do what a new leader does first."""

    def append(self, entry: str, pause: Pause | None = None) -> None:
        """Append an entry; call `pause` after what is read, before what is written."""


class Resource(Protocol):
    @property
    def faults(self) -> Faults: ...

    def writer(self, token: int) -> Writer: ...

    def entries(self) -> list[str]: ...


@dataclass
class MemoryFaults:
    store: MemoryStore

    def lose_answers(self, times: int) -> None:
        self.store.script(Fault.ANSWER_LOST, on=Replace, times=times)

    def delay_copy(self) -> None:
        self.store.script(Fault.LATE, on=Replace)

    def deliver_late(self) -> int:
        return len(self.store.deliver_late())


@dataclass
class ObjectWriter:
    document: FencedObject
    token: int

    def claim(self) -> None:
        self.document.claim(self.token)

    def append(self, entry: str, pause: Pause | None = None) -> None:
        """Append to the newest version; if a clone has come between, to the next one."""
        while True:
            now = self.document.read()
            found = [] if now is None else now.value.get("entries", [])
            if entry in found:
                return  # a try that ended as overwritten was applied
            if pause is not None:
                pause()
                pause = None
            value = {"entries": [*found, entry]}
            try:
                self.document.write(value, token=self.token, after=now)
            except Overwritten:
                continue
            return


@dataclass
class ObjectResource:
    """A `FencedObject` on a store in memory."""

    store: MemoryStore = field(default_factory=MemoryStore)

    @property
    def faults(self) -> Faults:
        return MemoryFaults(self.store)

    def writer(self, token: int) -> Writer:
        name = f"w{next(_numbers)}-"
        return ObjectWriter(fenced(self.store, nonce=name), token)

    def entries(self) -> list[str]:
        now = fenced(self.store).read()
        return [] if now is None else list(now.value.get("entries", []))


@dataclass
class S3Resource:
    """A `FencedObject` on a server, whose writers go through a proxy."""

    client: Any
    direct: Any
    bucket: str
    faults: FaultyProxy

    def writer(self, token: int) -> Writer:
        return ObjectWriter(FencedObject(KEY, bucket=self.bucket, client=self.client), token)

    def entries(self) -> list[str]:
        now = FencedObject(KEY, bucket=self.bucket, client=self.direct).read()
        return [] if now is None else list(now.value.get("entries", []))


@contextmanager
def paused(client: Any, pause: Pause | None) -> Iterator[None]:
    """Call `pause` once before the client sends a request."""
    waiting = [] if pause is None else [pause]

    def before_send(**_: object) -> None:
        if waiting:
            waiting.pop()()

    event = "before-send.dynamodb"
    client.meta.events.register(event, before_send)
    try:
        yield
    finally:
        client.meta.events.unregister(event, before_send)


APPEND = "SET #l = list_append(if_not_exists(#l, :none), :entry)"
ENTRIES = {"#l": "log"}  # a reserved word


@dataclass
class ItemWriter:
    """Appends to an item that carries the token. `dynamodb` is a Table, or a client."""

    dynamodb: Any
    table: str
    token: int
    typed: bool

    def __post_init__(self) -> None:
        self.items = FencedItems(self.dynamodb)

    def claim(self) -> None:
        self.items.update_item(token=self.token, **self.request())

    def append(self, entry: str, pause: Pause | None = None) -> None:
        client = self.dynamodb if self.typed else self.dynamodb.meta.client
        with paused(client, pause):
            self.items.update_item(token=self.token, **self.request(), **self.change(entry))

    def request(self) -> dict[str, Any]:
        if self.typed:
            return {"TableName": self.table, "Key": {"id": {"S": KEY}}}
        return {"Key": {"id": KEY}}

    def change(self, entry: str) -> dict[str, Any]:
        values: dict[str, Any] = {":none": [], ":entry": [entry]}
        if self.typed:
            values = {":none": {"L": []}, ":entry": {"L": [{"S": entry}]}}
        return {
            "UpdateExpression": APPEND,
            "ExpressionAttributeNames": ENTRIES,
            "ExpressionAttributeValues": values,
        }


@dataclass
class RowWriter(ItemWriter):
    """Appends to an item without a token, under a fence row."""

    def __post_init__(self) -> None:
        key: dict[str, Any] = {"id": {"S": "fence"}} if self.typed else {"id": "fence"}
        self.row = FenceRow(self.dynamodb, table=self.table, key=key)

    def claim(self) -> None:
        self.row.claim(token=self.token)

    def append(self, entry: str, pause: Pause | None = None) -> None:
        client = self.dynamodb if self.typed else self.dynamodb.meta.client
        with paused(client, pause):
            update = {"TableName": self.table, **self.request(), **self.change(entry)}
            self.row.transact([{"Update": update}], token=self.token)


@dataclass
class DynamoDBResource:
    dynamodb: Any  # through the proxy
    direct: Any  # a client
    table: str
    faults: FaultyProxy
    row: bool
    typed: bool

    def writer(self, token: int) -> Writer:
        kind = RowWriter if self.row else ItemWriter
        return kind(self.dynamodb, self.table, token, self.typed)

    def entries(self) -> list[str]:
        item = self.direct.get_item(TableName=self.table, Key={"id": {"S": KEY}}).get("Item", {})
        return list(TypeDeserializer().deserialize(item.get("log", {"L": []})))


def create_table(client: Any, name: str = "") -> str:
    name = name or f"fenced-{next(_numbers)}"
    with_key = [{"AttributeName": "id", "KeyType": "HASH"}]
    types = [{"AttributeName": "id", "AttributeType": "S"}]
    client.create_table(
        TableName=name, KeySchema=with_key, AttributeDefinitions=types,
        BillingMode="PAY_PER_REQUEST",
    )  # fmt: skip
    return name


def create_bucket(client: Any) -> str:
    name = f"fenced-{next(_numbers)}"
    client.create_bucket(Bucket=name)
    return name
