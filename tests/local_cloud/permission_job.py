"""A deployed job whose permissions are checked, and the situations in which it needs them."""

import io
import itertools
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from compaction.writer import Writer
from local_cloud import Decision, LocalCloud
from s3leader import Election, Lock, Term
from s3leader.fencing import FencedObject
from s3leader_cdk import grant_fenced
from tests.local_cloud.granted_roles import EVERYTHING, create_role, role_policy, synthesize_roles
from tests.local_cloud.job import ELECTION, Job
from tests.local_cloud.permissions import Permission, Role, document_of, permissions_in

FOLDER = f"elections/{ELECTION}/"
FENCED = "reports/latest.json"
ANOTHER_LOCK = "elections/another/lock_0000000001.json"
_FIRST_TICK = datetime(2026, 11, 1, tzinfo=UTC)
_HINT_EVERY = 500


class CheckedJob(Job):
    """The job, its data, and the roles `candidate`, `scheduler`, `observer` and `writer`.

    `writer` is the role of another job, which writes a fenced object into the data bucket. `admin`
    may do everything, as far as its own policy goes.
    """

    def __init__(self, cloud: LocalCloud, outputs: dict[str, str]) -> None:
        super().__init__(cloud, locks=outputs["LockBucketName"], function=outputs["FunctionName"])
        self.data = outputs["DataBucketName"]
        self._numbers = itertools.count(1)
        function = self.client("lambda").get_function(FunctionName=self.function)["Configuration"]
        scheduler = self.client("scheduler")
        first = scheduler.list_schedules()["Schedules"][0]
        self.group = first["GroupName"]
        self.target = scheduler.get_schedule(Name=first["Name"], GroupName=self.group)["Target"]
        failures = self.client("lambda").get_function_event_invoke_config(
            FunctionName=self.function, Qualifier="$LATEST"
        )["DestinationConfig"]
        logs = function["LoggingConfig"]["LogGroup"]
        self.names = {
            "<locks>": f"arn:aws:s3:::{self.locks}",
            "<data>": f"arn:aws:s3:::{self.data}",
            "<function>": self.target["Arn"],
            "<undelivered>": self.target["DeadLetterConfig"]["Arn"],
            "<unprocessed>": failures["OnFailure"]["Destination"],
            "<schedules>": scheduler.get_schedule_group(Name=self.group)["Arn"],
            "<logs>": f"arn:aws:logs:us-east-1:000000000000:log-group:{logs}",
        }
        self._create_other_roles()
        names = {
            "candidate": function["Role"].rpartition("/")[2],
            "scheduler": self.target["RoleArn"].rpartition("/")[2],
            "observer": "observer",
            "writer": "writer",
        }
        self.roles = {
            policy: Role(cloud, name, policy, self.names) for policy, name in names.items()
        }
        self.admin = self.cloud.client("s3", role=create_role(cloud, "admin", [EVERYTHING]))
        # Retries need no other permissions and would only take time.
        self.client("lambda").put_function_event_invoke_config(
            FunctionName=self.function,
            Qualifier="$LATEST",
            MaximumRetryAttempts=0,
            DestinationConfig=failures,
        )

    def _create_other_roles(self) -> None:
        others = synthesize_roles(
            {
                "Observer": lambda locks, role: locks.grant_observer(role, election=ELECTION),
                "Writer": lambda locks, role: grant_fenced(locks.bucket, role, key=FENCED),
            }
        )
        create_role(self.cloud, "observer", role_policy(others, "Observer", self.locks))
        create_role(self.cloud, "writer", role_policy(others, "Writer", self.data))

    def permissions(self) -> frozenset[Permission]:
        """Return all permissions in the policies of the stack and of its observer and writer."""
        found = {permission for role in self.roles.values() for permission in role.permissions}
        found |= self.roles["candidate"].trust | self.roles["scheduler"].trust
        for name, bucket in {"locks": self.locks, "data": self.data}.items():
            document = self.s3.get_bucket_policy(Bucket=bucket)["Policy"]
            found |= permissions_in(f"bucket of {name}", document, self.names)
        sqs = self.client("sqs")
        for name in ("Undelivered", "Unprocessed"):
            (url,) = (each for each in sqs.list_queues()["QueueUrls"] if name in each)
            got = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])
            found |= permissions_in(f"queue {name}", got["Attributes"]["Policy"], self.names)
        invoking = self.client("lambda").get_policy(FunctionName=self.function)["Policy"]
        return frozenset(found) | permissions_in("function", invoking, self.names)

    @contextmanager
    def without_denial(self, permission: Permission) -> Iterator[None]:
        """Remove one denial from the lock bucket's policy while the block runs."""
        whole = self.s3.get_bucket_policy(Bucket=self.locks)["Policy"]
        left = permissions_in("bucket of locks", whole, self.names) - {permission}
        self.s3.put_bucket_policy(Bucket=self.locks, Policy=document_of(left, self.names))
        try:
            yield
        finally:
            self.s3.put_bucket_policy(Bucket=self.locks, Policy=whole)

    def client_of(self, policy: str) -> Any:
        return self.cloud.client("s3", role=self.roles[policy].name)

    def decisions(self) -> list[Decision]:
        """Return the requests of these roles so far."""
        names = {role.name for role in self.roles.values()}
        return [each for each in self.cloud.decisions() if each.role in names]

    def tick(self) -> str:
        return f"{_FIRST_TICK + timedelta(minutes=next(self._numbers)):%Y-%m-%dT%H:%M:%SZ}"

    def top(self) -> Lock:
        found = self.election.observe()
        assert found is not None
        return found

    def put(self, key: str, body: bytes = b'{"event": 1}\n') -> None:
        self.s3.put_object(Bucket=self.data, Key=key, Body=body)

    def lead(self) -> Term:
        """Lead a term as the cloud's root."""
        term = self.election.campaign()
        assert isinstance(term, Term)
        return term

    def depose_holder(self) -> None:
        """Seal the lock of a leader that had no permission to seal it."""
        self.election.depose(reason="a permission was removed", force=True)

    # What follows uses permissions; a function that it invokes may fail.

    def run(self) -> None:
        """Invoke the function for a new tick."""
        self.invoke(self.tick())

    def run_after_another(self) -> None:
        """Invoke the function after a term that it does not know, so that it reads the ledger."""
        self.lead().resign()
        self.run()

    def run_to_hint(self, hint: bytes | None = None) -> None:
        """Let the function lead a term whose leader writes the hint, and replaces this one."""
        key = f"{FOLDER}hint.json"
        if hint is None:
            self.s3.delete_object(Bucket=self.locks, Key=key)
        else:
            self.s3.put_object(Bucket=self.locks, Key=key, Body=hint)
        self.lead().resign()
        top = self.top()
        term = (top.term // _HINT_EVERY + 1) * _HINT_EVERY - 1
        lock = replace(top, term=term, swept=term - 1, nonce=secrets.token_hex(16))
        key = f"{FOLDER}lock_{term:010}.json"
        self.s3.put_object(Bucket=self.locks, Key=key, Body=lock.encode())
        self.run()

    def run_on_input(self, body: bytes = b'{"event": 1}\n') -> None:
        self.put("events/one.ndjson", body)
        self.run()

    def run_after_orphan(self, folder: str) -> None:
        """Invoke the function after a file of a batch that was never committed."""
        self.put(_file(folder, self.top().term))
        self.run()

    def run_after_200_parts(self) -> None:
        """Invoke the function on a manifest that names an earlier segment."""
        key, segment = "compacted/manifest.json", "compacted/term_0000000000/segment.json"
        manifest = json.loads(self.s3.get_object(Bucket=self.data, Key=key)["Body"].read())
        linked = {**manifest, "parts": [], "rejected": [], "earlier": segment}
        self.put(segment, json.dumps({"parts": [], "rejected": [], "earlier": None}).encode())
        self.put(key, json.dumps(linked).encode())
        self.run()

    def write_rejects_twice(self) -> None:
        """Write rejects as the job does when the answer to its first try was lost."""
        with self.lead() as term:
            writer = Writer(self.client_of("candidate"), self.data, term)
            key = _file("rejected", term.number)
            for _ in range(2):
                writer.create(key, io.BytesIO(b"\n"), sha256="", content_type="text/plain")

    def fail(self) -> None:
        """Invoke the function asynchronously with an event on which it fails."""
        self.client("lambda").invoke(
            FunctionName=self.function, InvocationType="Event", Payload=b'{"tick": "no time"}'
        )

    def fire(self, group: str = "", tick: str = "", contender: int = 1) -> str:
        """Start a contender by a schedule, by default in the job's group; return its name."""
        name = f"once-{next(self._numbers)}"
        event = {"tick": tick or self.tick(), "contender": contender}
        self.client("scheduler").create_schedule(
            Name=name,
            GroupName=group or self.group,
            ScheduleExpression=f"at({datetime.now(UTC):%Y-%m-%dT%H:%M:%S})",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={**self.target, "Input": json.dumps(event)},
        )
        return name

    def observe(self, *, page: int = 1000) -> None:
        """Observe the election in the observer's role, with `page` locks per page of LIST."""
        client = self.client_of("observer")
        client.meta.events.register(
            "provide-client-params.s3.ListObjectsV2",
            lambda params, **_: {**params, "MaxKeys": page},
        )
        Election(ELECTION, bucket=self.locks, client=client).observe()

    def write_fenced(self, *, anew: bool) -> None:
        """Write the fenced object in the writer's role, for the first time or again."""
        fenced = FencedObject(FENCED, bucket=self.data, client=self.s3)
        before = None if anew else fenced.claim(next(self._numbers))
        if anew:
            self.s3.delete_object(Bucket=self.data, Key=FENCED)
        mine = FencedObject(FENCED, bucket=self.data, client=self.client_of("writer"))
        mine.write({"total": 1}, token=next(self._numbers), after=before)

    def read_fenced(self) -> None:
        """Read the fenced object in the writer's role."""
        FencedObject(FENCED, bucket=self.data, client=self.client_of("writer")).read()


def _file(folder: str, term: int) -> str:
    return f"{folder}/term_{term:010}/000001-{secrets.token_hex(16)}.ndjson.gz"
