"""Destroys what a run has created, and lists what is left."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from s3leader_acceptance.account import AcceptanceError, Account, Client
from s3leader_acceptance.progress import Progress
from s3leader_acceptance.state import State

_TRIES = 4
_STACK_SECONDS = 1800
_LISTED_SECONDS = 120
_GONE = {
    "NoSuchBucket",
    "NoSuchBucketPolicy",
    "ResourceNotFoundException",
    "ValidationError",  # CloudFormation of a stack that does not exist
}
# Each kind of resource in the stack: service, operation, key of the answer, key of the name.
_KINDS = (
    ("lambda", "list_functions", "Functions", "FunctionName"),
    ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    ("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
    ("scheduler", "list_schedule_groups", "ScheduleGroups", "Name"),
    ("scheduler", "list_schedules", "Schedules", "Name"),
    ("sqs", "list_queues", "QueueUrls", ""),
    ("iam", "list_roles", "Roles", "RoleName"),
    ("s3", "list_buckets", "Buckets", "Name"),
    ("ssm", "describe_parameters", "Parameters", "Name"),
)


def destroy(state: State, account: Account, progress: Progress) -> None:
    """Delete everything, list what is left, and forget the state if that is nothing."""
    if account.number != state.account:
        raise AcceptanceError(
            f"{state.stack} is in another account than the credentials: sign in to that one"
        )
    progress.say(f"destroying {state.stack}")
    for group, name in state.schedules:
        delete = account.client("scheduler").delete_schedule
        _unless_gone(partial(delete, GroupName=group, Name=name))
    _Stack(state, account, progress).delete()
    for bucket, key in state.assets:
        _empty(account.client("s3"), bucket, key)
    left = leftovers(state, account)
    if left:  # some lists are late, that of queues by a minute
        progress.wait(
            "lists without what is deleted",
            lambda: not leftovers(state, account),
            seconds=_LISTED_SECONDS,
            every=3.0,
        )
        left = leftovers(state, account)
    if left:
        raise AcceptanceError(
            "not everything could be destroyed. Left: "
            + ", ".join(left)
            + ". Correct the cause, and run scripts/acceptance --destroy"
        )
    state.forget()
    for name in ("job", "cdk.out"):
        shutil.rmtree(state.folder / name, ignore_errors=True)
    progress.say(f"{state.stack} and all that belongs to it are gone: each service lists nothing")


def leftovers(state: State, account: Account) -> list[str]:
    """Return the kind and name of everything that still exists, as each service lists it."""
    found = []
    if _Stack(state, account, Progress()).status() is not None:
        found.append(f"cloudformation {state.stack}")
    for service, operation, key, name in _KINDS:
        client = account.client(service)
        for each in _pages(client, operation, key):
            text = str(each[name] if name else each)
            if state.suffix in text:
                found.append(f"{service} {text}")
    s3 = account.client("s3")
    for bucket, key in state.assets:
        found += [f"s3 {bucket}/{key}" for _ in _versions(s3, bucket, key)][:1]
    return found


def _pages(client: Client, operation: str, key: str, **parameters: str) -> Iterator[Any]:
    if not client.can_paginate(operation):
        yield from getattr(client, operation)(**parameters).get(key, [])
        return
    for page in client.get_paginator(operation).paginate(**parameters):
        yield from page.get(key, [])


class _Stack:
    """The stack in CloudFormation, and its bucket, which has to be empty to be deleted."""

    def __init__(self, state: State, account: Account, progress: Progress) -> None:
        self._state = state
        self._progress = progress
        self._formation = account.client("cloudformation")
        self._s3 = account.client("s3")

    def status(self) -> str | None:
        """Return the stack's status; None if it does not exist."""
        try:
            found = self._formation.describe_stacks(StackName=self._state.stack)["Stacks"]
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                return None
            raise
        status = found[0]["StackStatus"] if found else "DELETE_COMPLETE"
        return None if status == "DELETE_COMPLETE" else str(status)

    def delete(self) -> None:
        """Delete the stack; what keeps its bucket from being deleted is deleted before."""
        for _ in range(_TRIES):
            if self.status() is None:
                return
            self._empty_bucket()
            self._formation.delete_stack(StackName=self._state.stack)
            if (
                self._progress.wait(
                    f"the deletion of stack {self._state.stack}",
                    self._ended,
                    seconds=_STACK_SECONDS,
                    every=1.0,
                )
                is None
            ):
                raise AcceptanceError(
                    f"stack {self._state.stack} is still being deleted: run scripts/acceptance"
                    " --destroy later"
                )
        if self.status() is not None:
            raise AcceptanceError(
                f"stack {self._state.stack} could not be deleted: read its events, correct the"
                " cause, and run scripts/acceptance --destroy"
            )

    def _ended(self) -> bool:
        status = self.status()
        return status is None or status == "DELETE_FAILED"

    def _empty_bucket(self) -> None:
        bucket = self._state.bucket or self._bucket_of_stack()
        if bucket is None:
            return
        _unless_gone(partial(self._permit_deletes, bucket))
        _empty(self._s3, bucket, "")

    def _permit_deletes(self, bucket: str) -> None:
        """Remove from the bucket's policy what denies deletes of locks to everyone."""
        policy = json.loads(self._s3.get_bucket_policy(Bucket=bucket)["Policy"])
        kept = [each for each in policy["Statement"] if "s3:DeleteObject" not in each["Action"]]
        if len(kept) < len(policy["Statement"]):
            policy["Statement"] = kept
            self._s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))

    def _bucket_of_stack(self) -> str | None:
        """Return the bucket that CloudFormation has created, if it got that far."""
        for each in _pages(
            self._formation,
            "list_stack_resources",
            "StackResourceSummaries",
            StackName=self._state.stack,
        ):
            if each["ResourceType"] == "AWS::S3::Bucket":
                return each.get("PhysicalResourceId") or None
        return None


def _versions(s3: Client, bucket: str, prefix: str) -> Iterator[dict[str, str]]:
    """Yield each object of a bucket, and each old version and delete marker."""
    try:
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
            for each in (*page.get("Versions", []), *page.get("DeleteMarkers", [])):
                yield {"Key": each["Key"], "VersionId": each["VersionId"]}
    except ClientError as error:
        if error.response["Error"]["Code"] not in _GONE:
            raise


def _empty(s3: Client, bucket: str, prefix: str) -> None:
    found = [*_versions(s3, bucket, prefix)]
    for first in range(0, len(found), 1000):
        objects = found[first : first + 1000]
        s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})


def _unless_gone(delete: Callable[[], object]) -> None:
    try:
        delete()
    except ClientError as error:
        if error.response["Error"]["Code"] not in _GONE:
            raise
