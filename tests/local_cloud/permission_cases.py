"""What each right of the deployed stack is for: its name, and what cannot be done without it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.local_cloud.granted_roles import ACCOUNT
from tests.local_cloud.permission_job import ANOTHER_LOCK, FENCED, FOLDER, CheckedJob
from tests.local_cloud.permissions import Right, condition_text

LOCKS, HINT = f"<locks>/{FOLDER}lock_*", f"<locks>/{FOLDER}hint.json"
EVENTS, MANIFEST = "<data>/events/*", "<data>/compacted/manifest.json"
PARTS, REJECTS = "<data>/compacted/term_*", "<data>/rejected/term_*"
OURS = {"StringEquals": {"aws:ResourceAccount": ACCOUNT}}
CREATING = {**OURS, "Null": {"s3:if-none-match": "false"}}
REPLACING = {**OURS, "Null": {"s3:if-match": "false"}}
ONE_TAG = {
    "ForAllValues:StringEquals": {"s3:RequestObjectTagKeys": ["superseded"]},
    "StringEquals": {**OURS["StringEquals"], "s3:RequestObjectTag/superseded": "true"},
}
UNCONDITIONALLY = {"Null": {"s3:if-match": "true", "s3:if-none-match": "true"}}
IN_THE_CLEAR = {"Bool": {"aws:SecureTransport": "false"}}
EVERYONE = condition_text({"AWS": "*"})


@dataclass(frozen=True, kw_only=True)
class Case:
    """A right, and what asks for it; `hindered` is taken away too, as without it nothing does."""

    right: Right
    use: Callable[[CheckedJob], object]
    hindered: frozenset[Right] = frozenset()


def _right(policy: str, action: str, resource: str, condition: Any = None) -> Right:
    return Right(
        policy=policy, action=action, resource=resource, condition=condition_text(condition)
    )


def _candidate(
    use: Callable[[CheckedJob], object], action: str, resource: str, condition: Any = None
) -> Case:
    return Case(right=_right("candidate", action, resource, condition), use=use)


def _observer(
    use: Callable[[CheckedJob], object], action: str, resource: str, condition: Any = None
) -> Case:
    return Case(right=_right("observer", action, resource, condition), use=use)


def _writer(use: Callable[[CheckedJob], object], action: str, condition: Any) -> Case:
    return Case(right=_right("writer", action, f"<data>/{FENCED}", condition), use=use)


def _listing(prefix: str) -> Any:
    return {**OURS, "StringLike": {"s3:prefix": f"{FOLDER}{prefix}"}}


# -------------------------------------------------------------------------- what asks for them


def a_tick(job: CheckedJob) -> None:
    job.run()


def a_tick_after_somebody_else_s(job: CheckedJob) -> None:
    job.come_before()
    job.run()


def a_tick_whose_leader_writes_the_hint(job: CheckedJob) -> None:
    job.approach_hint()
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


_INVOKE = _right("scheduler", "lambda:InvokeFunction", "<function>")

CASES = {
    "candidate-lists-its-locks": _candidate(
        a_tick_after_somebody_else_s, "s3:ListBucket", "<locks>", _listing("lock_*")
    ),
    "candidate-reads-a-lock": _candidate(a_tick_after_somebody_else_s, "s3:GetObject", LOCKS, OURS),
    "candidate-creates-a-lock": _candidate(a_tick, "s3:PutObject", LOCKS, CREATING),
    "candidate-replaces-its-lock": _candidate(a_tick, "s3:PutObject", LOCKS, REPLACING),
    "candidate-tags-the-superseded-lock": _candidate(a_tick, "s3:PutObjectTagging", LOCKS, ONE_TAG),
    "candidate-reads-the-hint": _candidate(
        a_tick_whose_leader_writes_the_hint, "s3:GetObject", HINT, OURS
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
    "job-lists-its-data": _candidate(a_tick, "s3:ListBucket", "<data>", OURS),
    "job-reads-an-input": _candidate(a_tick_with_an_input, "s3:GetObject", EVENTS, OURS),
    "job-deletes-a-compacted-input": _candidate(
        a_tick_with_an_input, "s3:DeleteObject", EVENTS, OURS
    ),
    "job-writes-a-part": _candidate(a_tick_with_an_input, "s3:PutObject", PARTS, OURS),
    "job-reads-a-segment": _candidate(a_tick_after_200_parts, "s3:GetObject", PARTS, OURS),
    "job-deletes-an-orphaned-part": _candidate(
        a_tick_after_a_part_was_orphaned, "s3:DeleteObject", PARTS, OURS
    ),
    "job-writes-rejects": _candidate(a_tick_with_a_malformed_line, "s3:PutObject", REJECTS, OURS),
    "job-recognises-its-own-rejects": _candidate(
        rejects_written_again, "s3:GetObject", REJECTS, OURS
    ),
    "job-deletes-orphaned-rejects": _candidate(
        a_tick_after_rejects_were_orphaned, "s3:DeleteObject", REJECTS, OURS
    ),
    "job-reads-the-manifest": _candidate(a_tick, "s3:GetObject", MANIFEST, OURS),
    "job-writes-the-manifest": _candidate(a_tick, "s3:PutObject", MANIFEST, OURS),
    "scheduler-starts-a-contender": Case(right=_INVOKE, use=a_fired_tick),
    "scheduler-leaves-what-never-arrived": Case(
        right=_right("scheduler", "sqs:SendMessage", "<undelivered>"),
        use=a_fired_tick,
        hindered=frozenset({_INVOKE}),
    ),
    "observer-lists-the-locks": _observer(a_look, "s3:ListBucket", "<locks>", _listing("lock_*")),
    "observer-reads-a-lock": _observer(a_look, "s3:GetObject", LOCKS, OURS),
    "writer-reads-the-fenced-object": _writer(a_fenced_object_read, "s3:GetObject", OURS),
    "writer-creates-the-fenced-object": _writer(a_first_fenced_write, "s3:PutObject", CREATING),
    "writer-replaces-the-fenced-object": _writer(another_fenced_write, "s3:PutObject", REPLACING),
    "observer-reads-the-hint": _observer(a_look_at_a_long_ledger, "s3:GetObject", HINT, OURS),
}


# -------------------------------------------------------------------------- denials of everyone


@dataclass(frozen=True, kw_only=True)
class Denial:
    """What the lock bucket's policy denies even to who may do everything."""

    right: Right
    use: Callable[[CheckedJob], object]


def _denial(
    use: Callable[[CheckedJob], object], action: str, resource: str, condition: Any = None
) -> Denial:
    return Denial(right=_denied("bucket of locks", action, resource, condition), use=use)


def _denied(policy: str, action: str, resource: str, condition: Any = None) -> Right:
    return Right(
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


# -------------------------------------------------------------------------- not by such a case

_HINT_TOLD = "s3:ListBucket", "<locks>", _listing("hint.json")
_SCHEDULES = {"StringEquals": {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": "<schedules>"}}

# By documents alone: what the emulator does not ask for, or cannot be asked.
DOCUMENTED = {
    # S3 tells only who may list a key that it is missing; the emulator tells everyone.
    _right("candidate", *_HINT_TOLD),
    _right("observer", *_HINT_TOLD),
    _right("writer", "s3:ListBucket", "<data>", {**OURS, "StringLike": {"s3:prefix": FENCED}}),
    # The emulator that checks rights speaks TLS only.
    *(
        _denied(f"bucket of {name}", "s3:*", resource, IN_THE_CLEAR)
        for name in ("locks", "data")
        for resource in (f"<{name}>", f"<{name}>/*")
    ),
    *(
        _denied(f"queue {name}", "sqs:*", f"<{name.lower()}>", IN_THE_CLEAR)
        for name in ("Undelivered", "Unprocessed")
    ),
    # It runs a function whether or not the role trusts Lambda.
    Right(
        policy="trust of the candidate",
        action="sts:AssumeRole",
        principal=condition_text({"Service": "lambda.amazonaws.com"}),
    ),
}

# By a test of its own: `test_the_scheduler_acts_for_the_job_s_own_schedules_only`.
TRUSTED = {
    Right(
        policy="trust of the scheduler",
        action="sts:AssumeRole",
        condition=condition_text(_SCHEDULES),
        principal=condition_text({"Service": "scheduler.amazonaws.com"}),
    )
}
