"""A check of S3: the lifecycle rule that deletes superseded locks."""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import ClientError

from s3leader_acceptance.deployment import Deployment
from s3leader_acceptance.results import Result, failed, not_checked, passed

_SHORTEST_HISTORY = timedelta(days=1)


def lifecycle(deployment: Deployment) -> Generator[None, None, Result]:
    """Read the lifecycle rule back, and which objects S3 says that it will delete, and when."""
    yield
    rules = _rules(deployment)
    if rules is None and not deployment.sets_lifecycle_rules:
        return not_checked("this cloud gives no bucket the lifecycle rules of its template")
    if rules is None:
        return failed("the bucket has no lifecycle rule, so its locks would never be deleted")
    expiring = [each for each in rules if each.get("Expiration", {}).get("Days")]
    tags = [_tags(each) for each in expiring]
    if tags != [{"superseded": "true"}] or expiring[0]["Status"] != "Enabled":
        return failed(
            f"{len(expiring)} rules delete by age, with the tags {tags}; expected one, for"
            " superseded=true alone"
        )
    return _announced(deployment, days=expiring[0]["Expiration"]["Days"])


def _rules(deployment: Deployment) -> list[dict[str, Any]] | None:
    try:
        answer = deployment.s3.get_bucket_lifecycle_configuration(Bucket=deployment.bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchLifecycleConfiguration":
            raise
        return None
    rules: list[dict[str, Any]] = answer["Rules"]
    return rules


def _announced(deployment: Deployment, *, days: int) -> Result:
    """Read which of two locks S3 announces to delete, and when."""
    bucket, s3 = deployment.bucket, deployment.s3
    tagged, plain = (deployment.lock_key("lifecycle", term) for term in (1, 2))
    for key in (tagged, plain):
        s3.put_object(Bucket=bucket, Key=key, Body=b"{}", IfNoneMatch="*")
    s3.put_object_tagging(
        Bucket=bucket, Key=tagged, Tagging={"TagSet": [{"Key": "superseded", "Value": "true"}]}
    )
    deleted, kept = (
        s3.head_object(Bucket=bucket, Key=key).get("Expiration") for key in (tagged, plain)
    )
    evidence = {"days": days}
    if kept is not None:
        return failed("S3 announces the deletion of a lock that has no tag", **evidence)
    if deleted is None:
        return not_checked(
            "the rule was accepted, but no answer says which objects it will delete", **evidence
        )
    date = parsedate_to_datetime(deleted.split('"')[1])
    when = f"{date:%Y-%m-%d %H:%M} UTC"
    if date - datetime.now(UTC) < _SHORTEST_HISTORY:
        return failed("S3 announces the deletion of a lock within a day", on=when, **evidence)
    return passed(on=when, **evidence)


def _tags(rule: dict[str, Any]) -> dict[str, str]:
    filtered = rule.get("Filter", {})
    found = [*filtered.get("And", {}).get("Tags", []), *filter(None, [filtered.get("Tag")])]
    return {each["Key"]: each["Value"] for each in found}
