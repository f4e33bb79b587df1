"""Starts the emulator, waits until it answers, gives access to it, and stops it."""

import json
import socket
import sys
import time
import urllib.request
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Self

import boto3
from botocore.config import Config

from local_cloud.cdk import Cdk
from local_cloud.child_process import ChildProcess, kill_group, package_path
from local_cloud.decisions import Decision, read_decisions
from local_cloud.environment import (
    ACCOUNT,
    aws_settings,
    emulator_environment,
    enforcing_environment,
    new_key_id,
    process_environment,
)
from local_cloud.errors import LocalCloudError
from local_cloud.invocations import Invocation, read_invocations

_PROJECT = Path(__file__).resolve().parent.parent.parent
_START_SECONDS = 60
_START_TRIES = 3
_STATE = "cloud.json"


class LocalCloud:
    """An emulated cloud for as long as a `with` block runs."""

    def __init__(self, directory: Path, *, enforce: bool = False) -> None:
        """Prepare a cloud whose files are under `directory`.

        With `enforce` it checks IAM (see the package's description).
        """
        self.directory = directory.resolve()
        self._enforce = enforce
        self._key_id = new_key_id()
        self._port = 0
        self._process: ChildProcess | None = None

    def __enter__(self) -> Self:
        """Start the emulator and wait until it answers."""
        (self.directory / "tmp").mkdir(parents=True, exist_ok=True)
        for left in reversed(range(_START_TRIES)):
            try:
                self._start()
            except LocalCloudError:
                if left == 0:
                    raise
            else:
                return self
        raise AssertionError("unreachable")

    def __exit__(self, *_: object) -> None:
        """Stop everything that runs in the cloud."""
        self.stop()

    def stop(self) -> None:
        """Kill the emulator and its functions' processes; nothing that it holds is saved."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def keep(self) -> int:
        """Leave the cloud running when this process ends; return the group to kill later."""
        process = self._running()
        self._process = None
        process.release()
        state = {"group": process.group, "settings": self.settings}
        (self.directory / _STATE).write_text(json.dumps(state))
        return process.group

    @property
    def log(self) -> Path:
        """The file with the output of the emulator."""
        return self.directory / "emulator.log"

    @property
    def group(self) -> int:
        """The process group that everything in the cloud belongs to."""
        return self._running().group

    @property
    def settings(self) -> dict[str, str]:
        """The variables that point an AWS client at this cloud, as its root."""
        return aws_settings(self._port, self._key_id)

    @property
    def env(self) -> dict[str, str]:
        """The whole environment for a process that works against this cloud."""
        return process_environment(self.directory, self.settings)

    def session(self, role: str) -> dict[str, str]:
        """Return `settings` with the credentials of a new session in a role of that name.

        The emulator's root may assume any role that a service may assume without conditions.
        """
        arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
        made = self.client("sts").assume_role(RoleArn=arn, RoleSessionName="local-cloud")
        return {
            **self.settings,
            "AWS_ACCESS_KEY_ID": made["Credentials"]["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": made["Credentials"]["SecretAccessKey"],
            "AWS_SESSION_TOKEN": made["Credentials"]["SessionToken"],
        }

    def client(self, service: str, *, role: str | None = None, region: str | None = None) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
        """Return a boto3 client for this cloud; the environment of this process has no effect.

        It acts in a session of `role`, or else as the cloud's root; in `region`, or else the first.
        """
        settings = self.settings if role is None else self.session(role)
        session = boto3.Session(
            aws_access_key_id=settings["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=settings["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=settings.get("AWS_SESSION_TOKEN"),
            region_name=region or settings["AWS_REGION"],
        )
        config = Config(proxies={}, retries={"mode": "standard", "total_max_attempts": 1})
        factory: Any = session.client
        return factory(service, endpoint_url=settings["AWS_ENDPOINT_URL"], config=config)

    def bootstrap(self, *regions: str) -> None:
        """Run `cdk bootstrap` for the Region of `settings`, or for others."""
        self._cdk().bootstrap(regions or [self.settings["AWS_REGION"]])

    def synthesis(
        self, context: Mapping[str, str], *, app: Path | None = None
    ) -> AbstractContextManager[Path]:
        """Run `cdk synth` while a block runs; the folder is complete after the block.

        `app` is the file of another app than the project's.
        """
        return self._cdk().synthesis(context, app)

    def deploy(self, stack: str, *, assembly: Path) -> dict[str, str]:
        """Run `cdk deploy` for one stack; return its outputs."""
        return self._cdk().deploy(assembly, stack).get(stack, {})

    def deploy_all(self, assembly: Path) -> dict[str, dict[str, str]]:
        """Run `cdk deploy` for all stacks of an assembly; return their outputs by stack."""
        return self._cdk().deploy(assembly)

    def destroy(self, stack: str, *, assembly: Path) -> None:
        """Run `cdk destroy` for one stack."""
        self._cdk().destroy(assembly, stack)

    def invocations(self) -> list[Invocation]:
        """Return the invocations that schedules started, with results where they have ended."""
        return read_invocations(self._notes)

    def decisions(self) -> list[Decision]:
        """Return what sessions of roles requested, and whether it was allowed."""
        return read_decisions(self._decisions)

    @property
    def _notes(self) -> Path:
        return self.directory / "invocations.jsonl"

    @property
    def _decisions(self) -> Path:
        return self.directory / "decisions.jsonl"

    def _cdk(self) -> Cdk:
        self._running()
        return Cdk(_PROJECT, self.directory, self.settings)

    def _running(self) -> ChildProcess:
        if self._process is None:
            raise LocalCloudError("the local cloud is not running: use it inside its `with` block")
        return self._process

    def _start(self) -> None:
        self._port = _free_port()
        command = [sys.executable, "-m", "local_cloud.launcher"]
        command += ["--parent-pipe", "{parent_pipe}", "--notes", str(self._notes)]
        env = emulator_environment(self.directory, self._port)
        if self._enforce:
            command += ["--decisions", str(self._decisions)]
            env |= enforcing_environment(self._key_id)
        with self.log.open("wb") as output:
            self._process = ChildProcess(
                command,
                env={**env, "PYTHONPATH": package_path()},
                cwd=self.directory,
                output=output,
            )
        try:
            self._wait_until_it_answers()
        except BaseException:
            self.stop()
            raise

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        process = self._running().process
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise LocalCloudError.with_log("the emulator ended during its start", self.log)
            if _healthy(self.settings):
                return
            time.sleep(0.05)
        raise LocalCloudError.with_log(
            f"the emulator did not answer within {_START_SECONDS} seconds", self.log
        )


def stop_kept(directory: Path) -> None:
    """Stop a cloud that `keep` has left running in `directory`."""
    state = directory / _STATE
    if not state.exists():
        raise LocalCloudError(f"expected a running cloud in {directory}, found no {_STATE}")
    found = json.loads(state.read_text())
    if _healthy(found["settings"]):  # else it has ended, and its id may be another process's
        kill_group(found["group"])
    state.unlink()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _healthy(settings: Mapping[str, str]) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{settings['AWS_ENDPOINT_URL']}/_ministack/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
