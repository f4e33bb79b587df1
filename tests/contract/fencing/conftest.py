"""The fenced resources. Each server is started once, by the first test that needs it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from s3leader._io.memory_store import MemoryStore
from s3leader.fencing import sql
from s3leader.fencing.http import ProcessMemory, SqlMemory, TokenMemory
from tests.contract.fencing import databases, sql_resources
from tests.contract.fencing.bytes_resources import BytesResource
from tests.contract.fencing.faults import FaultyProxy, faulty
from tests.contract.fencing.http_resources import (
    ELECTION,
    AsgiServer,
    HttpResource,
    Log,
    WsgiServer,
)
from tests.contract.fencing.resources import (
    DynamoDBResource,
    ObjectResource,
    Resource,
    S3Resource,
    create_bucket,
    create_table,
)
from tests.contract.fencing.sql_databases import DIALECTS, Database, make_database
from tests.fast.s3leader.fencing.test_fenced_object import fenced

if TYPE_CHECKING:
    from tests.contract.servers import Server

# One attempt: what is sent again is sent by s3leader. Otherwise botocore does so first.
ONE_ATTEMPT = Config(
    retries={"total_max_attempts": 1}, request_checksum_calculation="when_required"
)
RETRYING = Config(retries={"total_max_attempts": 4, "mode": "legacy"})

OBJECTS = ["object in memory", "object on ministack", "object on seaweedfs"]
BYTES = ["bytes on ministack", "bytes on seaweedfs", "bytes and spared bodies on ministack"]
DYNAMODB = ["table", "client", "client that sends once", "row of a table", "row of a client"]
DATABASES = ["sqlite", "postgresql", "mariadb"]
HTTP = ["wsgi", "asgi", "wsgi with an object", "asgi with sqlite"]
RESOURCES = [*OBJECTS, *BYTES, *DYNAMODB, *DATABASES, *HTTP]


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    with databases.postgresql() as address:
        yield address


@pytest.fixture(scope="session")
def mariadb() -> Iterator[int]:
    with databases.mariadb() as port:
        yield port


@pytest.fixture(params=DIALECTS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database of each kind."""
    made = make_database(request.param, request, tmp_path)
    yield made
    made.engine.dispose()


class Clients:
    """Clients of one server, direct and through a faulty proxy; they are slow to make."""

    def __init__(self, server: Server, proxy: FaultyProxy) -> None:
        self.env = server.env
        self.proxy = proxy
        self._session = boto3.session.Session("test", server.env["AWS_SECRET_ACCESS_KEY"])
        self._direct = server.endpoint
        self._made: dict[tuple[str, ...], Any] = {}

    def make(
        self, kind: str, service: str, *, direct: bool = False, config: Config = ONE_ATTEMPT
    ) -> Any:
        key = (kind, service, str(direct), str(id(config)))
        if key not in self._made:
            make = getattr(self._session, kind)
            endpoint = self._direct if direct else self.proxy.endpoint
            self._made[key] = make(
                service, endpoint_url=endpoint, region_name="us-east-1", config=config
            )
        return self._made[key]


@pytest.fixture(scope="session")
def clients(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A function that returns the clients of a server, by its name."""
    made: dict[str, Clients] = {}
    with ExitStack() as stack:

        def of(name: str) -> Clients:
            if name not in made:
                server: Server = request.getfixturevalue(name)
                made[name] = Clients(server, stack.enter_context(faulty(server.endpoint)))
            return made[name]

        yield of


@pytest.fixture
def make(request: pytest.FixtureRequest, tmp_path: Any) -> Any:
    """A function that returns the resource of a name."""

    def resource(name: str) -> Resource:
        if name in OBJECTS:
            return _object(name.rsplit(maxsplit=1)[-1], request)
        if name in BYTES:
            return _bytes(name, request)
        if name in DYNAMODB:
            return _dynamodb(name, request)
        if name in HTTP:
            return _http(name, tmp_path)
        if name == "sqlite":
            return sql_resources.SqliteResource(tmp_path)
        return getattr(sql_resources, name)(request.getfixturevalue(name))  # type: ignore[no-any-return]

    return resource


@pytest.fixture(params=RESOURCES)
def resource(request: pytest.FixtureRequest, make: Any) -> Resource:
    made: Resource = make(request.param)
    return made


def _http(name: str, folder: Path) -> Resource:
    log = Log()
    server = WsgiServer if name.startswith("wsgi") else AsgiServer
    memory: TokenMemory = ProcessMemory()
    if name.endswith("object"):
        memory = fenced(MemoryStore())
    elif name.endswith("sqlite"):
        database = folder / "memory.db"
        with closing(sqlite3.connect(database)) as connection:
            connection.execute(sql.table_ddl("sqlite"))
        memory = SqlMemory(lambda: sqlite3.connect(database), ELECTION)
    return HttpResource(server(log, memory), log)


def _object(server: str, request: pytest.FixtureRequest) -> Resource:
    if server == "memory":
        return ObjectResource()
    clients: Clients = request.getfixturevalue("clients")(server)
    direct = clients.make("client", "s3", direct=True)
    through = clients.make("client", "s3")
    clients.proxy.spared = None
    return S3Resource(through, direct, create_bucket(direct), clients.proxy)


def _bytes(name: str, request: pytest.FixtureRequest) -> Resource:
    clients: Clients = request.getfixturevalue("clients")(name.rsplit(maxsplit=1)[-1])
    direct = clients.make("client", "s3", direct=True)
    through = clients.make("client", "s3")
    bucket = create_bucket(direct)
    return BytesResource(through, direct, bucket, clients.proxy, spare_bodies="spared" in name)


def _dynamodb(name: str, request: pytest.FixtureRequest) -> Resource:
    clients: Clients = request.getfixturevalue("clients")("ministack")
    direct = clients.make("client", "dynamodb", direct=True)
    table = create_table(direct)
    config = ONE_ATTEMPT if "once" in name else RETRYING
    typed = "client" in name
    dynamodb = clients.make("client" if typed else "resource", "dynamodb", config=config)
    return DynamoDBResource(
        dynamodb if typed else dynamodb.Table(table),
        direct,
        table,
        clients.proxy,
        row="row" in name,
        typed=typed,
    )
