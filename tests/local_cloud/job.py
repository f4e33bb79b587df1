"""A deployed job, seen through the interfaces of AWS."""

import json
from functools import cache
from typing import Any

from botocore.exceptions import ClientError

from local_cloud import LocalCloud
from s3leader import Election, Lock

ELECTION = "compaction"


class Job:
    """The contenders of one Region, their lock bucket, and the resources of that Region."""

    def __init__(
        self, cloud: LocalCloud, *, locks: str, function: str = "", region: str = "us-east-1"
    ) -> None:
        self.cloud, self.locks, self.function, self.region = cloud, locks, function, region

    def client(self, service: str) -> Any:
        return _client(self.cloud, service, self.region)

    @property
    def s3(self) -> Any:
        return self.client("s3")

    @property
    def election(self) -> Election:
        return Election(ELECTION, bucket=self.locks, client=self.s3)

    def invoke(self, tick: str | None = None, contender: int = 1) -> Any:
        """Invoke the function as a schedule would, and return its answer."""
        event = {"contender": contender} if tick is None else {"contender": contender, "tick": tick}
        made = self.client("lambda").invoke(FunctionName=self.function, Payload=json.dumps(event))
        return json.load(made["Payload"])

    def terms(self) -> list[Lock]:
        """Return the ledger, oldest first."""
        return self.election.history(limit=1000)[::-1]

    def objects(self, bucket: str) -> dict[str, bytes]:
        """Return the objects of a bucket."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        keys = [each["Key"] for page in pages for each in page.get("Contents", [])]
        return {key: self.s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}

    def settings(self, bucket: str) -> dict[str, Any]:
        """Return the configuration of a bucket, None for what is not configured."""
        policy = _answer(self.s3.get_bucket_policy, bucket)
        return {
            "policy": policy and json.loads(policy["Policy"]),
            "lifecycle": _answer(self.s3.get_bucket_lifecycle_configuration, bucket),
            "public access": _answer(self.s3.get_public_access_block, bucket),
            "versioning": _answer(self.s3.get_bucket_versioning, bucket),
            "tags": _answer(self.s3.get_bucket_tagging, bucket),
        }

    def schedules(self) -> dict[str, tuple[str, str]]:
        """Return the expression and the state of each schedule in the Region."""
        scheduler = self.client("scheduler")
        listed = scheduler.list_schedules()["Schedules"]
        each = [scheduler.get_schedule(Name=s["Name"], GroupName=s["GroupName"]) for s in listed]
        return {found["Name"]: (found["ScheduleExpression"], found["State"]) for found in each}

    def inventory(self) -> set[str]:
        """Return the names of all resources of the kinds that the app creates."""
        listed = {
            ("lambda", "list_functions", "Functions"): "FunctionName",
            ("logs", "describe_log_groups", "logGroups"): "logGroupName",
            ("cloudwatch", "describe_alarms", "MetricAlarms"): "AlarmName",
            ("cloudwatch", "list_dashboards", "DashboardEntries"): "DashboardName",
            ("scheduler", "list_schedule_groups", "ScheduleGroups"): "Name",
            ("scheduler", "list_schedules", "Schedules"): "Name",
            ("iam", "list_roles", "Roles"): "RoleName",
            ("s3", "list_buckets", "Buckets"): "Name",
        }
        names = {
            f"{service} {each[name]}"
            for (service, operation, result), name in listed.items()
            for each in getattr(self.client(service), operation)()[result]
        }
        queues = self.client("sqs").list_queues().get("QueueUrls", [])
        return names | {f"sqs {url}" for url in queues}


@cache  # creating a client takes a tenth of a second
def _client(cloud: LocalCloud, service: str, region: str) -> Any:
    return cloud.client(service, region=region)


def _answer(operation: Any, bucket: str) -> Any:
    try:
        answer = operation(Bucket=bucket)
    except ClientError:
        return None
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}
