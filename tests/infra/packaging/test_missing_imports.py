"""A job that imports what is left out of its folder does not start, and synth says so."""

from pathlib import Path

import pytest

from s3leader_cdk._packaging.asset import list_job
from s3leader_cdk._packaging.warnings import missing_imports, warnings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "billing"
    (made / "tests").mkdir(parents=True)
    for name in ("__init__", "rates", "test_mode", "tests/__init__", "tests/fixtures"):
        (made / f"{name}.py").write_text("")
    return made


def missing(folder: Path, source: str, *exclude: str) -> list[str]:
    (folder / "main.py").write_text(source)
    return [module for _, module in missing_imports(list_job(folder, exclude=exclude))]


@pytest.mark.parametrize(
    ("source", "module"),
    [
        ("from billing import test_mode", "billing.test_mode"),
        ("from . import test_mode as mode", "billing.test_mode"),
        ("from .test_mode import x", "billing.test_mode"),
        ("import billing.test_mode", "billing.test_mode"),
    ],
)
def test_import_of_a_module_that_is_left_out_is_found(
    folder: Path, source: str, module: str
) -> None:
    assert missing(folder, source) == [module]


def test_import_from_a_folder_that_is_left_out_is_found(folder: Path) -> None:
    found = missing(folder, "from billing.tests.fixtures import x")
    assert found == ["billing.tests.fixtures"]


@pytest.mark.parametrize(
    "source",
    [
        "import json, billing.rates\nfrom . import rates\nfrom .rates import x",
        "from tests import fixtures",
        "def work():\n    from billing import test_mode",
        "this is no Python (",
        "from .. import above",
    ],
)
def test_what_is_shipped_or_elsewhere_or_late_is_not_reported(folder: Path, source: str) -> None:
    assert missing(folder, source) == []


def test_package_beside_the_folder_is_not_of_the_job(folder: Path) -> None:
    (folder.parent / "library.py").write_text("")
    assert missing(folder, "import library") == []


def test_what_is_shipped_after_all_is_not_reported(folder: Path) -> None:
    assert missing(folder, "from billing import test_mode", "!test_mode.py") == []


def test_what_exclude_leaves_out_is_found_too(folder: Path) -> None:
    assert missing(folder, "from billing import rates", "rates.py") == ["billing.rates"]


def test_warning_names_the_file_the_module_and_the_pattern(folder: Path) -> None:
    (folder / "main.py").write_text("from billing import test_mode")
    ((name, message),) = warnings(list_job(folder), python="3.14", architecture="arm64")
    assert name == "s3leader:import-not-shipped"
    assert all(each in message for each in ("main.py", "billing.test_mode", "exclude=['!tests/']"))
