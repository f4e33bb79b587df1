"""Settings of the decorator: from its arguments, the environment, and defaults."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from s3leader import BucketUnusable, Election, InvalidArgument, NotElected, Term
from s3leader._core.requests import List, Read, StoreRequest
from s3leader._io.memory_store import MemoryStore
from s3leader._io.s3_options import BucketOptions
from s3leader._lambda.settings import Arguments, Settings
from s3leader.aws_lambda import singleton
from tests.fast.s3leader._lambda.invocations import TICK, Context, singleton_on

PLACE = {"S3LEADER_BUCKET": "locks", "S3LEADER_ELECTION": "nightly"}
KMS_KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd"


VARIABLES = (
    "PREFIX", "LEASE_SECONDS", "REGION", "MAX_ATTEMPTS", "WAIT_SECONDS", "LONG_LEDGER",
)  # fmt: skip


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(f"S3LEADER_{name}", raising=False)
    for variable, value in PLACE.items():
        monkeypatch.setenv(variable, value)


def set_or_leave(monkeypatch: pytest.MonkeyPatch, variable: str, value: str | None) -> None:
    if value is not None:
        monkeypatch.setenv(variable, value)


@pytest.mark.parametrize(
    ("variable", "argument", "expected"),
    [
        (None, None, ["failed"] * 3),
        ("2", None, ["failed", "failed", "exhausted"]),
        ("3", 1, ["failed", "exhausted", "exhausted"]),
    ],
    ids=["no limit by default", "from the environment", "the argument takes precedence"],
)
def test_attempts_at_a_tick_are_limited(
    monkeypatch: pytest.MonkeyPatch,
    variable: str | None,
    argument: int | None,
    expected: list[str],
) -> None:
    set_or_leave(monkeypatch, "S3LEADER_MAX_ATTEMPTS", variable)

    @singleton_on(MemoryStore(), max_attempts=argument)
    def failing(event: object, context: object, term: Term) -> None:
        raise ZeroDivisionError

    seen = []
    for _ in range(3):
        try:
            seen.append(failing({"tick": TICK}, Context())["reason"])
        except ZeroDivisionError:
            seen.append("failed")
    assert seen == expected


@pytest.mark.parametrize(
    ("variable", "argument", "seconds"),
    [
        (None, None, 0),
        ("40", None, 40),
        ("40", timedelta(0), 0),
        (None, timedelta(hours=1), 60),
    ],
    ids=["none by default", "from the environment", "the argument", "at most the remaining time"],
)
def test_a_campaign_waits(
    monkeypatch: pytest.MonkeyPatch,
    variable: str | None,
    argument: timedelta | None,
    seconds: int,
) -> None:
    asked: list[timedelta] = []

    def campaign(_: Election, work: object, wait: timedelta) -> NotElected:
        asked.append(wait)
        return NotElected(reason="held", lock=None, requests=2)

    monkeypatch.setattr(Election, "_campaign", campaign)
    set_or_leave(monkeypatch, "S3LEADER_WAIT_SECONDS", variable)

    @singleton_on(MemoryStore(), wait=argument)
    def handler(event: object, context: object, term: Term) -> None: ...

    handler({"tick": TICK}, Context())
    assert asked == [timedelta(seconds=seconds)]


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        *(("MAX_ATTEMPTS", text) for text in ("0", "-1", "1.5", "some", "²")),
        *(("LEASE_SECONDS", text) for text in ("soon", "0", "-3", "90000", "nan")),
        ("WAIT_SECONDS", "long"),
        *(("LONG_LEDGER", text) for text in ("1", "yes", "True", "long")),
    ],
)
def test_an_invalid_variable_is_named_with_its_value(variable: str, text: str) -> None:
    with pytest.raises(InvalidArgument, match=f"S3LEADER_{variable} to be .* got '{text}'"):
        Settings.merge(Arguments(), {**PLACE, f"S3LEADER_{variable}": text})


@pytest.mark.parametrize(
    ("variable", "first"),
    [(None, List), ("", List), ("false", List), ("true", Read)],
)
def test_the_environment_says_whether_a_cold_start_reads_the_hint_first(
    monkeypatch: pytest.MonkeyPatch, variable: str | None, first: type[StoreRequest]
) -> None:
    set_or_leave(monkeypatch, "S3LEADER_LONG_LEDGER", variable)
    store = MemoryStore()
    singleton_on(store)(lambda event, context, term: None)({}, Context())
    assert isinstance(store.requests[0], first)


@pytest.mark.parametrize("missing", PLACE)
def test_a_missing_variable_is_named(missing: str) -> None:
    with pytest.raises(InvalidArgument, match=missing):
        Settings.merge(Arguments(), {**PLACE, missing: ""})


def test_the_environment_sets_the_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S3LEADER_PREFIX", "team/elections/")
    store = MemoryStore()
    singleton_on(store)(lambda event, context, term: None)({}, Context())
    assert store.keys() == ("team/elections/nightly/lock_0000000001.json",)


OPTIONS = {
    "S3LEADER_REGION": "eu-west-1",
    "S3LEADER_ENCRYPTION": "aws:kms",
    "S3LEADER_KMS_KEY": KMS_KEY,
    "S3LEADER_BUCKET_OWNER": "111122223333",
}


def test_the_environment_sets_the_bucket_options(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def lock_store(bucket: str, lease: timedelta, *, options: BucketOptions) -> MemoryStore:
        asked.extend([bucket, options])
        return MemoryStore()

    monkeypatch.setattr("s3leader._io.lock_store.lock_store", lock_store)
    for variable, value in OPTIONS.items():
        monkeypatch.setenv(variable, value)
    singleton(lambda event, context, term: None)({}, Context())
    region, encryption, key, owner = OPTIONS.values()
    options = BucketOptions(region=region, encryption=encryption, kms_key=key, bucket_owner=owner)
    assert asked == ["locks", options]


def test_an_empty_variable_sets_no_bucket_option() -> None:
    settings = Settings.merge(Arguments(), {**PLACE, **dict.fromkeys(OPTIONS, "")})
    assert settings.bucket_options == BucketOptions()


@pytest.mark.parametrize("variable", OPTIONS)
def test_an_invalid_bucket_option_names_its_variable(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "no such")
    handler = singleton(lambda event, context, term: None)
    with pytest.raises(InvalidArgument, match=f"{variable}.*'no such'|'no such'.*{variable}"):
        handler({}, Context())


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
        ({"bucket": "locks--use1-az4--x-s3"}, "directory bucket"),
        ({"wait": timedelta(seconds=-1)}, "wait is"),
        ({"wait": 5}, "wait is 5; give a timedelta"),
    ],
    ids=str,
)
def test_an_invalid_argument_is_refused_when_decorating(given: dict[str, Any], says: str) -> None:
    with pytest.raises((InvalidArgument, BucketUnusable), match=says):
        singleton(**given)
