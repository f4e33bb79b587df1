"""Settings of the decorator: from its arguments, the environment, and defaults."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from s3leader import BucketUnusable, Election, InvalidArgument, NotElected, Term
from s3leader._io.memory_store import MemoryStore
from s3leader._io.s3_options import BucketOptions
from s3leader._io.s3_store import S3Store
from s3leader._lambda.settings import Arguments, Settings
from s3leader.aws_lambda import singleton
from tests.dated_moto import mock_dated_aws
from tests.fast.s3leader._lambda.invocations import TICK, Context, singleton_on

PLACE = {"S3LEADER_BUCKET": "locks", "S3LEADER_ELECTION": "nightly"}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S3LEADER_ELECTION", "nightly")
    for name in ("BUCKET", "PREFIX", "LEASE_SECONDS", "REGION", "MAX_ATTEMPTS", "WAIT_SECONDS"):
        monkeypatch.delenv(f"S3LEADER_{name}", raising=False)


def attempts(most: int | None = None) -> list[str]:
    """Return the results of three invocations of a handler that always fails."""

    @singleton_on(MemoryStore(), max_attempts=most)
    def failing(event: object, context: object, term: Term) -> None:
        raise ZeroDivisionError

    seen = []
    for _ in range(3):
        try:
            seen.append(failing({"tick": TICK}, Context())["reason"])
        except ZeroDivisionError:
            seen.append("failed")
    return seen


def test_attempts_are_not_limited_by_default() -> None:
    assert attempts() == ["failed"] * 3


def test_the_environment_limits_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S3LEADER_MAX_ATTEMPTS", "2")
    assert attempts() == ["failed", "failed", "exhausted"]


def test_the_argument_max_attempts_takes_precedence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S3LEADER_MAX_ATTEMPTS", "3")
    assert attempts(most=1) == ["failed", "exhausted", "exhausted"]


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "some", "²"])
def test_invalid_max_attempts_is_named(text: str) -> None:
    with pytest.raises(InvalidArgument, match=f"S3LEADER_MAX_ATTEMPTS to be .* got '{text}'"):
        Settings.merge(Arguments(), {**PLACE, "S3LEADER_MAX_ATTEMPTS": text})


def waited(monkeypatch: pytest.MonkeyPatch, given: timedelta | None = None) -> timedelta:
    """Return the `wait` of a campaign by an invocation with a minute left."""
    asked: list[timedelta] = []

    def campaign(_: Election, work: object, wait: timedelta) -> NotElected:
        asked.append(wait)
        return NotElected(reason="held", lock=None, requests=2)

    monkeypatch.setattr(Election, "_campaign", campaign)

    @singleton_on(MemoryStore(), wait=given)
    def handler(event: object, context: object, term: Term) -> None: ...

    handler({"tick": TICK}, Context())
    return asked[0]


def test_there_is_no_wait_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert waited(monkeypatch) == timedelta(0)


def test_the_environment_sets_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S3LEADER_WAIT_SECONDS", "40")
    assert waited(monkeypatch) == timedelta(seconds=40)


def test_the_argument_wait_takes_precedence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S3LEADER_WAIT_SECONDS", "40")
    assert waited(monkeypatch, timedelta(0)) == timedelta(0)


def test_the_wait_is_limited_to_the_remaining_time(monkeypatch: pytest.MonkeyPatch) -> None:
    assert waited(monkeypatch, timedelta(hours=1)) == timedelta(minutes=1)


def test_invalid_wait_is_named() -> None:
    with pytest.raises(InvalidArgument, match=r"S3LEADER_WAIT_SECONDS to be .* got 'long'"):
        Settings.merge(Arguments(), {**PLACE, "S3LEADER_WAIT_SECONDS": "long"})


@pytest.mark.parametrize(
    "handler", [lambda event, context: None, lambda: None, lambda event, context, *, term: None]
)
def test_a_handler_that_takes_no_term_is_refused_when_it_is_decorated(handler: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"cannot be called with \(event, context, term\)"):
        singleton(handler)


def test_a_wait_of_another_type_is_refused_when_decorating() -> None:
    with pytest.raises(InvalidArgument, match="wait is 5; give a timedelta"):
        singleton(wait=5)  # type: ignore[call-overload]


OPTIONS = {
    "S3LEADER_REGION": ("region", "eu-west-1"),
    "S3LEADER_ENCRYPTION": ("encryption", "AES256"),
    "S3LEADER_BUCKET_OWNER": ("bucket_owner", "111122223333"),
}


@pytest.mark.parametrize(("variable", "option"), OPTIONS.items(), ids=OPTIONS)
def test_the_environment_sets_a_bucket_option(variable: str, option: tuple[str, str]) -> None:
    name, value = option
    settings = Settings.merge(Arguments(), {**PLACE, variable: value})
    assert settings.bucket_options == BucketOptions(**{name: value})  # type: ignore[arg-type]


def test_the_environment_sets_the_encryption_key() -> None:
    key = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd"
    encrypted = {"S3LEADER_ENCRYPTION": "aws:kms", "S3LEADER_KMS_KEY": key}
    settings = Settings.merge(Arguments(), {**PLACE, **encrypted})
    assert settings.bucket_options == BucketOptions(encryption="aws:kms", kms_key=key)


def test_an_empty_variable_sets_no_bucket_option() -> None:
    settings = Settings.merge(
        Arguments(), {**PLACE, **dict.fromkeys([*OPTIONS, "S3LEADER_KMS_KEY"], "")}
    )
    assert settings.bucket_options == BucketOptions()


@pytest.mark.parametrize("variable", [*OPTIONS, "S3LEADER_KMS_KEY"])
def test_an_invalid_bucket_option_names_its_variable(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**PLACE, "S3LEADER_BUCKET": "locks", variable: "no such"}.items():
        monkeypatch.setenv(name, value)

    @singleton
    def handler(event: object, context: object, term: Term) -> None: ...

    with pytest.raises(InvalidArgument, match=f"{variable}.*'no such'|'no such'.*{variable}"):
        handler({}, Context())


def regions_asked(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return the Regions of the stores that one invocation creates."""
    asked: list[object] = []

    class Noted(S3Store):
        def __init__(self, bucket: str, **settings: Any) -> None:
            asked.append(settings["options"].region)
            super().__init__(bucket, **settings)

    monkeypatch.setattr("s3leader._io.lock_store.S3Store", Noted)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("S3LEADER_BUCKET", "locks")

    @singleton
    def handler(event: object, context: object, term: Term) -> None: ...

    with mock_dated_aws():
        Noted("locks", options=BucketOptions())._client.create_bucket(Bucket="locks")
        asked.clear()
        handler({"tick": TICK}, Context())
    return asked


def test_the_decorator_uses_the_region_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S3LEADER_REGION", "eu-west-1")
    assert regions_asked(monkeypatch) == ["eu-west-1"]


def test_a_store_talks_to_the_region_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert (
        S3Store("locks", options=BucketOptions(region="eu-west-1"))._client.meta.region_name
        == "eu-west-1"
    )


def test_a_store_is_in_the_environments_region_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-south-1")
    assert S3Store("locks")._client.meta.region_name == "ap-south-1"


# --------------------------------------------------------------- arguments of the decorator


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"max_attempts": 0}, "max_attempts is 0; give a whole number from 1"),
        ({"max_attempts": "3"}, "max_attempts is '3'"),
        ({"max_attempts": True}, "max_attempts is True"),
        ({"election": "no spaces"}, "no spaces"),
        ({"election": ""}, "election name ''"),
        ({"prefix": "jobs"}, "must end in a slash"),
        ({"bucket": "s3://locks"}, "give the name alone, such as 'locks'"),
        ({"wait": timedelta(seconds=-1)}, "wait is"),
    ],
    ids=str,
)
def test_an_invalid_argument_is_refused_when_decorating(given: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidArgument, match=says):
        singleton(**given)


def test_a_bucket_that_cannot_hold_an_election_is_refused_when_decorating() -> None:
    with pytest.raises(BucketUnusable, match="directory bucket"):
        singleton(bucket="locks--use1-az4--x-s3")
