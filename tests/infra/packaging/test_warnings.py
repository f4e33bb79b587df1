"""Jobs that are made of a folder: warnings about it, and errors as users see them."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Annotations, Match

from s3leader_cdk import RuntimeLayer, StagingError
from s3leader_cdk._packaging import package_cache
from tests.infra.jobs import DECORATED, build
from tests.infra.synth import Synthesized

ARM = b"\x7fELF\x02\x01\x01" + bytes(11) + b"\xb7\x00"
X86 = b"\x7fELF\x02\x01\x01" + bytes(11) + b"\x3e\x00"
MACOS, WINDOWS = b"\xcf\xfa\xed\xfe" + bytes(20), b"MZ" + bytes(20)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "billing"
    made.mkdir()
    (made / "main.py").write_text(DECORATED)
    return made


def stack(outdir: Path | None = None) -> cdk.Stack:
    app = cdk.App(
        context={"aws:cdk:bundling-stacks": []}, outdir=None if outdir is None else str(outdir)
    )
    return cdk.Stack(app, "Test")


def warned(folder: Path, *exclude: str) -> list[str]:
    made = stack()
    build(made, code=folder, handler="billing.main.handler", exclude=list(exclude))
    found = Annotations.from_stack(made).find_warning("*", Match.any_value())
    return [str(each.entry.data) for each in found]


SUSPECT: dict[str, tuple[str, bytes, str]] = {
    "built for another processor": ("fast.so", X86, "was built for x86_64"),
    "a library with a version": ("lib/libfast.so.1.2", X86, "was built for x86_64"),
    "built for macOS": ("fast.cpython-314-darwin.so", MACOS, "was built for macOS"),
    "built for Windows": ("fast.pyd", WINDOWS, "was built for Windows"),
    "for another Python": ("fast.cpython-311-aarch64-linux-gnu.so", ARM, "CPython 3.11"),
    "a private key": ("key.txt", b"\n-----BEGIN RSA PRIVATE KEY-----\nMII", "holds a private key"),
}


@pytest.mark.parametrize(("name", "content", "message"), SUSPECT.values(), ids=SUSPECT)
def test_warned_of_is(name: str, content: bytes, message: str, folder: Path) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    (warning,) = warned(folder)
    assert (name in warning, message in warning) == (True, True)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("fast.cpython-314-aarch64-linux-gnu.so", ARM),
        ("fast.abi3.so", ARM),
        ("ca.pem", b"-----BEGIN CERTIFICATE-----\nMII"),
        ("Main.class", b"\xca\xfe\xba\xbe\x00\x00\x00\x34"),
        ("report.txt", b"MZ is how it begins"),
    ],
)
def test_not_warned_of_is(name: str, content: bytes, folder: Path) -> None:
    (folder / name).write_bytes(content)
    assert warned(folder) == []


def test_settings_that_are_not_shipped_are_warned_of(folder: Path) -> None:
    (folder / ".env").write_text("TOKEN=1\n")
    (warning,) = warned(folder)
    assert ".env is not shipped" in warning


@pytest.mark.parametrize("pattern", [".env", "!.env"])
def test_settings_that_a_pattern_names_are_not_warned_of(pattern: str, folder: Path) -> None:
    (folder / ".env").write_text("TOKEN=1\n")
    assert warned(folder, pattern) == []


def test_the_asset_does_not_depend_on_an_output_within_it(folder: Path) -> None:
    def asset() -> str:
        made = stack(folder / "build")
        build(made, code=folder, handler="billing.main.handler")
        return str(Synthesized(made).one("AWS::Lambda::Function", "JobFunction")["Code"]["S3Key"])

    before = asset()
    (folder / "build" / "asset.1").mkdir()  # as another asset of the same app leaves it
    (folder / "build" / "asset.1" / "main.py").write_text(DECORATED)
    (folder / "build" / "cdk.out").unlink(missing_ok=True)
    assert asset() == before


def test_a_handler_that_is_not_shipped_is_refused_with_the_patterns_that_ship_it(
    folder: Path,
) -> None:
    (folder / "tests").mkdir()
    (folder / "tests" / "main.py").write_text(DECORATED)
    handler = "billing.tests.main.handler"
    match = r"main\.handler' is .* not shipped.*exclude=\['!tests/', '!main\.py'\]"
    with pytest.raises(ValueError, match=match):
        build(stack(), code=folder, handler=handler)
    build(stack(), code=folder, handler=handler, exclude=["!tests/", "!main.py"])


@pytest.mark.parametrize(
    ("source", "module"),
    [
        ("from billing import test_mode", "billing.test_mode"),
        ("from . import test_mode as mode", "billing.test_mode"),
        ("from .test_mode import x", "billing.test_mode"),
        ("import billing.test_mode", "billing.test_mode"),
        ("from billing.tests.fixtures import x", "billing.tests.fixtures"),
    ],
)
def test_an_import_of_an_excluded_module_is_warned_of(
    source: str, module: str, folder: Path
) -> None:
    write_excluded_modules(folder)
    (folder / "work.py").write_text(source)
    (warning,) = warned(folder)
    assert all(each in warning for each in ("work.py", module, "exclude=['!tests/']"))


@pytest.mark.parametrize(
    "source",
    [
        "import json, billing.main\nfrom . import main\nfrom .main import x\nfrom .. import above",
        "from tests import fixtures",
        "def work():\n    from billing import test_mode",
        "this is no Python (",
    ],
    ids=["shipped", "elsewhere", "late", "not parsed"],
)
def test_other_imports_are_not_warned_of(source: str, folder: Path) -> None:
    write_excluded_modules(folder)
    (folder / "work.py").write_text(source)
    assert warned(folder) == []


def write_excluded_modules(folder: Path) -> None:
    (folder / "tests").mkdir()
    for name in ("test_mode", "tests/__init__", "tests/fixtures"):
        (folder / f"{name}.py").write_text("")


def test_exclude_beside_a_code_is_refused(folder: Path) -> None:
    code = lambda_.Code.from_asset(str(folder))
    with pytest.raises(ValueError, match="exclude was given with a Code"):
        build(stack(), code=code, handler="main.handler", exclude=["docs/"])


@pytest.mark.parametrize("made", ["job", "layer"])
@pytest.mark.parametrize("error", [StagingError("no pip\nat all"), OSError(28, "No space left")])
def test_an_error_while_staging_is_raised_unwrapped(
    made: str,
    error: Exception,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(package_cache, "install", fail)
    scope = cdk.Stack(cdk.App(outdir=str(tmp_path / "out")), "Test")
    makers: dict[str, Callable[[], object]] = {
        "job": partial(build, scope, code=folder, handler="billing.main.handler"),
        "layer": partial(RuntimeLayer, scope, "Layer"),
    }
    with pytest.raises(StagingError, match=str(error.args[-1])):
        makers[made]()
