"""All checks of `doctor` over a bucket in memory: what is found, and that nothing is changed."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from s3leader import Election, Term, testing
from s3leader._core.requests import Create, Replace, Tag
from s3leader._io.memory_store import MemoryStore
from s3leader_cli.check.doctor.examination import Examination
from s3leader_cli.check.doctor.findings import Finding, Reading
from s3leader_cli.check.doctor.schedules import SchedulesFound
from tests.s3leader_cli.check.examined import SETTINGS, ExaminedMemory, at

FOLDER = "elections/nightly/"
SKEW = timedelta(seconds=3)


def key(term: int) -> str:
    return f"{FOLDER}lock_{term:010d}.json"


class Patient:
    """An election with three ended terms, and the bucket that `doctor` sees."""

    def __init__(self, *ignores: type[Create | Replace]) -> None:
        self.clock = testing.FakeClock()
        self.store = MemoryStore(clock_ms=self.clock.read_ms)
        for _ in range(3):
            self.lead().resign()
        self.store._ignores = ignores
        self.bucket = ExaminedMemory(self.store, at(self.store))

    def election(self) -> Election:
        return testing.election("nightly", store=self.store, clock=self.clock)

    def existing(self) -> tuple[str, ...]:
        return self.store.keys()

    def contents(self) -> dict[str, tuple[bytes, dict[str, str]]]:
        return {each: (self.store.body(each), self.store.tags(each)) for each in self.existing()}

    def lead(self) -> Term:
        term = self.election().campaign()
        assert isinstance(term, Term)
        return term

    def edit(self, term: int, **facts: Any) -> None:
        body = json.loads(self.store.body(key(term)))
        self.store.put(key(term), json.dumps(body | facts).encode())

    def findings(self, *, candidate: bool = False, election: bool = True) -> list[Finding]:
        return list(
            Examination(
                bucket=self.bucket,
                prefix="elections/",
                election=self.election() if election else None,
                candidate=candidate,
                skew=SKEW,
                clocks=None,
                schedules=SchedulesFound,
            ).findings()
        )

    def wrong(self, **how: bool) -> dict[str, str]:
        """The checks that are not ok, without the schedules."""
        return {
            each.check: each.level
            for each in self.findings(**how)
            if each.level != "ok" and each.check != "schedules"
        }


@pytest.fixture
def patient() -> Patient:
    return Patient()


def test_a_sound_election_has_no_finding_but_ok(patient: Patient) -> None:
    assert patient.wrong() == {}


def test_each_check_is_made(patient: Patient) -> None:
    assert {each.check for each in patient.findings()} == {
        "bucket", "region", "lifecycle", "uploads", "policy", "versioning", "encryption",
        "public access", "object lock", "rights", "highest lock", "tag of the highest lock",
        "corrupt locks", "unsealed locks", "tagging", "leaking locks", "old locks", "hint",
        "schedules",
    }  # fmt: skip


@pytest.mark.parametrize("held", [False, True])
def test_nothing_is_changed(patient: Patient, held: bool) -> None:  # noqa: FBT001
    if held:
        patient.lead()
    before = patient.contents()
    patient.store.requests.clear()
    patient.findings()
    assert patient.contents() == before
    assert not [each for each in patient.store.requests if isinstance(each, Tag)]


def test_only_a_sealed_lock_is_probed(patient: Patient) -> None:
    """The highest is held: its holder may renew it while the probe is on its way."""
    patient.lead()
    patient.store.requests.clear()
    patient.findings()
    puts = [each for each in patient.store.requests if isinstance(each, Create | Replace)]
    assert {each.key for each in puts} == {key(3)}
    assert len(puts) == 2


def test_a_store_that_ignores_conditions_is_a_problem_and_loses_nothing() -> None:
    patient = Patient(Replace)
    before = patient.store.body(key(3))
    assert patient.wrong() == {"conditions": "problem"}
    assert patient.store.body(key(3)) == before


def test_a_store_that_ignores_a_condition_gets_no_second_write() -> None:
    patient = Patient(Create, Replace)
    patient.store.requests.clear()
    assert patient.wrong() == {"conditions": "problem"}
    puts = [each for each in patient.store.requests if isinstance(each, Create | Replace)]
    assert len(puts) == 1


def test_the_only_lock_is_not_probed_while_it_is_held() -> None:
    patient = Patient()
    for each in patient.existing():
        patient.store.delete(each)
    patient.lead()
    assert patient.wrong() == {"rights": "cannot tell"}


@pytest.mark.parametrize("right", ["If-Match", "If-None-Match", "s3:PutObjectTagging"])
def test_a_missing_right_to_write_is_a_problem_for_a_candidate_only(
    patient: Patient, right: str
) -> None:
    patient.bucket.denied = {right}
    assert patient.wrong() == {"rights": "warning"}
    assert patient.wrong(candidate=True) == {"rights": "problem"}
    [found] = [
        each for each in patient.findings() if (each.check, each.level) == ("rights", "warning")
    ]
    assert "grant_candidate" in found.do


@pytest.mark.parametrize("right", ["s3:ListBucket", "s3:GetObject"])
def test_a_missing_right_to_read_is_a_problem(patient: Patient, right: str) -> None:
    patient.bucket.denied = {right}
    assert patient.wrong()["rights"] in {"problem", "cannot tell"}
    assert f"{right} is missing" in " ".join(each.what for each in patient.findings())


@pytest.mark.parametrize("right", ["s3:ListBucket", "s3:GetObject"])
def test_locks_that_cannot_be_read_are_not_passed_over(patient: Patient, right: str) -> None:
    patient.bucket.denied = {right}
    [found] = [each for each in patient.findings() if each.check == "locks"]
    assert (found.level, f"allow {right}" in found.do) == ("cannot tell", True)


def test_without_the_right_to_read_tags_their_checks_cannot_tell(patient: Patient) -> None:
    patient.bucket.denied = {"s3:GetObjectTagging"}
    found = patient.wrong()
    assert found == {"tag of the highest lock": "cannot tell", "leaking locks": "cannot tell"}


def findings_without_remedy(patient: Patient) -> list[Finding]:
    return [each for each in patient.findings() if each.level == "cannot tell" and not each.do]


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_setting_that_was_not_read_is_never_ok_and_has_a_remedy(
    patient: Patient, setting: str
) -> None:
    patient.bucket.changed = {setting: Reading(failed="timeout")}
    assert patient.wrong()[setting] == "cannot tell"
    assert not findings_without_remedy(patient)


@pytest.mark.parametrize(
    ("setting", "check"), [("lifecycle", "old locks"), ("lifecycle", "object lock"),
                           ("policy", "uploads")],
)  # fmt: skip
def test_a_check_that_needs_a_setting_which_was_not_read_cannot_tell(
    patient: Patient, setting: str, check: str
) -> None:
    retained = Reading(value={"Rule": {"DefaultRetention": {"Days": 30}}})
    patient.bucket.changed = {"object lock": retained, setting: Reading(denied="s3:GetIt")}
    assert patient.wrong()[check] == "cannot tell"
    assert not findings_without_remedy(patient)


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_setting_that_must_not_be_read_is_named_with_its_action(
    patient: Patient, setting: str
) -> None:
    patient.bucket.changed = {setting: Reading(denied="s3:GetIt")}
    found = [each for each in patient.findings() if "s3:GetIt" in each.what]
    assert {each.level for each in found} == {"cannot tell"}


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        ("region", "eu-west-1", {"region": "warning"}),
        ("lifecycle", None, {"lifecycle": "warning"}),
        ("policy", None, {"policy": "warning", "uploads": "warning"}),
        ("versioning", "Enabled", {"versioning": "warning"}),
        ("encryption", None, {"encryption": "warning"}),
        ("public access", {"BlockPublicAcls": False}, {"public access": "warning"}),
        ("object lock", {"Rule": {"DefaultRetention": {"Years": 1}}}, {"object lock": "warning"}),
        ("object lock", {"Rule": {"DefaultRetention": {"Days": 30}}}, {}),
    ],
)
def test_a_setting_is_judged(
    patient: Patient, setting: str, value: object, expected: dict[str, str]
) -> None:
    patient.bucket.changed = {setting: Reading(value=value)}
    assert patient.wrong() == expected


def test_an_unreachable_bucket_ends_the_examination(patient: Patient) -> None:
    patient.bucket.failed = "NoSuchBucket"
    [found] = patient.findings()
    assert (found.level, "NoSuchBucket" in found.what) == ("problem", True)


def test_without_an_election_the_bucket_is_examined(patient: Patient) -> None:
    assert patient.wrong(election=False) == {}
    by_age = {
        "ID": "x",
        "Status": "Enabled",
        "Filter": {"Prefix": FOLDER},
        "Expiration": {"Days": 9},
    }
    lifecycle = [*SETTINGS["lifecycle"].value, by_age]
    patient.bucket.changed = {"lifecycle": Reading(value=lifecycle)}
    assert patient.wrong(election=False) == {"lifecycle": "problem"}


# -------------------------------------------------------------------------------------- locks


def test_the_tag_on_the_highest_lock_is_a_problem(patient: Patient) -> None:
    patient.store.perform(Tag(key(3)))
    assert patient.wrong() == {"tag of the highest lock": "problem"}
    [found] = [each for each in patient.findings() if each.level == "problem"]
    assert f"delete-object-tagging --bucket locks --key {key(3)}" in found.do


def test_a_lock_that_was_succeeded_meanwhile_is_tagged_rightly(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    tags = patient.bucket.tags

    def lead_first(key_of: str) -> Reading:
        if key_of == key(3) and key(4) not in patient.existing():
            patient.lead().resign()
        return tags(key_of)

    monkeypatch.setattr(patient.bucket, "tags", lead_first)
    assert patient.wrong() == {}


def test_a_corrupt_highest_lock_is_a_problem(patient: Patient) -> None:
    patient.store.put(key(3), b"[]")
    assert patient.wrong()["highest lock"] == "problem"


def test_what_a_corrupt_highest_lock_would_say_of_others_is_not_known(patient: Patient) -> None:
    patient.store.put(key(3), b"[]")
    wrong = patient.wrong()
    names = ("tagging", "leaking locks", "old locks")
    assert [wrong[name] for name in names] == ["cannot tell"] * len(names)
    assert not findings_without_remedy(patient)


def test_whether_a_corrupt_lock_is_sealed_is_not_known(patient: Patient) -> None:
    patient.store.put(key(1), b"[]")
    patient.store.perform(Tag(key(1)))
    assert patient.wrong() == {"corrupt locks": "warning", "unsealed locks": "cannot tell"}


def test_a_lapsed_highest_lock_is_a_warning(patient: Patient) -> None:
    patient.lead()
    patient.clock.advance(timedelta(seconds=34))
    assert patient.wrong() == {"highest lock": "warning"}


def test_an_election_without_locks_is_a_warning(patient: Patient) -> None:
    for each in patient.existing():
        patient.store.delete(each)
    assert patient.wrong() == {"highest lock": "warning", "rights": "cannot tell"}


def test_corrupt_and_unsealed_locks_below_the_highest_are_warnings(patient: Patient) -> None:
    patient.store.put(key(1), b"[]")
    patient.edit(2, expired=False)
    for term in (1, 2):
        patient.store.perform(Tag(key(term)))
    assert patient.wrong() == {"corrupt locks": "warning", "unsealed locks": "warning"}


def test_locks_that_leaders_could_not_tag_are_a_warning_when_they_are_many(
    patient: Patient,
) -> None:
    lock = json.loads(patient.store.body(key(3)))
    patient.store.put(key(60), json.dumps(lock | {"term": 60, "swept": 2}).encode())
    assert patient.wrong() == {"tagging": "warning"}
    patient.store.perform(Tag(key(3)))
    patient.store.put(key(60), json.dumps(lock | {"term": 60, "swept": 20}).encode())
    assert patient.wrong() == {}


def test_an_old_lock_without_its_tag_leaks(patient: Patient) -> None:
    patient.store.put(key(1), patient.store.body(key(1)))  # a write takes the tags away
    assert patient.wrong() == {"leaking locks": "warning"}


def test_locks_that_outlive_the_lifecycle_rule_are_a_warning(patient: Patient) -> None:
    patient.clock.advance(timedelta(days=32))
    assert patient.wrong() == {}
    patient.clock.advance(timedelta(days=2))
    assert patient.wrong() == {"old locks": "warning"}


@pytest.mark.parametrize(
    ("hint", "expected"), [(b'{"term": 3}', {}), (b'{"term": 9}', "wrong"), (b"[]", "wrong")]
)
def test_a_hint_is_compared_with_the_highest_term(
    patient: Patient, hint: bytes, expected: object
) -> None:
    patient.store.put(FOLDER + "hint.json", hint)
    assert patient.wrong() == (expected and {"hint": "warning"})
