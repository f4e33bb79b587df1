"""What is in the wheel, and what it says of itself."""

import re
import subprocess
import tarfile
from email.message import Message
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tests.wheel.environments import ROOT, build, contents, metadata

PACKAGES = ["lambda_src/s3leader", "stacks/s3leader_cdk", "scripts/s3leader_cli"]
ABOUT = ["METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"]


def sources() -> set[str]:
    """Return the packages' files that git has or would take, as they are named in the wheel."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--"]
    listed = subprocess.run(
        [*command, *PACKAGES], cwd=ROOT, check=True, capture_output=True, text=True
    )
    names = [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    return {name.partition("/")[2] for name in names}


@pytest.fixture(scope="module")
def said(wheel: Path) -> Message:
    return metadata(wheel)


def asked_for(said: Message, extra: str = "") -> dict[str, Requirement]:
    """Return what is required with an extra and not without it, by name."""
    every = [Requirement(text) for text in said.get_all("Requires-Dist", [])]
    plain = {each.name: each for each in every if each.marker is None}
    if not extra:
        return plain
    marked = [each for each in every if each.marker and each.marker.evaluate({"extra": extra})]
    return {each.name: each for each in marked}


def test_the_wheel_holds_the_packages_the_lock_of_jobs_and_the_licence(wheel: Path) -> None:
    about = {f"s3leader-{wheel.name.split('-')[1]}.dist-info/{name}" for name in ABOUT}
    assert set(contents(wheel)) == sources() | about | {"s3leader_cdk/requirements.lock"}


def test_a_wheel_built_from_the_sdist_is_the_same(wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(build("sdist", ROOT, tmp_path / "sdist")) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (root,) = (tmp_path / "unpacked").iterdir()
    assert contents(build("wheel", root, tmp_path / "built")) == contents(wheel)


def test_boto3_and_botocore_are_asked_for_and_with_each_extra_what_it_names(said: Message) -> None:
    extras = {name: {*asked_for(said, name)} for name in said.get_all("Provides-Extra", [])}
    assert asked_for(said).keys() == {"boto3", "botocore"}
    assert extras == {
        "cdk": {"aws-cdk-lib", "constructs"},
        "lambda": {"aws-lambda-powertools"},
        "cli": {"click", "rich"},
        "timeline": {"vl-convert-python"},
        "otel": {"opentelemetry-api"},
    }


def test_the_oldest_python_in_the_classifiers_is_the_one_required(said: Message) -> None:
    named = re.findall(r"Python :: 3\.(\d+)", " ".join(said.get_all("Classifier", [])))
    oldest = min(map(int, named))
    required = SpecifierSet(said["Requires-Python"])
    assert (f"3.{oldest - 1}.99" in required, f"3.{oldest}.0" in required) == (False, True)


def test_a_job_is_staged_with_what_its_extra_takes(wheel: Path, said: Message) -> None:
    lock = contents(wheel)["s3leader_cdk/requirements.lock"].decode()
    staged = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", lock, re.MULTILINE))
    extra = asked_for(said, "lambda")
    refused = {
        name: staged.get(name)
        for name, each in extra.items()
        if not each.specifier.contains(staged.get(name, "0"))
    }
    assert refused == {}
