"""Runs of `scripts/acceptance` on an emulated cloud, as processes."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3

from local_cloud import LocalCloud
from s3leader_acceptance.account import Account
from s3leader_acceptance.deployment import Deployment
from s3leader_acceptance.progress import Progress
from s3leader_acceptance.state import State, read_states
from tests.local_cloud.job import Job
from tests.local_cloud.test_lifetime import eventually

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 300  # a run takes a tenth of that


def environment(cloud: LocalCloud) -> dict[str, str]:
    """Return the environment of a run: this one's, with the cloud's settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {
        **kept,
        **cloud.settings,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_HOME": str(cloud.directory / "cdk-home"),
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
        "NO_PROXY": "127.0.0.1,localhost",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": os.pathsep.join(str(ROOT / name) for name in ("scripts", "lambda_src")),
    }


@dataclass
class Run:
    """One run, and everything that it writes."""

    cloud: LocalCloud
    folder: Path
    process: subprocess.Popen[bytes]

    @classmethod
    def start(cls, cloud: LocalCloud, folder: Path, *arguments: str) -> "Run":
        folder.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "s3leader_acceptance", "--directory", str(folder)]
        with (folder / "printed.txt").open("ab") as output:
            process = subprocess.Popen(
                [*command, *arguments],
                env=environment(cloud),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        return cls(cloud=cloud, folder=folder, process=process)

    @property
    def printed(self) -> str:
        return (self.folder / "printed.txt").read_text()

    def says(self, text: str) -> bool:
        """Wait until the run has printed a text, or has ended."""
        return eventually(lambda: text in self.printed or self.process.poll() is not None, 60)

    def end(self) -> int:
        return self.process.wait(SECONDS)

    @property
    def name(self) -> str:
        """The stack's name."""
        (folder,) = self.folder.glob("s3leader-acceptance-*/")
        return folder.name

    @property
    def states(self) -> list[State]:
        return read_states(self.folder)

    @cached_property
    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            (self.folder / self.name / "acceptance.json").read_text()
        )
        return found

    def outcomes(self) -> dict[str, str]:
        return {each["name"]: each["outcome"] for each in self.report["checks"]}

    def left(self) -> list[str]:
        """Return everything in the cloud that has the random part of the stack's name."""
        suffix = self.name.rpartition("-")[2]
        found = Job(self.cloud, locks="").inventory()
        stacks = self.cloud.client("cloudformation").describe_stacks()["Stacks"]
        found |= {f"stack {each['StackName']}" for each in stacks}
        return sorted(each for each in found if suffix in each)

    def deployment(self) -> Deployment:
        """Return the stack of a run that was killed, for checks in this process."""
        (state,) = self.states
        outputs = json.loads((state.folder / "outputs.json").read_text())[state.stack]
        return Deployment(
            account=account_of(self.cloud),
            state=state,
            outputs=outputs,
            progress=Progress(),
            fast=True,
        )


def account_of(cloud: LocalCloud) -> Account:
    """Return the cloud's account, without regard to this process's environment."""
    session = boto3.Session(
        aws_access_key_id=cloud.settings["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=cloud.settings["AWS_SECRET_ACCESS_KEY"],
        region_name=cloud.settings["AWS_REGION"],
    )
    return Account(
        session=session,
        number="000000000000",
        region=cloud.settings["AWS_REGION"],
        profile=None,
        endpoint=cloud.settings["AWS_ENDPOINT_URL"],
    )


def staged(cloud: LocalCloud) -> set[str]:
    """Return what the CDK has uploaded."""
    s3 = cloud.client("s3")
    (bucket,) = (
        each["Name"] for each in s3.list_buckets()["Buckets"] if each["Name"].startswith("cdk-")
    )
    found = s3.list_object_versions(Bucket=bucket)
    return {each["Key"] for each in (*found.get("Versions", []), *found.get("DeleteMarkers", []))}
