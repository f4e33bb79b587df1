"""What docs/operating.md has an operator do has the intended effect."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import boto3
import pytest

from s3leader._io.s3_options import BucketOptions
from s3leader._io.s3_store import S3Store
from s3leader_operate.__main__ import main
from tests.dated_moto import mock_dated_aws

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "operating.md").read_text()
SECTIONS = dict(
    section.split("\n", 1) for section in re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:]
)
PRINT_REGION = """python -c '
import json, os, boto3
print(json.dumps([boto3.Session().region_name, os.environ.get("AWS_REGION")]))'"""


@pytest.mark.parametrize("page", ["deploy.md", "operating.md"])
@pytest.mark.parametrize("before", [{}, {"AWS_REGION": "eu-west-1"}], ids=str)
@pytest.mark.parametrize("config", ["", "[default]\nregion = eu-north-1\n"])
def test_the_region_that_a_page_sets_is_the_one_that_commands_use(
    tmp_path: Path, page: str, before: dict[str, str], config: str
) -> None:
    (tmp_path / "config").write_text(config)
    blocks = re.findall(
        r"^```sh\n(.*?)^```$", (ROOT / "docs" / page).read_text(), re.MULTILINE | re.DOTALL
    )
    exports = re.sub(r"^eval .*$", "", blocks[0], flags=re.MULTILINE)
    env = {"PATH": os.environ["PATH"], "AWS_CONFIG_FILE": str(tmp_path / "config"), **before}
    done = subprocess.run(
        ["bash", "-euc", exports + PRINT_REGION],
        env=env,
        check=True,
        capture_output=True,
        text=True,
    )
    assert json.loads(done.stdout) == ["us-east-1", None]


def test_no_command_takes_concurrency_away() -> None:
    """Lambda would send the function's asynchronous events to the failure destination."""
    sources = (ROOT / "scripts" / "s3leader_operate").glob("*.py")
    assert [path for path in sources if "put_function_concurrency" in path.read_text()] == []


@pytest.mark.parametrize("heading", SECTIONS)
def test_a_section_that_disables_the_schedules_enables_them_again(heading: str) -> None:
    switched = re.findall(r"s3leader_operate (disable|enable)", SECTIONS[heading])
    assert switched in ([], ["disable", "enable"])


SETTINGS = {
    "encryption": "aws:kms",
    "kms_key": "arn:aws:kms:us-east-1:123456789012:key/1",
    "bucket_owner": "123456789012",
}


@pytest.mark.parametrize("settings", [SETTINGS, {}], ids=["demanding", "plain"])
def test_a_tick_is_skipped_with_the_requests_that_the_bucket_demands(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given: list[BucketOptions] = []

    class RecordingStore(S3Store):
        def __init__(self, bucket: str, **options: Any) -> None:
            given.append(options["options"])
            super().__init__(bucket, **options)

    monkeypatch.setattr("s3leader._io.lock_store.S3Store", RecordingStore)
    environment = {"ELECTION": "nightly", "LOCK_BUCKET": "locks", "AWS_DEFAULT_REGION": "us-east-1"}
    credentials = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    of_bucket = {f"S3LEADER_{name.upper()}": settings.get(name, "") for name in SETTINGS}
    for name, value in {**environment, **credentials, **of_bucket}.items():
        monkeypatch.setenv(name, value)
    with mock_dated_aws():
        boto3.client("s3").create_bucket(Bucket="locks")
        main(["skip", "2026-11-23T08:00:00Z"])
    assert given == [BucketOptions(**settings)]
    assert "term 1: 2026-11-23T08:00:00Z and all before it are done" in capsys.readouterr().out
