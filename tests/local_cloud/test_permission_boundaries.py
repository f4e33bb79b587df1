"""Candidates of one election are kept apart from another's locks, and all from deleting any.

By sessions in roles with the very policies that the constructs write. Two things are shown by
documents alone: nobody's requests go without TLS, and the account's root is denied what everyone
is, to whom the emulator denies nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_cloud import LocalCloud
from s3leader.fencing import FencedObject
from s3leader_cdk import grant_fenced
from tests.local_cloud.granted_roles import (
    EVERYTHING,
    bucket_policy,
    create_bucket,
    create_role,
    role_policy,
    synthesize_roles,
)

LOCKS, UNGUARDED = "locks", "unguarded"
MINE, FENCED = "red", "reports/latest.json"
OTHERS = ["blue", "re", "red2", "red/deeper"]


@dataclass(frozen=True)
class Place:
    """Where somebody tries something."""

    s3: Any
    bucket: str
    election: str

    @property
    def folder(self) -> str:
        return f"elections/{self.election}/"

    @property
    def lock(self) -> dict[str, str]:
        """An existing lock."""
        return {"Bucket": self.bucket, "Key": f"{self.folder}lock_0000000001.json"}

    @property
    def next_lock(self) -> dict[str, str]:
        """A lock that does not exist."""
        return {"Bucket": self.bucket, "Key": f"{self.folder}lock_0000000002.json"}

    @property
    def hint(self) -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": f"{self.folder}hint.json"}

    @property
    def fenced(self) -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": FENCED}

    def list(self, prefix: str | None) -> None:
        more = {} if prefix is None else {"Prefix": prefix}
        self.s3.list_objects_v2(Bucket=self.bucket, **more)

    def replace(self, key: dict[str, str]) -> None:
        self.s3.put_object(**key, Body=b"{}", IfMatch="*")

    def tag(self, *tags: tuple[str, str], key: dict[str, str] | None = None) -> None:
        each = [{"Key": name, "Value": value} for name, value in tags]
        self.s3.put_object_tagging(**(key or self.lock), Tagging={"TagSet": each})


Deed = Callable[[Place], object]

# What a candidate does in its own election.
READING: dict[str, Deed] = {
    "lists locks": lambda at: at.list(f"{at.folder}lock_"),
    "reads a lock": lambda at: at.s3.get_object(**at.lock),
    "reads the hint": lambda at: at.s3.get_object(**at.hint),
}
WRITING: dict[str, Deed] = {
    "creates a lock": lambda at: at.s3.put_object(**at.next_lock, Body=b"{}", IfNoneMatch="*"),
    "replaces a lock": lambda at: at.replace(at.lock),
    "replaces the hint": lambda at: at.replace(at.hint),
    "tags a lock": lambda at: at.tag(("superseded", "true")),
}
# What nobody does, in no election.
NEVER: dict[str, Deed] = {
    "deletes a lock": lambda at: at.s3.delete_object(**at.lock),
    "deletes locks in bulk": lambda at: at.s3.delete_objects(
        Bucket=at.bucket, Delete={"Objects": [{"Key": at.lock["Key"]}]}
    )["Deleted"],
    "deletes a version of a lock": lambda at: at.s3.delete_object(**at.lock, VersionId="null"),
    "overwrites a lock unconditionally": lambda at: at.s3.put_object(**at.lock, Body=b"{}"),
    "writes a lock unconditionally": lambda at: at.s3.put_object(**at.next_lock, Body=b"{}"),
    "writes the hint unconditionally": lambda at: at.s3.put_object(**at.hint, Body=b"{}"),
    "copies a lock unconditionally": lambda at: at.s3.copy_object(
        **at.next_lock, CopySource=at.lock
    ),
    "begins an upload in parts": lambda at: at.s3.create_multipart_upload(**at.next_lock),
}
# What a candidate has no permission to do, though the bucket's policy denies it to nobody.
BEYOND: dict[str, Deed] = {
    "deletes the hint": lambda at: at.s3.delete_object(**at.hint),
    "sets another tag": lambda at: at.tag(("colour", "red")),
    "sets one more tag": lambda at: at.tag(("superseded", "true"), ("colour", "red")),
    "sets the tag to another value": lambda at: at.tag(("superseded", "false")),
    "sets no tag": lambda at: at.tag(),
    "removes the tag": lambda at: at.s3.delete_object_tagging(**at.lock),
    "reads tags": lambda at: at.s3.get_object_tagging(**at.lock),
    "tags the hint": lambda at: at.tag(("superseded", "true"), key=at.hint),
    "creates something else": lambda at: at.s3.put_object(
        Bucket=at.bucket, Key=f"{at.folder}else.json", Body=b"{}", IfNoneMatch="*"
    ),
    "lists the bucket": lambda at: at.list(None),
    "lists all elections": lambda at: at.list("elections/"),
    "changes the policy": lambda at: at.s3.delete_bucket_policy(Bucket=at.bucket),
    "changes the lifecycle rules": lambda at: at.s3.delete_bucket_lifecycle(Bucket=at.bucket),
}


# What the writer of a fenced object has no permission to do, in a bucket that denies it to nobody.
NOT_FENCED: dict[str, Deed] = {
    "overwrites it unconditionally": lambda at: at.s3.put_object(**at.fenced, Body=b"{}"),
    "deletes it": lambda at: at.s3.delete_object(**at.fenced),
    "tags it": lambda at: at.tag(("superseded", "true"), key=at.fenced),
    "writes another object": lambda at: at.s3.put_object(
        Bucket=at.bucket, Key=f"{FENCED}.bak", Body=b"{}", IfNoneMatch="*"
    ),
    "lists the bucket": lambda at: at.list(None),
    "lists its folder": lambda at: at.list("reports/"),
}


@pytest.fixture(scope="module")
def clients(enforcing_cloud: LocalCloud) -> dict[str, Any]:
    """S3 as root, and in each role; `Imported` is a candidate, `Writer` one of a fenced object."""
    cloud = enforcing_cloud
    own = synthesize_roles(
        {
            "Candidate": lambda locks, role: locks.grant_candidate(role, election=MINE),
            "Observer": lambda locks, role: locks.grant_observer(role, election=MINE),
            "Writer": lambda locks, role: grant_fenced(locks.bucket, role, key=FENCED),
        }
    )
    imported = synthesize_roles(
        {"Imported": lambda locks, role: locks.grant_candidate(role, election=MINE)},
        imported=True,
    )
    create_bucket(cloud, LOCKS, bucket_policy(own, LOCKS))
    create_bucket(cloud, UNGUARDED)
    for name in ("Candidate", "Observer"):
        create_role(cloud, name, role_policy(own, name, LOCKS))
    create_role(cloud, "Writer", role_policy(own, "Writer", UNGUARDED))
    create_role(cloud, "Imported", role_policy(imported, "Imported", UNGUARDED))
    create_role(cloud, "Admin", [EVERYTHING])
    roles = ("Candidate", "Observer", "Writer", "Imported", "Admin")
    return {role: cloud.client("s3", role=role) for role in roles} | {"root": cloud.client("s3")}


@pytest.fixture
def at(clients: dict[str, Any]) -> Callable[..., Place]:
    """Return a place as somebody finds it: with one lock, and a hint, in each election."""
    root = clients["root"]

    def prepared(role: str, *, election: str = MINE, bucket: str = LOCKS) -> Place:
        found = Place(root, bucket, election)
        root.delete_object(**found.next_lock)
        for key in (found.lock, found.hint, found.fenced):
            root.put_object(**key, Body=b"{}")
        return Place(clients[role], bucket, election)

    return prepared


def refused(deed: Deed, place: Place) -> bool:
    try:
        deed(place)
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDenied":
            raise
        return True
    return False


def each_of(*deeds: dict[str, Deed]) -> pytest.MarkDecorator:
    found = {name.replace(" ", "-"): deed for some in deeds for name, deed in some.items()}
    return pytest.mark.parametrize("deed", found.values(), ids=found)


At = Callable[..., Place]


@each_of(READING, WRITING)
def test_a_candidate_may_in_its_own_election(at: At, deed: Deed) -> None:
    assert not refused(deed, at("Candidate"))


@pytest.mark.parametrize("election", OTHERS)
@each_of(READING, WRITING)
def test_a_candidate_may_not_in_another_election(at: At, deed: Deed, election: str) -> None:
    assert refused(deed, at("Candidate", election=election))


@each_of(NEVER, BEYOND)
def test_a_candidate_may_not_even_in_its_own_election(at: At, deed: Deed) -> None:
    assert refused(deed, at("Candidate"))


@each_of(READING, WRITING)
def test_a_candidate_may_in_an_imported_bucket(at: At, deed: Deed) -> None:
    assert not refused(deed, at("Imported", bucket=UNGUARDED))


@each_of(NEVER, BEYOND)
def test_a_candidate_s_own_policy_suffices_where_the_bucket_has_none(at: At, deed: Deed) -> None:
    assert refused(deed, at("Imported", bucket=UNGUARDED))


@each_of(READING)
def test_an_observer_may_read_its_election(at: At, deed: Deed) -> None:
    assert not refused(deed, at("Observer"))


@each_of(READING)
def test_an_observer_may_not_read_another_election(at: At, deed: Deed) -> None:
    assert refused(deed, at("Observer", election="blue"))


def test_a_writer_of_a_fenced_object_can_use_it_as_the_library_does(
    at: At, clients: dict[str, Any]
) -> None:
    clients["root"].delete_object(**at("Writer", bucket=UNGUARDED).fenced)
    fenced = FencedObject(FENCED, bucket=UNGUARDED, client=clients["Writer"])
    first = fenced.claim(1)
    fenced.write({"total": 1}, token=2, after=first)
    assert fenced.read() is not None


@each_of(NOT_FENCED)
def test_a_writer_of_a_fenced_object_may_do_nothing_else(at: At, deed: Deed) -> None:
    assert refused(deed, at("Writer", bucket=UNGUARDED))


@each_of(WRITING, NEVER, BEYOND)
def test_an_observer_may_not_write(at: At, deed: Deed) -> None:
    assert refused(deed, at("Observer"))


@each_of(NEVER)
def test_nobody_may_even_with_every_right(at: At, deed: Deed) -> None:
    assert refused(deed, at("Admin"))


@each_of(NEVER)
def test_every_right_suffices_where_the_bucket_has_no_policy(at: At, deed: Deed) -> None:
    assert not refused(deed, at("Admin", bucket=UNGUARDED))
