"""The operation that needs each permission of the deployed stack, by the name of the case."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.local_cloud.granted_roles import ACCOUNT
from tests.local_cloud.permission_job import ANOTHER_LOCK, FENCED, FOLDER, CheckedJob
from tests.local_cloud.permissions import Permission, condition_text

LOCKS, HINT = f"<locks>/{FOLDER}lock_*", f"<locks>/{FOLDER}hint.json"
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
EVERYONE = condition_text({"AWS": "*"})


@dataclass(frozen=True, kw_only=True)
class Case:
    """A permission and an operation that needs it.

    `blocking` are permissions to remove too, because with them the operation does not get so far.
    """

    permission: Permission
    use: Callable[[CheckedJob], object]
    blocking: frozenset[Permission] = frozenset()


def _permission(policy: str, action: str, resource: str, condition: Any = None) -> Permission:
    return Permission(
        policy=policy, action=action, resource=resource, condition=condition_text(condition)
    )


def _candidate(
    use: Callable[[CheckedJob], object], action: str, resource: str, condition: Any = None
) -> Case:
    return Case(permission=_permission("candidate", action, resource, condition), use=use)


def _observer(
    use: Callable[[CheckedJob], object], action: str, resource: str, condition: Any = None
) -> Case:
    return Case(permission=_permission("observer", action, resource, condition), use=use)


def _writer(use: Callable[[CheckedJob], object], action: str, condition: Any) -> Case:
    return Case(permission=_permission("writer", action, f"<data>/{FENCED}", condition), use=use)


def _listing(prefix: str) -> Any:
    return {**OWN_ACCOUNT, "StringLike": {"s3:prefix": f"{FOLDER}{prefix}"}}


# -------------------------------------------------------------------------- operations


def a_tick(job: CheckedJob) -> None:
    job.run()


def a_tick_after_another_candidates(job: CheckedJob) -> None:
    job.lead_before()
    job.run()


def a_tick_whose_leader_writes_the_hint(job: CheckedJob) -> None:
    job.advance_to_hint()
    job.run()


def the_first_hint(job: CheckedJob) -> None:
    job.s3.delete_object(Bucket=job.locks, Key=f"{FOLDER}hint.json")
    a_tick_whose_leader_writes_the_hint(job)


def a_hint_after_another(job: CheckedJob) -> None:
    job.s3.put_object(Bucket=job.locks, Key=f"{FOLDER}hint.json", Body=b'{"term": 1}')
    a_tick_whose_leader_writes_the_hint(job)


def a_tick_with_an_input(job: CheckedJob) -> None:
    job.put("events/one.ndjson")
    job.run()


def a_tick_with_a_malformed_line(job: CheckedJob) -> None:
    job.put("events/malformed.ndjson", b'{"event": \n')
    job.run()


def a_tick_after_200_parts(job: CheckedJob) -> None:
    job.link_to_segment()
    job.run()


def a_tick_after_a_part_was_orphaned(job: CheckedJob) -> None:
    job.orphan("compacted")
    job.run()


def a_tick_after_rejects_were_orphaned(job: CheckedJob) -> None:
    job.orphan("rejected")
    job.run()


def rejects_written_again(job: CheckedJob) -> None:
    job.write_twice("rejected")


def a_failed_event(job: CheckedJob) -> None:
    job.fail()


def a_fired_tick(job: CheckedJob) -> None:
    job.fire()


def a_look(job: CheckedJob) -> None:
    job.observe()


def a_look_at_a_long_ledger(job: CheckedJob) -> None:
    job.observe(page=1)


def a_fenced_object_read(job: CheckedJob) -> None:
    job.read_fenced()


def a_first_fenced_write(job: CheckedJob) -> None:
    job.write_fenced(anew=True)


def another_fenced_write(job: CheckedJob) -> None:
    job.write_fenced(anew=False)


_INVOKE = _permission("scheduler", "lambda:InvokeFunction", "<function>")

CASES = {
    "candidate-lists-its-locks": _candidate(
        a_tick_after_another_candidates, "s3:ListBucket", "<locks>", _listing("lock_*")
    ),
    "candidate-reads-a-lock": _candidate(
        a_tick_after_another_candidates, "s3:GetObject", LOCKS, OWN_ACCOUNT
    ),
    "candidate-creates-a-lock": _candidate(a_tick, "s3:PutObject", LOCKS, CREATING),
    "candidate-replaces-its-lock": _candidate(a_tick, "s3:PutObject", LOCKS, REPLACING),
    "candidate-tags-the-superseded-lock": _candidate(a_tick, "s3:PutObjectTagging", LOCKS, ONE_TAG),
    "candidate-reads-the-hint": _candidate(
        a_tick_whose_leader_writes_the_hint, "s3:GetObject", HINT, OWN_ACCOUNT
    ),
    "candidate-creates-the-hint": _candidate(the_first_hint, "s3:PutObject", HINT, CREATING),
    "candidate-replaces-the-hint": _candidate(
        a_hint_after_another, "s3:PutObject", HINT, REPLACING
    ),
    "function-opens-a-log-stream": _candidate(a_tick, "logs:CreateLogStream", "<logs>:*"),
    "function-writes-its-log": _candidate(a_tick, "logs:PutLogEvents", "<logs>:*"),
    "function-leaves-what-it-gave-up-on": _candidate(
        a_failed_event, "sqs:SendMessage", "<unprocessed>"
    ),
    "job-lists-its-data": _candidate(a_tick, "s3:ListBucket", "<data>", OWN_ACCOUNT),
    "job-reads-an-input": _candidate(a_tick_with_an_input, "s3:GetObject", EVENTS, OWN_ACCOUNT),
    "job-deletes-a-compacted-input": _candidate(
        a_tick_with_an_input, "s3:DeleteObject", EVENTS, OWN_ACCOUNT
    ),
    "job-writes-a-part": _candidate(a_tick_with_an_input, "s3:PutObject", PARTS, OWN_ACCOUNT),
    "job-reads-a-segment": _candidate(a_tick_after_200_parts, "s3:GetObject", PARTS, OWN_ACCOUNT),
    "job-deletes-an-orphaned-part": _candidate(
        a_tick_after_a_part_was_orphaned, "s3:DeleteObject", PARTS, OWN_ACCOUNT
    ),
    "job-writes-rejects": _candidate(
        a_tick_with_a_malformed_line, "s3:PutObject", REJECTS, OWN_ACCOUNT
    ),
    "job-recognises-its-own-rejects": _candidate(
        rejects_written_again, "s3:GetObject", REJECTS, OWN_ACCOUNT
    ),
    "job-deletes-orphaned-rejects": _candidate(
        a_tick_after_rejects_were_orphaned, "s3:DeleteObject", REJECTS, OWN_ACCOUNT
    ),
    "job-reads-the-manifest": _candidate(a_tick, "s3:GetObject", MANIFEST, OWN_ACCOUNT),
    "job-writes-the-manifest": _candidate(a_tick, "s3:PutObject", MANIFEST, OWN_ACCOUNT),
    "scheduler-starts-a-contender": Case(permission=_INVOKE, use=a_fired_tick),
    "scheduler-leaves-what-never-arrived": Case(
        permission=_permission("scheduler", "sqs:SendMessage", "<undelivered>"),
        use=a_fired_tick,
        blocking=frozenset({_INVOKE}),
    ),
    "observer-lists-the-locks": _observer(a_look, "s3:ListBucket", "<locks>", _listing("lock_*")),
    "observer-reads-a-lock": _observer(a_look, "s3:GetObject", LOCKS, OWN_ACCOUNT),
    "writer-reads-the-fenced-object": _writer(a_fenced_object_read, "s3:GetObject", OWN_ACCOUNT),
    "writer-creates-the-fenced-object": _writer(a_first_fenced_write, "s3:PutObject", CREATING),
    "writer-replaces-the-fenced-object": _writer(another_fenced_write, "s3:PutObject", REPLACING),
    "observer-reads-the-hint": _observer(
        a_look_at_a_long_ledger, "s3:GetObject", HINT, OWN_ACCOUNT
    ),
}


# -------------------------------------------------------------------------- denials for everyone


@dataclass(frozen=True, kw_only=True)
class Denial:
    """What the lock bucket's policy denies even to an administrator."""

    permission: Permission
    use: Callable[[CheckedJob], object]


def _denial(
    use: Callable[[CheckedJob], object], action: str, resource: str, condition: Any = None
) -> Denial:
    return Denial(permission=_denied("bucket of locks", action, resource, condition), use=use)


def _denied(policy: str, action: str, resource: str, condition: Any = None) -> Permission:
    return Permission(
        policy=policy,
        action=action,
        resource=resource,
        condition=condition_text(condition),
        effect="Deny",
        principal=EVERYONE,
    )


def a_deletion(job: CheckedJob) -> None:
    job.admin.delete_object(Bucket=job.locks, Key=ANOTHER_LOCK)


def a_deletion_of_a_version(job: CheckedJob) -> None:
    job.admin.delete_object(Bucket=job.locks, Key=ANOTHER_LOCK, VersionId="null")


def an_unconditional_write(job: CheckedJob) -> None:
    job.admin.put_object(Bucket=job.locks, Key=ANOTHER_LOCK, Body=b"{}")


_ANY_LOCK = "<locks>/elections/*/lock_*"

DENIALS = {
    "nobody-deletes-a-lock": _denial(a_deletion, "s3:DeleteObject", _ANY_LOCK),
    "nobody-deletes-a-version-of-a-lock": _denial(
        a_deletion_of_a_version, "s3:DeleteObjectVersion", _ANY_LOCK
    ),
    "nobody-writes-unconditionally": _denial(
        an_unconditional_write, "s3:PutObject", "<locks>/elections/*", UNCONDITIONALLY
    ),
}


# -------------------------------------------------------------------------- without a case

_LIST_HINT = "s3:ListBucket", "<locks>", _listing("hint.json")
_SCHEDULES = {"StringEquals": {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": "<schedules>"}}

# Checked in the templates only, because the emulator does not check them.
DOCUMENTED = {
    # S3 answers 404 for a missing key only if the caller may list it; the emulator always does.
    _permission("candidate", *_LIST_HINT),
    _permission("observer", *_LIST_HINT),
    _permission(
        "writer", "s3:ListBucket", "<data>", {**OWN_ACCOUNT, "StringLike": {"s3:prefix": FENCED}}
    ),
    # The emulator that checks permissions counts each request as sent over TLS.
    *(
        _denied(f"bucket of {name}", "s3:*", resource, WITHOUT_TLS)
        for name in ("locks", "data")
        for resource in (f"<{name}>", f"<{name}>/*")
    ),
    *(
        _denied(f"queue {name}", "sqs:*", f"<{name.lower()}>", WITHOUT_TLS)
        for name in ("Undelivered", "Unprocessed")
    ),
    # The emulator runs a function whether or not the role trusts Lambda.
    Permission(
        policy="trust of the candidate",
        action="sts:AssumeRole",
        principal=condition_text({"Service": "lambda.amazonaws.com"}),
    ),
}

# Shown by `test_the_scheduler_acts_for_the_job_s_own_schedules_only`.
TRUSTED = {
    Permission(
        policy="trust of the scheduler",
        action="sts:AssumeRole",
        condition=condition_text(_SCHEDULES),
        principal=condition_text({"Service": "scheduler.amazonaws.com"}),
    )
}
