"""What an import and an invocation may load: a cold process waits for each module."""

from __future__ import annotations

import json
import os
import pickle
import pydoc
import subprocess
import sys
from collections.abc import Mapping

import pytest

import s3leader

CLIENTS = {"aiohttp", "boto3", "botocore", "http", "requests", "socket", "ssl", "urllib3"}
# What takes long to import, and is used by few, or by a client anyway.
COSTLY = {
    *("argparse", "asyncio", "aws_lambda_powertools", "dateutil", "decimal", "email", "hashlib"),
    *("importlib.metadata", "secrets", "subprocess", "tempfile", "urllib", "zoneinfo"),
    *("s3leader._cron", "s3leader.leader_elector", "s3leader.observer", "s3leader.repair"),
}
CREDENTIALS = {  # so that nobody asks the network for them
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
}
Loads = Mapping[str, set[str]]
# `mark(name)` records what was loaded since the last mark.
PROGRAM = """
import sys
known, loads = {*sys.modules}, {}
def mark(name):
    loads[name] = sorted({*sys.modules} - known)
    known.update(sys.modules)
%s
import json
print(json.dumps(loads))
"""
# A function's environment: init, an invocation that is not elected, one that is. `wave` stands for
# what takes long to import.
JOB = "import wave\ndef work(event, context, term): return 'worked'\n"
FUNCTION = """
from s3leader.aws_lambda import singleton
handler = singleton("billing.main:work", election="nightly", bucket="locks")
mark("init")
from s3leader._core.requests import Create
from s3leader.testing import MemoryStore, invoke
mark("test")
held = MemoryStore()
held.perform(Create("elections/nightly/lock_0000000001.json", b'{"expired": false}'))
assert invoke(handler, tick="2026-11-23T06:00:00Z", store=held)["reason"] == "held"
mark("follower")
assert invoke(handler, tick="2026-11-23T06:00:00Z")["result"] == "worked"
mark("leader")
"""


def loads(code: str, environment: Mapping[str, str]) -> Loads:
    """Return which modules some code loads in a new process, by its marks."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM % code],
        env={**kept, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, list[str]] = json.loads(done.stdout.splitlines()[-1])
    return {name: {*modules} for name, modules in found.items()}


def among(names: set[str], modules: set[str]) -> set[str]:
    """Return which of `names`, modules or packages, are loaded."""
    return {each for each in names if any(f"{one}.".startswith(f"{each}.") for one in modules)}


@pytest.fixture(scope="module", params=["in Lambda", "elsewhere"])
def function(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Loads:
    folder = tmp_path_factory.mktemp("function")
    (folder / "billing").mkdir()
    (folder / "billing" / "main.py").write_text(JOB)
    environment = {"PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}
    if request.param == "in Lambda":
        environment |= {"AWS_LAMBDA_FUNCTION_NAME": "nightly", **CREDENTIALS}
    return loads(FUNCTION, environment)


in_lambda = pytest.mark.parametrize("function", ["in Lambda"], indirect=True)
elsewhere = pytest.mark.parametrize("function", ["elsewhere"], indirect=True)


def test_the_package_alone_loads_nothing_else() -> None:
    assert loads("import s3leader; mark('it')", {})["it"] == {"s3leader"}


@pytest.mark.parametrize(
    ("code", "most"),
    [
        ("from s3leader import InvalidArgument, LeadershipLost", 15),
        ("from s3leader import Election, NotElected, Term", 105),
        ("import s3leader.aws_lambda", 120),
    ],
)
def test_an_import_loads_no_client_and_nothing_that_only_some_need(code: str, most: int) -> None:
    modules = loads(f"{code}; mark('it')", {})["it"]
    assert among(CLIENTS | COSTLY, modules) == set()
    assert len(modules) <= most


@in_lambda
def test_init_in_lambda_loads_what_each_invocation_uses_and_not_the_job(function: Loads) -> None:
    used = {"aws_lambda_powertools", "s3leader._io.s3_store", "encodings.idna"}
    assert among({*used, "billing", "wave", "dateutil.rrule"}, function["init"]) == used


@pytest.mark.parametrize(("catch_up", "used"), [("latest", set()), ("each", {"dateutil.rrule"})])
def test_init_in_lambda_loads_dateutil_if_each_invocation_looks_for_missed_ticks(
    catch_up: str, used: set[str]
) -> None:
    environment = {
        "AWS_LAMBDA_FUNCTION_NAME": "nightly",
        "S3LEADER_SCHEDULES": '[["cron(0 3 * * ? *)", "UTC"]]',
        "S3LEADER_CATCH_UP": catch_up,
        **CREDENTIALS,
    }
    code = FUNCTION.partition("from s3leader._core")[0].replace("billing.main", "wave")
    assert among({"dateutil.rrule"}, loads(code, environment)["init"]) == used


@in_lambda
def test_a_follower_in_lambda_loads_nothing_more(function: Loads) -> None:
    assert function["follower"] == set()


@elsewhere
def test_a_unit_test_of_a_follower_loads_no_client_and_not_the_job(function: Loads) -> None:
    modules = function["init"] | function["test"] | function["follower"]
    clients = {"boto3", "botocore.session", "urllib3"}  # Powertools looks for a botocore
    assert among({*clients, "billing", "wave"}, modules) == set()


def test_the_elected_invocation_loads_the_job(function: Loads) -> None:
    assert among({"billing.main", "wave"}, function["leader"]) == {"billing.main", "wave"}


@pytest.mark.parametrize("name", s3leader.__all__)
def test_each_public_name_is_found_listed_and_pickled(name: str) -> None:
    found = getattr(s3leader, name)
    assert (found.__name__, pickle.loads(pickle.dumps(found))) == (name, found)  # noqa: S301 - ours
    assert name in dir(s3leader)


def test_a_star_import_binds_each_public_name() -> None:
    namespace: dict[str, object] = {}
    exec("from s3leader import *", namespace)  # noqa: S102 - only this binds them
    assert {*s3leader.__all__} <= namespace.keys()


def test_help_shows_the_classes() -> None:
    text = pydoc.plain(pydoc.render_doc(s3leader))
    assert ("class Election(" in text, "campaign(self" in text) == (True, True)


def test_the_package_is_enough_for_its_submodules() -> None:
    code = "import s3leader\nfor each in ('errors', 'election', 'term'): getattr(s3leader, each)"
    expected = {"s3leader.errors", "s3leader.election", "s3leader.term"}
    assert expected <= loads(f"{code}\nmark('it')", {})["it"]


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 's3leader' has no attribute 'Elections'"):
        s3leader.Elections  # type: ignore[attr-defined]  # noqa: B018 - not a public name
