"""What the runbook tells an operator to do has the effect that it is meant to have."""

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
from tests.dated_moto import mock_dated_aws

TEXT = (Path(__file__).parents[2] / "docs" / "operating.md").read_text()
SECTIONS = dict(
    section.split("\n", 1) for section in re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:]
)
FIRST_BLOCK = re.findall(r"^```sh\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)[0]
SAY = """python -c '
import json, os, boto3
print(json.dumps([boto3.Session().region_name, os.environ.get("AWS_REGION")]))'"""


@pytest.mark.parametrize("before", [{}, {"AWS_REGION": "eu-west-1"}], ids=str)
@pytest.mark.parametrize("config", ["", "[default]\nregion = eu-north-1\n"])
def test_the_region_that_it_sets_is_the_one_that_commands_use(
    tmp_path: Path, before: dict[str, str], config: str
) -> None:
    (tmp_path / "config").write_text(config)
    env = {"PATH": os.environ["PATH"], "AWS_CONFIG_FILE": str(tmp_path / "config"), **before}
    done = subprocess.run(
        ["bash", "-euc", FIRST_BLOCK + SAY], env=env, check=True, capture_output=True, text=True
    )
    assert json.loads(done.stdout) == ["us-east-1", None]


def test_no_command_takes_concurrency_away() -> None:
    """Lambda would send the function's asynchronous events to the failure destination."""
    assert "put_function_concurrency" not in TEXT


@pytest.mark.parametrize("heading", list(SECTIONS)[1:])
def test_a_section_that_disables_the_schedules_enables_them_again(heading: str) -> None:
    switched = re.findall(r'"\$SWITCH" (\w+)', SECTIONS[heading])
    assert switched in ([], ["DISABLED", "ENABLED"])


def test_messages_are_asked_for_with_what_says_their_cause() -> None:
    assert 'MessageAttributeNames=["All"]' in SECTIONS["Events in a dead-letter queue"]


def test_a_throttled_function_is_looked_for_where_its_events_end() -> None:
    undelivered, unprocessed = re.findall(
        r"^### `(?:Undelivered|Unprocessed)`\n(.*?)(?=^#)", TEXT, flags=re.MULTILINE | re.DOTALL
    )
    assert "throttled is no cause" in undelivered
    assert "because the function was throttled" in unprocessed


ASKED = {
    "encryption": "aws:kms",
    "kms_key": "arn:aws:kms:us-east-1:123456789012:key/1",
    "bucket_owner": "123456789012",
}


@pytest.mark.parametrize("asked", [ASKED, {}], ids=["demanding", "plain"])
def test_a_poisoned_tick_is_skipped_as_the_bucket_asks(
    asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given: list[BucketOptions] = []

    class Noted(S3Store):
        def __init__(self, bucket: str, **options: Any) -> None:
            given.append(options["options"])
            super().__init__(bucket, **options)

    monkeypatch.setattr("s3leader._io.lock_store.S3Store", Noted)
    environment = {"ELECTION": "nightly", "LOCK_BUCKET": "locks", "AWS_DEFAULT_REGION": "us-east-1"}
    credentials = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    of_bucket = {f"S3LEADER_{name.upper()}": asked.get(name, "") for name in ASKED}
    tick = {"TICK": "2026-11-23T08:00:00Z"}
    for name, value in {**environment, **credentials, **of_bucket, **tick}.items():
        monkeypatch.setenv(name, value)
    (program,) = re.findall(
        r"^python - <<'EOF'\n(.*?)^EOF$", SECTIONS["A poisoned tick"], re.MULTILINE | re.DOTALL
    )
    with mock_dated_aws():
        boto3.client("s3").create_bucket(Bucket="locks")
        exec(program, {})  # noqa: S102 - the runbook's own
    assert given == [BucketOptions(**asked)]
    assert "term 1: 2026-11-23T08:00:00Z and all before it are done" in capsys.readouterr().out
