"""The client that a store makes: its Region, and that no two processes share it."""

from __future__ import annotations

import socket
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from s3leader import InvalidArgument, StoreUnavailable, testing
from s3leader._core.requests import List, Missing, Read, Unknown
from s3leader._io.s3_client import default_client
from s3leader._io.s3_options import BucketOptions
from s3leader._io.s3_refusals import refusal
from s3leader._io.s3_region import choose_region
from s3leader._io.s3_store import S3Store
from s3leader.fencing import FencedObject
from s3leader.testing import FakeClock
from tests.fast.s3leader.forks import FORKS, in_child

if TYPE_CHECKING:
    from collections.abc import Iterator

SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "S3LEADER_REGION"):
        monkeypatch.delenv(name, raising=False)


# ------------------------------------------------------------------------------------ Regions


@pytest.mark.parametrize(
    ("region", "aws_region", "default_region", "expected"),
    [
        (None, "eu-west-1", None, "eu-west-1"),
        (None, None, "eu-west-2", "eu-west-2"),
        (None, "eu-west-1", "eu-west-2", "eu-west-2"),
        (None, "eu-west-1", "", "eu-west-1"),
        ("eu-west-3", "eu-west-1", "eu-west-2", "eu-west-3"),
    ],
)
def test_the_region_is_the_one_given_then_aws_default_region_then_aws_region(
    monkeypatch: pytest.MonkeyPatch,
    region: str | None,
    aws_region: str | None,
    default_region: str | None,
    expected: str,
) -> None:
    given = {"AWS_REGION": aws_region, "AWS_DEFAULT_REGION": default_region}
    for name, value in given.items():
        if value is not None:
            monkeypatch.setenv(name, value)
    assert default_client(SECOND, region).meta.region_name == expected


# ---------------------------------------------------------------------------------- processes


class Peers(ThreadingHTTPServer):
    """A server that keeps connections open, and notes which one each request came by."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.ports: list[int] = []


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        assert isinstance(self.server, Peers)
        self.server.ports.append(self.client_address[1])
        body = b"<Error><Code>NoSuchKey</Code></Error>"
        self.send_response(404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def peers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Peers]:
    with Peers() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{server.server_address[1]}")
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@FORKS
def test_a_fork_speaks_over_a_connection_of_its_own(peers: Peers) -> None:
    store = S3Store("locks")
    answers = [store.perform(Read("k")), store.perform(Read("k"))]
    assert in_child(lambda: type(store.perform(Read("k"))).__name__) == "Missing"
    answers.append(store.perform(Read("k")))
    assert [type(answered) for answered in answers] == [Missing] * 3
    first, second, childs, last = peers.ports
    assert first == second == last != childs


@FORKS
def test_a_fork_makes_its_client_once(peers: Peers) -> None:
    store = S3Store("locks")
    in_child(lambda: [store.perform(Read("k")) for _ in range(3)])
    assert len(peers.ports) == 3
    assert len(set(peers.ports)) == 1


@FORKS
def test_a_fork_of_a_fork_speaks_over_a_connection_of_its_own(peers: Peers) -> None:
    store = S3Store("locks")

    def child() -> str:
        store.perform(Read("k"))
        return in_child(lambda: type(store.perform(Read("k"))).__name__)

    assert in_child(child) == "Missing"
    assert len(set(peers.ports)) == 2


@FORKS
def test_a_fenced_object_in_a_fork_speaks_over_a_connection_of_its_own(peers: Peers) -> None:
    report = FencedObject("k", bucket="locks")
    assert report.read() is None
    assert in_child(report.read) == "None"
    assert len(set(peers.ports)) == 2


@FORKS
def test_a_client_that_was_passed_in_is_refused_in_a_fork(peers: Peers) -> None:
    store = S3Store("locks", client=default_client(SECOND, None))
    message = in_child(lambda: store.perform(Read("k")))
    assert message.startswith("InvalidArgument: ")
    assert "Make a client in this process" in message
    assert peers.ports == []


def test_a_passed_client_serves_the_process_that_passed_it(peers: Peers) -> None:
    store = S3Store("locks", client=default_client(SECOND, None))
    assert isinstance(store.perform(Read("k")), Missing)


def test_a_timeout_that_is_not_positive_is_refused_with_its_value() -> None:
    with pytest.raises(InvalidArgument, match="0:00:00"):
        default_client(timedelta(0), None)


# --------------------------------------------------------------------------- who sets the Region


def where(monkeypatch: pytest.MonkeyPatch, variable: str | None, region: str) -> str | None:
    """Return what `S3Store` is given where this variable is all that names a Region."""
    if variable is not None and variable != "region=":
        monkeypatch.setenv(variable, region)
    return region if variable in {"region=", "S3LEADER_REGION"} else None


SETTINGS = [
    ("region=", "the Region was given as region='eu-west1'; "),
    ("S3LEADER_REGION", "the Region was given as region='eu-west1' (S3LEADER_REGION sets it)"),
    ("AWS_DEFAULT_REGION", "AWS_DEFAULT_REGION sets the Region 'eu-west1'"),
    ("AWS_REGION", "AWS_REGION sets the Region 'eu-west1'"),
]


@pytest.fixture
def no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """No name resolves."""

    def unknown(*_: object, **__: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", unknown)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)


@pytest.mark.usefixtures("no_names")
@pytest.mark.parametrize(("variable", "said"), SETTINGS)
def test_a_host_name_that_does_not_resolve_is_named_with_what_set_its_region(
    monkeypatch: pytest.MonkeyPatch, variable: str, said: str
) -> None:
    store = S3Store("locks", options=BucketOptions(region=where(monkeypatch, variable, "eu-west1")))
    answer = store.perform(List("elections/e/lock_"))
    assert isinstance(answer, Unknown)  # the name servers may be back at the next try
    assert "locks.s3.eu-west1.amazonaws.com does not resolve" in answer.cause
    assert said in answer.cause
    assert "check the Region, AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_S3" in answer.cause


@pytest.mark.usefixtures("no_names")
def test_an_endpoint_that_does_not_resolve_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://nowhere.invalid:9000")
    answer = S3Store("locks", options=BucketOptions(region="eu-west-1")).perform(Read("k"))
    assert isinstance(answer, Unknown)
    assert "the host name nowhere.invalid:9000 does not resolve" in answer.cause


def test_an_endpoint_that_nobody_listens_at_is_named_without_the_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        host = f"127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://{host}")
    answer = S3Store("locks", options=BucketOptions(region="eu-west-1")).perform(List("elections/"))
    assert isinstance(answer, Unknown)
    assert answer.cause == (f"cannot connect to {host}; the Region was given as region='eu-west-1'")


@pytest.mark.usefixtures("no_names")
def test_an_election_that_cannot_be_reached_says_so_without_internals(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west1")
    election = testing.election("many", store=S3Store("locks"), clock=FakeClock())
    with pytest.raises(StoreUnavailable, match="5 tries of a LIST of elections/many/lock_ ") as why:
        election.observe()
    assert "start_after" not in str(why.value)


@pytest.mark.parametrize(("variable", "said"), SETTINGS)
def test_a_region_that_is_not_one_is_named_with_what_set_it(
    monkeypatch: pytest.MonkeyPatch, variable: str, said: str
) -> None:
    region = where(monkeypatch, variable, "eu_west1")
    with pytest.raises(InvalidArgument) as why:
        S3Store("locks", options=BucketOptions(region=region))
    said = said.replace("eu-west1", "eu_west1").rstrip("; ")
    assert f"format. A Region is named like eu-west-1, but {said}: correct that" in str(why.value)


@pytest.mark.parametrize(
    ("variable", "remedy"),
    [
        ("region=", "region='us-east-1': pass BucketOptions(region='eu-west-1')."),
        ("S3LEADER_REGION", "(S3LEADER_REGION sets it): set S3LEADER_REGION=eu-west-1."),
        ("AWS_DEFAULT_REGION", "AWS_DEFAULT_REGION sets the Region 'us-east-1': set AWS_DEFAULT_R"),
        ("AWS_REGION", "AWS_REGION sets the Region 'us-east-1': set AWS_REGION=eu-west-1, or pass"),
        (None, "the profile decides the Region: set AWS_DEFAULT_REGION=eu-west-1, or pass"),
    ],
)
def test_a_wrong_region_is_corrected_in_the_setting_that_decided_it(
    monkeypatch: pytest.MonkeyPatch, variable: str | None, remedy: str
) -> None:
    chosen = choose_region(where(monkeypatch, variable, "us-east-1"))
    why = refusal(
        Read("k"),
        bucket="locks",
        partition="aws",
        code="PermanentRedirect",
        message="",
        bucket_region="eu-west-1",
        region=chosen,
    )
    assert f"is in another Region (eu-west-1), but {chosen.decided_by}" in str(why)
    assert remedy in str(why)
