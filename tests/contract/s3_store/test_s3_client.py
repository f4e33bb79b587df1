"""The client that a store makes: its Region, and that no two processes share it."""

from __future__ import annotations

import gc
import socket
import weakref
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from s3leader import InvalidArgument, S3LeaderError, StoreUnavailable, testing
from s3leader._core.requests import List, Missing, Unknown
from s3leader._io import s3_client
from s3leader._io.s3_client import default_client
from s3leader._io.s3_options import BucketOptions
from s3leader._io.s3_refusals import refusal
from s3leader._io.s3_region import choose_region
from s3leader._io.s3_store import S3Store
from s3leader.aws_lambda import LambdaHandler, singleton
from s3leader.fencing import FencedObject
from s3leader.testing import FakeClock
from tests.contract.s3_store.misbehaving_s3 import READ, MisbehavingS3, error
from tests.fast.s3leader._lambda.invocations import Context
from tests.fast.s3leader.forks import FORKS, in_child

SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "S3LEADER_REGION"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def s3(s3: MisbehavingS3) -> MisbehavingS3:
    """The server, which keeps connections open."""
    s3.will(*[error(404, "NoSuchKey", Connection="keep-alive")] * 4)
    return s3


@FORKS
def test_a_fork_makes_its_client_once_and_speaks_over_a_connection_of_its_own(
    s3: MisbehavingS3,
) -> None:
    store = S3Store("locks")
    store.perform(READ)
    in_child(lambda: [store.perform(READ) for _ in range(2)])
    assert isinstance(store.perform(READ), Missing)
    first, *childs, last = s3.ports()
    assert first == last
    assert first != childs[0] == childs[1]


@FORKS
def test_a_fork_of_a_fork_speaks_over_a_connection_of_its_own(s3: MisbehavingS3) -> None:
    store = S3Store("locks")

    def child() -> str:
        store.perform(READ)
        return in_child(lambda: type(store.perform(READ)).__name__)

    assert in_child(child) == "Missing"
    assert len(set(s3.ports())) == 2


@FORKS
def test_a_fenced_object_in_a_fork_speaks_over_a_connection_of_its_own(s3: MisbehavingS3) -> None:
    report = FencedObject("k", bucket="locks")
    assert report.read() is None
    assert in_child(report.read) == "None"
    assert len(set(s3.ports())) == 2


@FORKS
def test_a_client_that_was_passed_in_is_refused_in_a_fork(s3: MisbehavingS3) -> None:
    store = S3Store("locks", client=default_client(SECOND, None))
    message = in_child(lambda: store.perform(READ))
    assert message.startswith("InvalidArgument: ")
    assert "Make a client in this process" in message
    assert s3.sent == []


def test_a_timeout_bounds_connecting_and_reading_and_must_be_positive() -> None:
    client: Any = default_client(timedelta(milliseconds=1500), "us-east-1")
    timeout = client._http._timeout
    assert (timeout.connect_timeout, timeout.read_timeout) == (1.5, 1.5)
    with pytest.raises(InvalidArgument, match="0:00:00"):
        S3Store("locks", timeout=timedelta(0))


ELSE = ", or pass BucketOptions(region='eu-west-1') (S3LEADER_REGION sets it)."


@pytest.mark.parametrize(
    ("given", "environment", "decided_by", "change"),
    [
        (
            "us-east-1",
            {"AWS_DEFAULT_REGION": "eu-west-2"},
            "the Region was given as region='us-east-1'",
            "pass BucketOptions(region='eu-west-1').",
        ),
        (
            "us-east-1",
            {"S3LEADER_REGION": "us-east-1"},
            "the Region was given as region='us-east-1' (S3LEADER_REGION sets it)",
            "set S3LEADER_REGION=eu-west-1.",
        ),
        (
            None,
            {"AWS_REGION": "eu-west-2", "AWS_DEFAULT_REGION": "us-east-1"},
            "AWS_DEFAULT_REGION sets the Region 'us-east-1'",
            "set AWS_DEFAULT_REGION=eu-west-1" + ELSE,
        ),
        (
            None,
            {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": ""},
            "AWS_REGION sets the Region 'us-east-1'",
            "set AWS_REGION=eu-west-1" + ELSE,
        ),
    ],
)
def test_the_region_is_the_one_given_then_aws_default_region_then_aws_region(
    given: str | None, environment: dict[str, str], decided_by: str, change: str
) -> None:
    chosen = choose_region(given, environment)
    why = refusal(
        READ,
        bucket="locks",
        partition="aws",
        code="PermanentRedirect",
        message="",
        bucket_region="eu-west-1",
        region=chosen,
    )
    assert chosen.name == "us-east-1"
    assert f"is in another Region (eu-west-1), but {decided_by}: {change}" in str(why)


def test_aws_region_decides_the_region_though_boto3_ignores_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert default_client(SECOND, None).meta.region_name == "eu-west-1"


def test_a_region_that_is_not_one_is_named_with_what_set_it() -> None:
    with pytest.raises(InvalidArgument) as why:
        S3Store("locks", options=BucketOptions(region="eu_west1"))
    said = "the Region was given as region='eu_west1'"
    assert f"format. A Region is named like eu-west-1, but {said}: correct that" in str(why.value)


@pytest.fixture
def no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """No name resolves."""

    def unknown(*_: object, **__: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", unknown)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)


@pytest.mark.usefixtures("no_names")
@pytest.mark.parametrize(
    ("variable", "value", "host"),
    [
        ("AWS_DEFAULT_REGION", "eu-west1", "locks.s3.eu-west1.amazonaws.com"),
        ("AWS_ENDPOINT_URL", "http://nowhere.invalid:9000", "nowhere.invalid:9000"),
    ],
)
def test_a_host_name_that_does_not_resolve_is_named_with_what_set_its_region(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, host: str
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv(variable, value)
    answer = S3Store("locks").perform(List("elections/e/lock_"))
    assert isinstance(answer, Unknown)  # the name servers may be back at the next try
    assert f"the host name {host} does not resolve; AWS_DEFAULT_REGION sets" in answer.cause
    assert "check the Region, AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_S3" in answer.cause


def test_an_endpoint_that_nobody_listens_at_is_named_without_the_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        host = f"127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://{host}")
    answer = S3Store("locks", options=BucketOptions(region="eu-west-1")).perform(List("elections/"))
    assert answer == Unknown(
        f"cannot connect to {host}, which AWS_ENDPOINT_URL or the profile names"
    )


@pytest.mark.usefixtures("no_names")
def test_an_election_that_cannot_be_reached_says_so_without_internals(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west1")
    election = testing.election("many", store=S3Store("locks"), clock=FakeClock())
    with pytest.raises(StoreUnavailable, match="5 tries of a LIST of elections/many/lock_ ") as why:
        election.observe()
    assert "start_after" not in str(why.value)


def test_stores_of_one_process_share_a_client(s3: MisbehavingS3) -> None:
    first, second = S3Store("locks"), S3Store("others")
    for store in (first, second):
        store.perform(READ)
    assert len(set(s3.ports())) == 1


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize(
    "variable",
    ["AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID", "https_proxy", "HOME", "REQUESTS_CA_BUNDLE"],
)
def test_a_changed_environment_gets_another_client(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    first = default_client(SECOND, "eu-west-1")
    monkeypatch.setenv(variable, "another")
    assert default_client(SECOND, "eu-west-1") is not first


@pytest.mark.usefixtures("s3")
def test_a_client_that_no_store_uses_is_not_kept() -> None:
    client = weakref.ref(default_client(SECOND, "eu-west-1"))
    gc.collect()
    assert client() is None


def decorated() -> LambdaHandler:
    return singleton(lambda event, context, term: None)


@pytest.fixture
def in_lambda(monkeypatch: pytest.MonkeyPatch, s3: MisbehavingS3) -> MisbehavingS3:
    settings = {"S3LEADER_BUCKET": "locks", "S3LEADER_ELECTION": "nightly"}
    for name, value in (settings | {"AWS_LAMBDA_FUNCTION_NAME": "job"}).items():
        monkeypatch.setenv(name, value)
    return s3


def clients_made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    made: list[str] = []
    make = s3_client._make_client

    def counted(*arguments: Any) -> Any:
        made.append("client")
        return make(*arguments)

    monkeypatch.setattr(s3_client, "_make_client", counted)
    return made


@pytest.mark.usefixtures("in_lambda")
@pytest.mark.parametrize("lease", [None, "10"])
def test_the_client_is_made_while_lambda_loads_the_job_and_not_again(
    monkeypatch: pytest.MonkeyPatch, lease: str | None
) -> None:
    if lease:
        monkeypatch.setenv("S3LEADER_LEASE_SECONDS", lease)
    made = clients_made(monkeypatch)
    handler = decorated()
    assert len(made) == 1
    with suppress(S3LeaderError):
        handler({}, Context(remaining_ms=60_000))
    assert len(made) == 1


@pytest.mark.usefixtures("in_lambda")
@pytest.mark.parametrize(("name", "value"), [("BUCKET", "s3://x"), ("LEASE_SECONDS", "soon")])
def test_a_setting_that_cannot_be_used_is_no_error_while_the_job_loads(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """The first invocation reports it, with its metric."""
    monkeypatch.setenv(f"S3LEADER_{name}", value)
    decorated()


def test_outside_lambda_nothing_is_made_early(
    monkeypatch: pytest.MonkeyPatch, in_lambda: MisbehavingS3
) -> None:
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME")
    made = clients_made(monkeypatch)
    decorated()
    assert (made, in_lambda.sent) == ([], [])
