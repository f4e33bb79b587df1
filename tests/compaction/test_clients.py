"""The client for inputs reads times as botocore does, and keeps a connection for each reader."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.utils import parse_timestamp

from compaction import Limits
from compaction.clients import data_client, parsed_time

PAGE = b"""<?xml version="1.0"?><ListBucketResult><Contents><Key>events/a</Key>
<LastModified>2026-11-23T06:00:00.000Z</LastModified></Contents></ListBucketResult>"""


class Raw(io.BytesIO):
    """The body of an answer as urllib3 has it."""

    def stream(self, **_: Any) -> list[bytes]:
        return [self.read()]


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T06:00:00.000Z",
        "2026-11-23T06:00:00Z",
        "2026-11-23T06:00:00+01:00",
        "Mon, 23 Nov 2026 06:00:00 GMT",
        "Mon, 23 Nov 2026 06:00:00 +0000",
        "23 Nov 2026 06:00",
        "1795413600",
        1_795_413_600,
    ],
)
def test_times_are_what_botocore_reads(text: Any) -> None:
    assert parsed_time(text) == parse_timestamp(text)


def test_text_that_is_no_time_is_refused_as_botocore_refuses_it() -> None:
    with pytest.raises(ValueError, match="Invalid timestamp"):
        parsed_time("soon")


@pytest.mark.usefixtures("credentials")
def test_client_reads_times_so_and_sends_a_user_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def parse(text: str) -> datetime:
        read.append(text)
        return datetime(2026, 11, 23, tzinfo=UTC)

    sent: list[Any] = []

    def answer(request: Any, **_: Any) -> Any:
        sent.append(request.headers["User-Agent"])
        headers: Any = {}
        return AWSResponse(request.url, 200, headers, Raw(PAGE))

    monkeypatch.setattr("compaction.clients.parsed_time", parse)
    client = data_client()
    client.meta.events.register("before-send.s3", answer)
    client.list_objects_v2(Bucket="data")
    assert read == ["2026-11-23T06:00:00.000Z"]
    (agent,) = sent
    assert agent.startswith(b"Boto3/")
    assert b"s3leader-compaction" in agent


@pytest.mark.usefixtures("credentials")
def test_each_reader_and_each_thread_that_asks_for_an_input_keeps_its_connection() -> None:
    config: Any = data_client().meta.config
    assert config.max_pool_connections >= 2 * Limits().readers
