"""Repairs of a ledger: skip a tick, move to another bucket, restore after locks were deleted."""

from __future__ import annotations

import json
import os
import re
import secrets
import time
from datetime import datetime

import boto3
from botocore.exceptions import ClientError

from s3leader import BucketOptions, Election, Lock

from .job import Client, jobs, log_lines


def skip(tick: str) -> None:
    """Lead a term for a tick and complete it without doing its work."""
    options = BucketOptions.from_environment()
    name, bucket = os.environ["ELECTION"], os.environ["LOCK_BUCKET"]
    term = Election(name, bucket=bucket, bucket_options=options).campaign(tick)
    if not term:
        raise SystemExit(f"not elected: {term.reason}")
    term.resign("completed", reason="skipped by an operator")
    print(f"term {term.number}: {tick} and all before it are done")


def move(new: str) -> None:
    """Close the ledger in LOCK_BUCKET and copy its highest lock to a new bucket. Repeatable."""
    name, old, s3 = os.environ["ELECTION"], os.environ["LOCK_BUCKET"], boto3.client("s3")
    key = f"elections/{name}/lock_{{:010d}}.json".format
    newest = Election(name, bucket=old).history(limit=2)
    closed = bool(newest) and newest[0].problem is not None
    highest = newest[1] if closed else newest[0]
    if not highest.sealed:
        raise SystemExit(f"term {highest.term} is not over: wait, or depose it if it has lapsed")
    there = Election(name, bucket=new).observe()
    if there is not None and there.nonce != highest.nonce:
        raise SystemExit(f"{new} has a ledger of its own, at term {there.term}")
    if not closed:  # fails if a candidate has begun the next term in the meantime
        note = f"this ledger was moved to {new} after term {highest.term}".encode()
        s3.put_object(Bucket=old, Key=key(highest.term + 1), Body=note, IfNoneMatch="*")
    if there is None:
        body = s3.get_object(Bucket=old, Key=key(highest.term))["Body"].read()
        s3.put_object(Bucket=new, Key=key(highest.term), Body=body, IfNoneMatch="*")
    print(f"{new} goes on after term {highest.term}")


def restore_policy() -> None:
    """Put back the policy of LOCK_BUCKET, which holds nothing but locks."""
    bucket, s3 = os.environ["LOCK_BUCKET"], boto3.client("s3")
    partition = boto3.Session().get_partition_for_region(s3.meta.region_name)
    arn, deny = f"arn:{partition}:s3:::{bucket}", {"Effect": "Deny", "Principal": {"AWS": "*"}}
    statements = [
        {
            **deny,
            "Action": "s3:*",
            "Resource": [arn, f"{arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
        {
            **deny,
            "Sid": "DenyUnconditionalWrites",
            "Action": "s3:PutObject",
            "Resource": f"{arn}/elections/*",
            "Condition": {"Null": {"s3:if-match": "true", "s3:if-none-match": "true"}},
        },
        {
            **deny,
            "Sid": "DenyDeletesOfLocks",
            "Action": ["s3:DeleteObject", "s3:DeleteObjectVersion"],
            "Resource": f"{arn}/elections/*/lock_*",
        },
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)


def highest() -> None:
    """Print the highest term number known from locks, fenced objects, results and logs."""
    s3, election = boto3.client("s3"), os.environ["ELECTION"]
    locks, data = os.environ["LOCK_BUCKET"], os.environ["DATA_BUCKET"]
    folder = f"elections/{election}/"
    results = [*_keys(s3, data, "compacted/"), *_keys(s3, data, "rejected/")]
    found = {
        "locks that are left": _number(r"lock_(\d{10})\.json$", _keys(s3, locks, folder)),
        "hint": _value(s3, locks, f"{folder}hint.json", "term"),
        "fenced manifest": _value(s3, data, "compacted/manifest.json", "fencing_token"),
        "names of results": _number(r"/term_(\d{10})/", results),
    }
    done = ""
    for region, line in log_lines("{ $.term > 0 }"):
        if isinstance(line.get("term"), int) and line.get("service") == election:
            found[f"logs of {region}"] = max(found.get(f"logs of {region}", 0), line["term"])
            if line.get("outcome") == "completed":
                done = max(done, line.get("tick") or "")
    for place, term in found.items():
        print(f"{term:10} {place}")
    print(f"{max(found.values()):10} is the highest. Latest completed tick: {done or 'unknown'}")


def _keys(s3: Client, bucket: str, prefix: str) -> list[str]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [each["Key"] for page in pages for each in page.get("Contents", [])]


def _number(pattern: str, keys: list[str]) -> int:
    return max((int(match[1]) for key in keys if (match := re.search(pattern, key))), default=0)


def _value(s3: Client, bucket: str, key: str, name: str) -> int:
    try:
        return int(json.load(s3.get_object(Bucket=bucket, Key=key)["Body"])[name])
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchKey":
            raise
        return 0


def put_lock(number: str, done: str) -> None:
    """Create a sealed lock with a number above all that were used."""
    term = int(number)
    lock = Lock(
        term=term,
        expired=True,
        nonce=secrets.token_hex(16),
        done=datetime.strptime(done, "%Y-%m-%dT%H:%M:%S%z"),
        swept=term - 1,
        outcome="deposed",
        reason="restored by an operator after locks were deleted",
    )
    key = f"elections/{os.environ['ELECTION']}/lock_{term:010d}.json"
    boto3.client("s3").put_object(
        Bucket=os.environ["LOCK_BUCKET"], Key=key, Body=lock.encode(), IfNoneMatch="*"
    )


def restart() -> None:
    """Make Lambda start new environments, which remember no lock."""
    for region, function in jobs():
        client = boto3.client("lambda", region_name=region)
        found = client.get_function_configuration(FunctionName=function)
        variables = found["Environment"]["Variables"] | {"LEDGER_RESTORED_AT": f"{time.time():.0f}"}
        client.update_function_configuration(
            FunctionName=function, Environment={"Variables": variables}
        )
        client.get_waiter("function_updated_v2").wait(FunctionName=function)
