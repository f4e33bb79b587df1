"""The programs of docs/fencing.md run as written, and its story is true."""

from __future__ import annotations

import asyncio
import itertools
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen
from wsgiref import simple_server

import boto3
import psycopg
import pytest
from botocore.exceptions import ClientError

from s3leader import Term
from s3leader.aio import AsyncTerm
from s3leader.errors import Overwritten, StaleToken, TableUnusable
from s3leader.fencing import FencedObject, sql
from s3leader.fencing.dynamodb import FenceRow
from s3leader.testing import MemoryStore, async_election
from tests.contract.fencing.conftest import Clients
from tests.contract.fencing.resources import create_table
from tests.fast.s3leader.one_bucket import LAPSE, OneBucket

Connect = Callable[..., sqlite3.Connection]

PAGE = Path(__file__).parents[3] / "docs" / "fencing.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
STATEMENTS = re.findall(r"```sql\n(.*?)```", PAGE.read_text(), re.DOTALL)


def run(word: str, **names: Any) -> dict[str, Any]:
    """Run the one program of the page that contains `word`."""
    (text,) = (block for block in BLOCKS if word in block)
    exec(compile(text, str(PAGE), "exec"), names)  # noqa: S102 - that is the test
    return names


@pytest.fixture
def bank(tmp_path: Path) -> Connect:
    """Connects to a database in which Alice has 100."""

    def connect(factory: type[sqlite3.Connection] = sqlite3.Connection) -> sqlite3.Connection:
        return sqlite3.connect(tmp_path / "bank.db", timeout=0, factory=factory)

    with closing(connect()) as database:
        database.execute("CREATE TABLE accounts (id TEXT, balance INTEGER)")
        database.execute("CREATE TABLE bookings (id INTEGER, amount INTEGER)")
        database.execute("INSERT INTO accounts VALUES ('alice', 100)")
        database.execute(sql.table_ddl("sqlite"))
        database.commit()
    return connect


def balance(connect: Connect) -> int:
    with closing(connect()) as database:
        return int(database.execute("SELECT balance FROM accounts").fetchone()[0])


class Leaders:
    """The leaders of terms of one election, each elected when the lease of the last has run out."""

    def __init__(self, connect: Connect, credit: Callable[..., None]) -> None:
        self.connect, self.credit = connect, credit
        self.bucket = OneBucket()

    def elect(self) -> Term:
        self.bucket.ms += LAPSE // timedelta(milliseconds=1)
        term = self.bucket.election().campaign()
        assert isinstance(term, Term)
        return term

    def credit_50(self) -> None:
        with closing(self.connect()) as database:
            self.credit(database, self.elect(), 50)


class PausedTerm:
    """A term whose process is paused right after `ensure_held` has returned."""

    def __init__(self, term: Term, pause: Callable[[], None]) -> None:
        self._term, self._pause = term, pause
        self.number = term.number
        self.election = "nightly-credits"

    def ensure_held(self) -> None:
        self._term.ensure_held()
        self._pause()


def credit_10_and_pause(leaders: Leaders) -> None:
    """Let a leader credit 10, and another one 50 while the first is paused."""
    first = PausedTerm(leaders.elect(), leaders.credit_50)
    with closing(leaders.connect()) as database:
        leaders.credit(database, first, 10)


def test_money_is_lost_without_a_fence(bank: Connect) -> None:
    credit_10_and_pause(Leaders(bank, run("def credit_unfenced")["credit_unfenced"]))
    assert balance(bank) == 110


def test_no_money_is_lost_with_a_fence(bank: Connect) -> None:
    with pytest.raises(StaleToken):
        credit_10_and_pause(Leaders(bank, run("def credit(")["credit"]))
    assert balance(bank) == 150


def test_a_successor_waits_for_a_leader_that_is_paused_after_its_guard(bank: Connect) -> None:
    leaders = Leaders(bank, run("def credit(")["credit"])

    class Paused(sqlite3.Connection):
        def execute(self, text: str, *values: Any) -> sqlite3.Cursor:
            if text.startswith("UPDATE"):
                with pytest.raises(sqlite3.OperationalError, match="database is locked"):
                    leaders.credit_50()
            return super().execute(text, *values)

    with closing(bank(Paused)) as database:
        leaders.credit(database, leaders.elect(), 10)
    leaders.credit_50()
    assert balance(bank) == 160


def test_a_booking_is_made_once_though_the_answer_to_its_commit_is_lost(bank: Connect) -> None:
    book, term = run("def book")["book"], Leaders(bank, print).elect()

    class Lossy(sqlite3.Connection):
        def commit(self) -> None:
            super().commit()
            raise ConnectionError

    with closing(bank(Lossy)) as database, suppress(ConnectionError):
        book(database, term, 42, 50)
    with closing(bank()) as database:
        book(database, term, 42, 50)
    assert balance(bank) == 150


@pytest.fixture
def term() -> Term:
    return Leaders(lambda: None, print).elect()  # type: ignore[arg-type, return-value]


class Quiet(simple_server.WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(application: Any) -> Iterator[str]:
    with simple_server.make_server("127.0.0.1", 0, application, handler_class=Quiet) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def test_a_stale_leader_s_request_is_refused_by_the_server(
    bank: Connect, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    post = run("def post_credit")["post_credit"]
    leaders = Leaders(bank, print)

    with serving(run("FencedWSGI(")["application"]) as url:

        def succeed() -> None:
            post(url, PausedTerm(leaders.elect(), lambda: None), b"50")

        with pytest.raises(StaleToken):
            post(url, PausedTerm(leaders.elect(), succeed), b"10")
        with pytest.raises(HTTPError, match="428"):
            urlopen(url, b"10")  # noqa: S310 - of this machine
        with pytest.raises(HTTPError, match="405"):
            urlopen(url)  # noqa: S310 - of this machine
    assert balance(bank) == 150


def use(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let clients that are made without options find the server, in this test only."""
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    for name, value in clients.env.items():
        monkeypatch.setenv(name, value)


def test_a_fenced_object_is_claimed_and_written(
    clients: Callable[[str], Clients], term: Term, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = clients("ministack")
    s3 = made.make("client", "s3", direct=True)
    s3.create_bucket(Bucket="data")
    use(made, monkeypatch)
    totals = run("totals.write({", term=term)["totals"].read()
    assert (totals.value, totals.token) == ({"alice": 50}, term.number)


def test_a_task_writes_a_fenced_object_by_a_thread(data: Any) -> None:
    names = run("async def credit_later")

    async def credit() -> int:
        term = await async_election(store=MemoryStore()).campaign()
        assert isinstance(term, AsyncTerm)
        await names["credit_later"](term, 50)
        await names["credit_later"](term, 10)
        return term.number

    token = asyncio.run(credit())
    now = names["totals"].read()
    assert (now.value, now.token) == ({"alice": 60}, token)


@pytest.mark.parametrize("written", [40, 41])
def test_an_administrator_lowers_the_token_of_a_fenced_object(data: Any, written: int) -> None:
    """And only the one that was found wrong; what was based on an earlier version is refused."""
    totals = FencedObject("reports/totals.json", bucket="data")
    before = totals.write({"alice": 50}, token=34, after=None)
    now = totals.write({"alice": 60}, token=written, after=before)
    run("json.load(")
    if written == 41:
        assert totals.read() == now
        return
    for after, token in itertools.product((before, now), (33, 40)):
        with pytest.raises((Overwritten, StaleToken)):
            totals.write({"alice": 0}, token=token, after=after)
    assert totals.claim(34).value == {"alice": 60}


def test_an_administrator_lowers_the_token_of_a_fence_row(tables: Any) -> None:
    row = FenceRow(tables.Table("fences"), key={"id": "nightly-credits"})
    row.claim(token=40)
    run(":wrong")
    assert row.read_token() == 34
    row.claim(token=34)
    with pytest.raises(StaleToken):
        row.claim(token=33)
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        run(":wrong")


def test_an_administrator_lowers_the_token_of_a_guard(bank: Connect) -> None:
    with closing(bank()) as database:
        sql.guard(database, "nightly-credits", 40)
        sql.guard(database, "another", 40)
        database.commit()
        with pytest.raises(StaleToken, match=r"no term 40, .* docs/fencing.md says how"):
            sql.guard(database, "nightly-credits", 34)
        (lower,) = (each for each in STATEMENTS if "UPDATE s3leader_fence" in each)
        for _ in range(2):
            database.execute(lower)
        sql.guard(database, "nightly-credits", 34)
        database.commit()
        assert sql.read_token(database, "another") == 40
        with pytest.raises(StaleToken):
            sql.guard(database, "nightly-credits", 33)


@pytest.fixture
def data(clients: Callable[[str], Clients], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A client for the bucket of the page, which is emptied, and the files of the page."""
    made = clients("ministack")
    s3 = made.make("client", "s3", direct=True)
    use(made, monkeypatch)
    monkeypatch.chdir(tmp_path)
    for name in ("daily.parquet", "part-1.csv", "part-2.csv"):
        (tmp_path / name).write_text(name)
    s3.create_bucket(Bucket="data")
    for found in s3.list_objects_v2(Bucket="data").get("Contents", ()):
        s3.delete_object(Bucket="data", Key=found["Key"])
    return s3


def test_content_is_claimed_written_and_read_as_a_stream(
    data: Any, term: Term, tmp_path: Path
) -> None:
    run("report.write(Path", term=term)
    run("shutil.copyfileobj")
    assert (tmp_path / "copy.parquet").read_text() == "daily.parquet"


def test_a_manifest_names_many_objects_and_what_it_does_not_name_is_deleted(
    data: Any, term: Term
) -> None:
    manifest = run("upload_file", term=term)["manifest"].read()
    parts = manifest.value["parts"]
    assert [data.get_object(Bucket="data", Key=key)["Body"].read() for key in parts] == [
        *(b"part-1.csv", b"part-2.csv")
    ]
    left = {token: f"daily/parts/{token:010d}-left.csv" for token in (0, term.number)}
    for key in left.values():
        data.put_object(Bucket="data", Key=key)
    run("written_by", term=term)
    listed = data.list_objects_v2(Bucket="data", Prefix="daily/parts/")["Contents"]
    assert {found["Key"] for found in listed} == {*parts, left[term.number]}


@pytest.fixture
def tables(clients: Callable[[str], Clients], monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The tables of the page, in which Alice has 100, by a resource."""
    made = clients("ministack")
    use(made, monkeypatch)
    client = made.make("client", "dynamodb", direct=True)
    for name in ("accounts", "bookings", "fences"):
        create_table(client, name)
    client.put_item(TableName="accounts", Item={"id": {"S": "alice"}, "balance": {"N": "100"}})
    yield made.make("resource", "dynamodb", direct=True)
    for name in ("accounts", "bookings", "fences"):
        client.delete_table(TableName=name)


def alice(tables: Any) -> Any:
    return tables.Table("accounts").get_item(Key={"id": "alice"})["Item"]


def test_an_item_is_updated_with_its_token(tables: Any, term: Term) -> None:
    run("FencedItems(", term=term)
    assert alice(tables) == {"id": "alice", "balance": 150, "fencing_token": term.number}


def test_a_request_of_one_s_own_is_fenced(tables: Any, term: Term) -> None:
    run("fenced_request(", term=term)
    run("fenced_request(", term=term)
    tables.Table("accounts").put_item(Item={"id": "bob", "fencing_token": 9})
    with pytest.raises(StaleToken):
        run("fenced_request(", term=term)


def test_a_transaction_raises_the_fence_row(tables: Any, term: Term) -> None:
    run("FenceRow(", term=term)
    assert alice(tables) == {"id": "alice", "balance": 150}
    fence = tables.Table("fences").get_item(Key={"id": "nightly-credits"})["Item"]
    assert fence["fencing_token"] == term.number


def test_the_programs_for_postgresql_run(
    postgresql: str, term: Term, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGHOST", "127.0.0.1")
    monkeypatch.setenv("PGPORT", postgresql.rpartition(":")[2].partition("/")[0])
    monkeypatch.setenv("PGUSER", "postgres")
    with psycopg.connect(postgresql, autocommit=True) as server:
        server.execute("DROP DATABASE IF EXISTS bank")
        server.execute("CREATE DATABASE bank")
    with psycopg.connect("dbname=bank") as database:
        database.execute("CREATE TABLE accounts (id text, balance integer)")
        database.execute("CREATE TABLE bookings (id integer)")
        database.execute("INSERT INTO accounts VALUES ('alice', 100)")
        database.execute("DROP ROLE IF EXISTS job; CREATE ROLE job LOGIN")
    run("trigger_ddl(", term=term)
    monkeypatch.setenv("PGUSER", "job")
    with pytest.raises(TableUnusable, match="Grant SELECT, INSERT and UPDATE on it to the user"):
        run("as database:  # a transaction", term=term)
    monkeypatch.setenv("PGUSER", "postgres")
    (grants,) = (each for each in STATEMENTS if "GRANT" in each)
    with psycopg.connect("dbname=bank") as database:
        database.execute(grants)
    monkeypatch.setenv("PGUSER", "job")
    run("as database:  # a transaction", term=term)
    run("create_engine", term=term)["engine"].dispose()
    with psycopg.connect("dbname=bank") as database:
        assert database.execute("SELECT balance FROM accounts").fetchone() == (200,)
        with pytest.raises(psycopg.Error, match="has no fencing token"):
            database.execute("UPDATE accounts SET balance = 0")
    with psycopg.connect("dbname=bank") as database:
        with pytest.raises(psycopg.Error, match="must be owner"):
            database.execute("ALTER TABLE accounts DISABLE TRIGGER s3leader_guard")
        database.rollback()
        sql.guard(database, "nightly-credits", term.number)
        database.execute("INSERT INTO bookings VALUES (1)")
        database.execute("DELETE FROM bookings")


def test_the_table_of_guards_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    run("print(sql.table_ddl")
    assert capsys.readouterr().out.startswith("CREATE TABLE IF NOT EXISTS s3leader_fence")
