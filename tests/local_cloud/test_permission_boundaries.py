"""Candidates of one election are kept apart from another's locks, and all from deleting any.

By sessions in roles with the very policies that the constructs write. Two things are shown by
documents alone: nobody's requests go without TLS, and the account's root is denied what everyone
is, to whom the emulator denies nothing.
"""

from collections.abc import Callable, Iterator
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
MINE, OTHERS = "red", ["blue", "re", "red2", "red/deeper"]
LOCK, NEXT_LOCK, HINT = "lock_0000000001.json", "lock_0000000002.json", "hint.json"
REPORTS, REPORT = "reports/", "latest.json"
SUPERSEDED, ANOTHER = ("superseded", "true"), ("colour", "red")


@dataclass(frozen=True)
class Place:
    """Where somebody tries something: a folder of a bucket."""

    s3: Any
    bucket: str
    folder: str

    def key(self, name: str) -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": self.folder + name}

    def get(self, name: str) -> None:
        self.s3.get_object(**self.key(name))

    def put(self, name: str, **condition: str) -> None:
        self.s3.put_object(**self.key(name), Body=b"{}", **condition)

    def delete(self, name: str, **version: str) -> None:
        self.s3.delete_object(**self.key(name), **version)

    def list(self, prefix: str = "") -> None:
        self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix)

    def tag(self, name: str, *tags: tuple[str, str]) -> None:
        each = [{"Key": key, "Value": value} for key, value in tags]
        self.s3.put_object_tagging(**self.key(name), Tagging={"TagSet": each})


Deed = Callable[[Place], object]
At = Callable[..., Place]

# What a candidate does in its own election.
READING: dict[str, Deed] = {
    "lists locks": lambda at: at.list(f"{at.folder}lock_"),
    "reads a lock": lambda at: at.get(LOCK),
    "reads the hint": lambda at: at.get(HINT),
}
WRITING: dict[str, Deed] = {
    "creates a lock": lambda at: at.put(NEXT_LOCK, IfNoneMatch="*"),
    "replaces a lock": lambda at: at.put(LOCK, IfMatch="*"),
    "replaces the hint": lambda at: at.put(HINT, IfMatch="*"),
    "tags a lock": lambda at: at.tag(LOCK, SUPERSEDED),
}
# What nobody does, in no election.
NEVER: dict[str, Deed] = {
    "deletes a lock": lambda at: at.delete(LOCK),
    "deletes locks in bulk": lambda at: at.s3.delete_objects(
        Bucket=at.bucket, Delete={"Objects": [{"Key": at.folder + LOCK}]}
    )["Deleted"],
    "deletes a version of a lock": lambda at: at.delete(LOCK, VersionId="null"),
    "overwrites a lock unconditionally": lambda at: at.put(LOCK),
    "writes a lock unconditionally": lambda at: at.put(NEXT_LOCK),
    "writes the hint unconditionally": lambda at: at.put(HINT),
    "copies a lock unconditionally": lambda at: at.s3.copy_object(
        **at.key(NEXT_LOCK), CopySource=at.key(LOCK)
    ),
    "begins an upload in parts": lambda at: at.s3.create_multipart_upload(**at.key(NEXT_LOCK)),
}
# What a candidate has no permission to do, though the bucket's policy denies it to nobody.
BEYOND: dict[str, Deed] = {
    "deletes the hint": lambda at: at.delete(HINT),
    "sets another tag": lambda at: at.tag(LOCK, ANOTHER),
    "sets one more tag": lambda at: at.tag(LOCK, SUPERSEDED, ANOTHER),
    "sets the tag to another value": lambda at: at.tag(LOCK, ("superseded", "false")),
    "sets no tag": lambda at: at.tag(LOCK),
    "removes the tag": lambda at: at.s3.delete_object_tagging(**at.key(LOCK)),
    "reads tags": lambda at: at.s3.get_object_tagging(**at.key(LOCK)),
    "tags the hint": lambda at: at.tag(HINT, SUPERSEDED),
    "creates something else": lambda at: at.put("else.json", IfNoneMatch="*"),
    "lists the bucket": lambda at: at.list(),
    "lists all elections": lambda at: at.list("elections/"),
    "changes the policy": lambda at: at.s3.delete_bucket_policy(Bucket=at.bucket),
    "changes the lifecycle rules": lambda at: at.s3.delete_bucket_lifecycle(Bucket=at.bucket),
}
# What the writer of a fenced object has no permission to do, in a bucket that denies it to nobody.
NOT_FENCED: dict[str, Deed] = {
    "overwrites it unconditionally": lambda at: at.put(REPORT),
    "deletes it": lambda at: at.delete(REPORT),
    "tags it": lambda at: at.tag(REPORT, SUPERSEDED),
    "writes another object": lambda at: at.put(f"{REPORT}.bak", IfNoneMatch="*"),
    "lists the bucket": lambda at: at.list(),
    "lists its folder": lambda at: at.list(REPORTS),
}


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """S3 as root, and in each role; `Imported` is a candidate, `Writer` one of a fenced object."""
    own = synthesize_roles(
        {
            "Candidate": lambda locks, role: locks.grant_candidate(role, election=MINE),
            "Observer": lambda locks, role: locks.grant_observer(role, election=MINE),
            "Writer": lambda locks, role: grant_fenced(locks.bucket, role, key=REPORTS + REPORT),
        }
    )
    imported = synthesize_roles(
        {"Imported": lambda locks, role: locks.grant_candidate(role, election=MINE)},
        imported=True,
    )
    policies = {
        "Candidate": role_policy(own, "Candidate", LOCKS),
        "Observer": role_policy(own, "Observer", LOCKS),
        "Writer": role_policy(own, "Writer", UNGUARDED),
        "Imported": role_policy(imported, "Imported", UNGUARDED),
        "Admin": [EVERYTHING],
    }
    with LocalCloud(tmp_path_factory.mktemp("cloud"), enforce=True) as cloud:
        create_bucket(cloud, LOCKS, bucket_policy(own, LOCKS))
        create_bucket(cloud, UNGUARDED)
        roles = {name: create_role(cloud, name, policies[name]) for name in policies}
        yield {
            "root": cloud.client("s3"),
            **{name: cloud.client("s3", role=role) for name, role in roles.items()},
        }


@pytest.fixture
def at(clients: dict[str, Any]) -> At:
    """Return a place as somebody finds it: with one lock, a hint and a report."""

    def prepared(
        role: str, *, election: str = MINE, bucket: str = LOCKS, folder: str = ""
    ) -> Place:
        found = Place(clients["root"], bucket, folder or f"elections/{election}/")
        found.delete(NEXT_LOCK)
        for name in (LOCK, HINT, REPORT):
            found.put(name)
        return Place(clients[role], found.bucket, found.folder)

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


@each_of(READING, WRITING)
def test_a_candidate_may_in_its_own_election(at: At, deed: Deed) -> None:
    assert not refused(deed, at("Candidate"))
    assert not refused(deed, at("Imported", bucket=UNGUARDED))


@pytest.mark.parametrize("election", OTHERS)
@each_of(READING, WRITING)
def test_a_candidate_may_not_in_another_election(at: At, deed: Deed, election: str) -> None:
    assert refused(deed, at("Candidate", election=election))


@each_of(NEVER, BEYOND)
def test_a_candidate_may_not_even_in_its_own_election(at: At, deed: Deed) -> None:
    assert refused(deed, at("Candidate"))


@each_of(NEVER, BEYOND)
def test_a_candidate_s_own_policy_suffices_where_the_bucket_has_none(at: At, deed: Deed) -> None:
    assert refused(deed, at("Imported", bucket=UNGUARDED))


@each_of(READING)
def test_an_observer_may_not_read_another_election(at: At, deed: Deed) -> None:
    assert not refused(deed, at("Observer"))
    assert refused(deed, at("Observer", election="blue"))


@each_of(WRITING, NEVER, BEYOND)
def test_an_observer_may_not_write(at: At, deed: Deed) -> None:
    assert refused(deed, at("Observer"))


def test_a_writer_of_a_fenced_object_can_use_it_as_the_library_does(clients: Any) -> None:
    fenced = FencedObject(REPORTS + REPORT, bucket=UNGUARDED, client=clients["Writer"])
    first = fenced.claim(1)
    fenced.write({"total": 1}, token=2, after=first)
    assert fenced.read() is not None


@each_of(NOT_FENCED)
def test_a_writer_of_a_fenced_object_may_do_nothing_else(at: At, deed: Deed) -> None:
    assert refused(deed, at("Writer", bucket=UNGUARDED, folder=REPORTS))


@each_of(NEVER)
def test_nobody_may_even_with_every_right(at: At, deed: Deed) -> None:
    assert refused(deed, at("Admin"))


@each_of(NEVER)
def test_every_right_suffices_where_the_bucket_has_no_policy(at: At, deed: Deed) -> None:
    assert not refused(deed, at("Admin", bucket=UNGUARDED))
