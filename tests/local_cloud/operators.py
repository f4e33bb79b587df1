"""The command line as an operator of a deployed job runs it, in this process."""

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local_cloud import LocalCloud
from s3leader import Election
from s3leader_cli.__main__ import main
from s3leader_cli.options import ElectionPlace
from tests.local_cloud.granted_roles import create_role

APP = Path(__file__).parent / "continued_app.py"
REGION = "us-east-1"
ROLE = "operator"
ALL = "arn:aws:{}:*:*:{}"
# What docs/permissions.md lists for operators, apart from reading the ledger.
RIGHTS: dict[str, str] = {
    "ssm:GetParametersByPath": "*",  # the emulator does not know the resource of a path
    "lambda:InvokeFunction": ALL.format("lambda", "function:*"),
    "lambda:GetFunctionConfiguration": ALL.format("lambda", "function:*"),
    "lambda:GetFunction": ALL.format("lambda", "function:*"),  # AWS: …EventInvokeConfig
    "scheduler:ListSchedules": "*",
    "scheduler:GetSchedule": ALL.format("scheduler", "schedule/*"),
    "scheduler:UpdateSchedule": ALL.format("scheduler", "schedule/*"),
    "iam:PassRole": "arn:aws:iam::*:role/*",
    "events:ListRuleNamesByTarget": "*",
    "events:DescribeRule": ALL.format("events", "rule/*"),
    "events:ListTargetsByRule": "*",  # AWS: the rule
    "events:EnableRule": ALL.format("events", "rule/*"),
    "events:DisableRule": ALL.format("events", "rule/*"),
    "sqs:GetQueueUrl": ALL.format("sqs", "*"),
    "sqs:ReceiveMessage": ALL.format("sqs", "*"),
    "sqs:DeleteMessageBatch": ALL.format("sqs", "*"),  # AWS checks it without Batch
    "sqs:ChangeMessageVisibilityBatch": ALL.format("sqs", "*"),  # the same
    "logs:FilterLogEvents": ALL.format("logs", "*"),
    "cloudwatch:DescribeAlarms": "*",
}


@dataclass(frozen=True, kw_only=True)
class Printed:
    """What a command has printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(each) for each in self.out.splitlines()]


@dataclass
class Operator:
    """Somebody who may do what `RIGHTS` says, and who acts on one of the deployed jobs."""

    cloud: LocalCloud
    outputs: dict[str, str]
    credentials: dict[str, str]

    @property
    def locks(self) -> str:
        return self.outputs["LocksName"]

    def client(self, service: str, region: str = REGION) -> Any:
        return self.cloud.client(service, region=region)

    def election(self, name: str) -> Election:
        return Election(name, bucket=self.locks, client=self.client("s3"))

    def run(self, command: str, job: str, *words: str, regions: str | None = REGION) -> Printed:
        """Run a command, by default in one Region, so that it does not search all."""
        asked = [] if regions is None else ["--regions", regions]
        out, err = io.StringIO(), io.StringIO()
        with (
            pytest.MonkeyPatch.context() as patch,
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            for name, value in self.credentials.items():
                patch.setenv(name, value)
            patch.setenv("S3LEADER_CONFIG", os.devnull)
            code = main([command, job, "--bucket", self.locks, *asked, *words], elect=self._elect)
        return Printed(code=code, out=out.getvalue(), err=err.getvalue())

    def _elect(self, place: ElectionPlace) -> Election:
        return self.election(place.election)

    @contextlib.contextmanager
    def without(self, action: str) -> Iterator[None]:
        """Take one right away while the block runs."""
        self._grant([each for each in RIGHTS if each != action])
        try:
            yield
        finally:
            self._grant([*RIGHTS])

    def _grant(self, actions: Sequence[str]) -> None:
        document = {"Version": "2012-10-17", "Statement": statements(actions)}
        self.client("iam").put_role_policy(
            RoleName=ROLE, PolicyName="granted", PolicyDocument=json.dumps(document)
        )


def statements(actions: Sequence[str]) -> list[dict[str, str]]:
    return [{"Effect": "Allow", "Action": each, "Resource": RIGHTS[each]} for each in actions]


@contextlib.contextmanager
def deployed(folder: Path, out: Path) -> Iterator[Operator]:
    """Deploy the jobs to a cloud that checks permissions."""
    settings = {
        "CDK_OUTDIR": str(out),
        "CDK_VALIDATION": "false",
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
    }
    with LocalCloud(folder, enforce=True) as cloud:
        with subprocess.Popen([sys.executable, str(APP)], env=os.environ | settings) as synthesis:
            cloud.bootstrap()
        assert synthesis.returncode == 0
        outputs = cloud.deploy("Continued", assembly=out)
        create_role(cloud, ROLE, statements([*RIGHTS]))
        yield Operator(cloud, outputs, cloud.session(ROLE))
