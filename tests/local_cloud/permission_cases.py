"""The operation that needs each permission of the deployed stack, by the name of the case."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.local_cloud.granted_roles import ACCOUNT
from tests.local_cloud.permission_job import ANOTHER_LOCK, FENCED, FOLDER, CheckedJob
from tests.local_cloud.permissions import Permission, condition_text

LOCKS, HINT = f"<locks>/{FOLDER}lock_*", f"<locks>/{FOLDER}hint.json"
ANY_LOCK = "<locks>/elections/*/lock_*"
EVENTS, MANIFEST = "<data>/events/*", "<data>/compacted/manifest.json"
PARTS, REJECTS = "<data>/compacted/term_*", "<data>/rejected/term_*"
OWN_ACCOUNT = {"StringEquals": {"aws:ResourceAccount": ACCOUNT}}
CREATING = {**OWN_ACCOUNT, "Null": {"s3:if-none-match": "false"}}
REPLACING = {**OWN_ACCOUNT, "Null": {"s3:if-match": "false"}}
ONE_TAG = {
    "ForAllValues:StringEquals": {"s3:RequestObjectTagKeys": ["superseded"]},
    "StringEquals": {**OWN_ACCOUNT["StringEquals"], "s3:RequestObjectTag/superseded": "true"},
}
UNCONDITIONALLY = {"Null": {"s3:if-match": "true", "s3:if-none-match": "true"}}
WITHOUT_TLS = {"Bool": {"aws:SecureTransport": "false"}}

Use = Callable[[CheckedJob], object]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A permission and an operation that needs it, or that it denies.

    `blocking` are permissions to remove too, because with them the operation does not get so far.
    """

    permission: Permission
    use: Use
    blocking: frozenset[Permission] = frozenset()


def _permission(policy: str, action: str, resource: str, condition: Any = None) -> Permission:
    return Permission(
        policy=policy, action=action, resource=resource, condition=condition_text(condition)
    )


def _denied(policy: str, action: str, resource: str, condition: Any = None) -> Permission:
    return Permission(
        policy=policy,
        action=action,
        resource=resource,
        condition=condition_text(condition),
        effect="Deny",
        principal=condition_text({"AWS": "*"}),
    )


def _candidate(use: Use, action: str, resource: str, condition: Any = None) -> Case:
    return Case(permission=_permission("candidate", action, resource, condition), use=use)


def _job(use: Use, action: str, resource: str) -> Case:
    return _candidate(use, f"s3:{action}", resource, OWN_ACCOUNT)


def _observer(use: Use, action: str, resource: str, condition: Any) -> Case:
    return Case(permission=_permission("observer", action, resource, condition), use=use)


def _writer(use: Use, action: str, condition: Any) -> Case:
    return Case(permission=_permission("writer", action, f"<data>/{FENCED}", condition), use=use)


def _denial(use: Use, action: str, resource: str, condition: Any = None) -> Case:
    return Case(permission=_denied("bucket of locks", action, resource, condition), use=use)


def _listing(key: str) -> Any:
    return {**OWN_ACCOUNT, "StringLike": {"s3:prefix": key}}


tick, another = CheckedJob.run, CheckedJob.run_after_another
LIST_LOCKS = "s3:ListBucket", "<locks>", _listing(f"{FOLDER}lock_*")
INVOKE = _permission("scheduler", "lambda:InvokeFunction", "<function>")
UNDELIVERED = _permission("scheduler", "sqs:SendMessage", "<undelivered>")

CASES = {
    "candidate-lists-its-locks": _candidate(another, *LIST_LOCKS),
    "candidate-reads-a-lock": _candidate(another, "s3:GetObject", LOCKS, OWN_ACCOUNT),
    "candidate-creates-a-lock": _candidate(tick, "s3:PutObject", LOCKS, CREATING),
    "candidate-replaces-its-lock": _candidate(tick, "s3:PutObject", LOCKS, REPLACING),
    "candidate-tags-the-superseded-lock": _candidate(tick, "s3:PutObjectTagging", LOCKS, ONE_TAG),
    "candidate-reads-the-hint": _candidate(
        CheckedJob.run_to_hint, "s3:GetObject", HINT, OWN_ACCOUNT
    ),
    "candidate-creates-the-hint": _candidate(
        CheckedJob.run_to_hint, "s3:PutObject", HINT, CREATING
    ),
    "candidate-replaces-the-hint": _candidate(
        lambda job: job.run_to_hint(b'{"term": 1}'), "s3:PutObject", HINT, REPLACING
    ),
    "function-opens-a-log-stream": _candidate(tick, "logs:CreateLogStream", "<logs>:*"),
    "function-writes-its-log": _candidate(tick, "logs:PutLogEvents", "<logs>:*"),
    "function-leaves-what-it-gave-up-on": _candidate(
        CheckedJob.fail, "sqs:SendMessage", "<unprocessed>"
    ),
    "job-lists-its-data": _job(tick, "ListBucket", "<data>"),
    "job-reads-an-input": _job(CheckedJob.run_on_input, "GetObject", EVENTS),
    "job-deletes-a-compacted-input": _job(CheckedJob.run_on_input, "DeleteObject", EVENTS),
    "job-writes-a-part": _job(CheckedJob.run_on_input, "PutObject", PARTS),
    "job-reads-a-segment": _job(CheckedJob.run_after_200_parts, "GetObject", PARTS),
    "job-deletes-an-orphaned-part": _job(
        lambda job: job.run_after_orphan("compacted"), "DeleteObject", PARTS
    ),
    "job-writes-rejects": _job(lambda job: job.run_on_input(b'{"event": \n'), "PutObject", REJECTS),
    "job-recognises-its-own-rejects": _job(CheckedJob.write_rejects_twice, "GetObject", REJECTS),
    "job-deletes-orphaned-rejects": _job(
        lambda job: job.run_after_orphan("rejected"), "DeleteObject", REJECTS
    ),
    "job-reads-the-manifest": _job(tick, "GetObject", MANIFEST),
    "job-writes-the-manifest": _job(tick, "PutObject", MANIFEST),
    "scheduler-starts-a-contender": Case(permission=INVOKE, use=CheckedJob.fire),
    "scheduler-leaves-what-never-arrived": Case(
        permission=UNDELIVERED, use=CheckedJob.fire, blocking=frozenset({INVOKE})
    ),
    "observer-lists-the-locks": _observer(CheckedJob.observe, *LIST_LOCKS),
    "observer-reads-a-lock": _observer(CheckedJob.observe, "s3:GetObject", LOCKS, OWN_ACCOUNT),
    "observer-reads-the-hint": _observer(
        lambda job: job.observe(page=1), "s3:GetObject", HINT, OWN_ACCOUNT
    ),
    "writer-reads-the-fenced-object": _writer(CheckedJob.read_fenced, "s3:GetObject", OWN_ACCOUNT),
    "writer-creates-the-fenced-object": _writer(
        lambda job: job.write_fenced(anew=True), "s3:PutObject", CREATING
    ),
    "writer-replaces-the-fenced-object": _writer(
        lambda job: job.write_fenced(anew=False), "s3:PutObject", REPLACING
    ),
}

# What the lock bucket's policy denies even to an administrator.
DENIALS = {
    "nobody-deletes-a-lock": _denial(
        lambda job: job.admin.delete_object(Bucket=job.locks, Key=ANOTHER_LOCK),
        "s3:DeleteObject",
        ANY_LOCK,
    ),
    "nobody-deletes-a-version-of-a-lock": _denial(
        lambda job: job.admin.delete_object(Bucket=job.locks, Key=ANOTHER_LOCK, VersionId="null"),
        "s3:DeleteObjectVersion",
        ANY_LOCK,
    ),
    "nobody-writes-unconditionally": _denial(
        lambda job: job.admin.put_object(Bucket=job.locks, Key=ANOTHER_LOCK, Body=b"{}"),
        "s3:PutObject",
        "<locks>/elections/*",
        UNCONDITIONALLY,
    ),
}

# Checked in the templates only, because the emulator does not check them.
DOCUMENTED = {
    # S3 answers 404 for a missing key only if the caller may list it; the emulator always does.
    *(
        _permission(policy, "s3:ListBucket", bucket, _listing(key))
        for policy, bucket, key in (
            ("candidate", "<locks>", f"{FOLDER}hint.json"),
            ("observer", "<locks>", f"{FOLDER}hint.json"),
            ("writer", "<data>", FENCED),
        )
    ),
    # The emulator that checks permissions counts each request as sent over TLS.
    *(
        _denied(policy, f"{service}:*", resource, WITHOUT_TLS)
        for policy, service, resource in (
            ("bucket of locks", "s3", "<locks>"),
            ("bucket of locks", "s3", "<locks>/*"),
            ("bucket of data", "s3", "<data>"),
            ("bucket of data", "s3", "<data>/*"),
            ("queue Undelivered", "sqs", "<undelivered>"),
            ("queue Unprocessed", "sqs", "<unprocessed>"),
        )
    ),
    # The emulator runs a function whether or not the role trusts Lambda.
    Permission(
        policy="trust of the candidate",
        action="sts:AssumeRole",
        principal=condition_text({"Service": "lambda.amazonaws.com"}),
    ),
}

# Shown by `test_the_scheduler_acts_for_the_job_s_own_schedules_only`.
TRUSTED = Permission(
    policy="trust of the scheduler",
    action="sts:AssumeRole",
    condition=condition_text(
        {"StringEquals": {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": "<schedules>"}}
    ),
    principal=condition_text({"Service": "scheduler.amazonaws.com"}),
)
