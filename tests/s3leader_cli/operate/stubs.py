"""boto3 clients with scripted answers, in the place of those that the commands make."""

import io
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.stub import Stubber

from s3leader_cli.aws.deployed_job import DeployedJob, Task
from s3leader_cli.options import ElectionPlace

PLACE = ElectionPlace(election="nightly", bucket="locks", prefix="elections/", region="us-east-1")
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:nightly"
CLUSTER = "arn:aws:ecs:us-east-1:123456789012:cluster/jobs"
DEFINITION = "arn:aws:ecs:us-east-1:123456789012:task-definition/nightly:7"
TASK = f"{CLUSTER}/task"
RECORD = "record /s3leader/nightly/0"
JOB = DeployedJob(region="us-east-1", election="nightly", source=RECORD, function=FUNCTION)
TASK_JOB = DeployedJob(
    region="us-east-1",
    election="nightly",
    source=RECORD,
    group="group",
    task=Task(cluster=CLUSTER, definition=DEFINITION, container="job"),
)


def stubbed(service: str, region: str = "us-east-1") -> tuple[Any, Stubber]:
    """Return a client without retries, and the script of its answers."""
    session = boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="test")
    factory: Any = session.client
    made = factory(service, region_name=region, config=Config(retries={"total_max_attempts": 1}))
    stubber = Stubber(made)
    stubber.activate()
    return made, stubber


def replace_client(monkeypatch: pytest.MonkeyPatch, module: str, **clients: Any) -> None:
    """Let a module of s3leader_cli.aws get these clients, by service."""

    def client(service: str, region: str | None = None, **options: Any) -> Any:
        return clients[service]

    monkeypatch.setattr(f"s3leader_cli.aws.{module}.client", client)


class Lambda:
    """A function that answers with a payload, or whose connection breaks with an error."""

    def __init__(self, answer: bytes | Exception | Callable[[], bytes], **more: Any) -> None:
        self.answer, self.more = answer, more
        self.calls: list[dict[str, Any]] = []

    def invoke(self, **call: Any) -> dict[str, Any]:
        self.calls.append(call)
        if isinstance(self.answer, Exception):
            raise self.answer
        body = self.answer() if callable(self.answer) else self.answer
        return {"Payload": io.BytesIO(body), "ResponseMetadata": {"RequestId": "r"}, **self.more}
