"""The files of a folder that are shipped, excluded or rejected."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from s3leader_cdk import StagingError, job_code
from s3leader_cdk._packaging import asset, folder_files
from s3leader_cdk._packaging.asset import RuntimeSource, content_hash, list_job, stage


@pytest.fixture(autouse=True)
def _no_dependencies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asset, "install", lambda *_, **__: None)


@pytest.fixture
def job(tmp_path: Path) -> Path:
    folder = tmp_path / "job"
    folder.mkdir()
    (folder / "main.py").write_text("def handler(event, context): ...\n")
    return folder


@pytest.fixture
def runtime(tmp_path: Path) -> RuntimeSource:
    package = tmp_path / "s3leader"
    package.mkdir()
    (package / "__init__.py").write_text("")
    requirements = tmp_path / "requirements.lock"
    requirements.write_text("# nothing to install\n")
    return RuntimeSource(package=package, requirements=requirements)


def write(path: Path, text: str = "text\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def names(job: Path, *exclude: str) -> list[str]:
    return [each.name for each in list_job(job, exclude=exclude).files]


# ------------------------------------------------------------------------------- left out

LEFT_OUT = [
    "cdk.out/asset.1/main.py",
    "cdk.out.dev/tree.json",
    ".venv/lib/big.py",
    "venv/lib/big.py",
    "inner/node_modules/index.js",
    ".git",
    ".git/HEAD",
    ".env",
    ".env.production",
    ".aws/credentials",
    "__pycache__/main.cpython-314.pyc",
    "inner/stray.pyc",
    ".mypy_cache/3.11/cache.db",
    ".pytest_cache/README.md",
    ".ruff_cache/1",
    ".hypothesis/unicode",
    "job.egg-info/PKG-INFO",
    ".idea/job.iml",
    ".vscode/settings.json",
    ".DS_Store",
    "inner/.DS_Store",
    "main.py~",
    ".main.py.swp",
    "#main.py#",
    "tests/unit/helpers.py",
    "inner/test_main.py",
    "conftest.py",
]


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_tools_and_tests_leave_is_neither_shipped_nor_hashed(
    name: str, job: Path, runtime: RuntimeSource
) -> None:
    before = content_hash(list_job(job), runtime)
    write(job / name)
    assert (names(job), content_hash(list_job(job), runtime)) == (["job/main.py"], before)


@pytest.mark.parametrize(
    "name", ["environment.py", "tested.py", "data/.keep", "venvs.py", "dist/a.py", "x.dist-info/M"]
)
def test_files_with_similar_names_are_shipped(name: str, job: Path) -> None:
    write(job / name)
    assert f"job/{name}" in names(job)


@pytest.mark.parametrize("marker", ["pyvenv.cfg", "cdk.out"])
def test_environments_and_outputs_are_known_under_any_name(marker: str, job: Path) -> None:
    write(job / "anything" / marker)
    write(job / "anything" / "lib" / "big.py")
    assert names(job) == ["job/main.py"]


def test_the_output_of_the_app_is_not_shipped_before_it_is_complete(job: Path) -> None:
    write(job / "build" / "asset.1" / "main.py")
    listed = list_job(job, output=str(job / "build"))
    assert [each.name for each in listed.files] == ["job/main.py"]


def test_the_cli_s_output_is_not_shipped(job: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDK_OUTDIR", str(job / "build"))
    write(job / "build" / "asset.1" / "main.py")
    assert names(job) == ["job/main.py"]


@pytest.mark.parametrize("marker", ["pyvenv.cfg", "cdk.out"])
def test_a_job_folder_that_is_an_environment_or_an_output_is_rejected(
    marker: str, job: Path
) -> None:
    write(job / marker)
    with pytest.raises(StagingError, match="move the job's modules to their own folder"):
        list_job(job)


def test_a_job_s_folder_that_is_the_app_s_output_is_refused(job: Path) -> None:
    with pytest.raises(
        StagingError, match="is the output of this CDK app, whose files would be shipped"
    ):
        list_job(job, output=str(job))


def test_a_folder_above_that_is_called_like_a_cache_does_not_matter(tmp_path: Path) -> None:
    job = write(tmp_path / "__pycache__" / "tests" / "job" / "main.py").parent
    assert names(job) == ["job/main.py"]


@pytest.mark.parametrize("name", [".ENV", ".Env.local", ".AWS/credentials"])
def test_secrets_are_reported_in_any_case(name: str, job: Path) -> None:
    write(job / name)
    assert [each.name for each in list_job(job).withheld] == [name.partition("/")[0]]


# ---------------------------------------------------------------------------- as asked for


@pytest.mark.parametrize("pattern", ["docs/", "*.md", "/docs/a.md", "**/a.md", "DOCS"])
def test_patterns_are_those_of_gitignore_in_any_case(pattern: str, job: Path) -> None:
    write(job / "docs" / "a.md")
    assert names(job, pattern) == ["job/main.py"]


def test_a_pattern_may_ship_what_is_left_out_by_default(job: Path) -> None:
    write(job / "tests" / "data.json")
    assert names(job, "!tests/") == ["job/main.py", "job/tests/data.json"]


def test_a_string_instead_of_patterns_is_rejected(job: Path) -> None:
    with pytest.raises(TypeError, match=r"give a list of patterns, \['docs'\]"):
        job_code(job, exclude="docs")


def test_a_folder_of_which_nothing_is_shipped_is_refused(job: Path) -> None:
    with pytest.raises(StagingError, match="has no files to ship"):
        job_code(job, exclude=["*.py"])


# ------------------------------------------------------------------------------------ links


def test_a_link_to_a_file_is_shipped_as_the_file(
    job: Path, runtime: RuntimeSource, tmp_path: Path
) -> None:
    (job / "data.json").symlink_to(write(tmp_path / "shared.json", "{}"))
    output = tmp_path / "output"
    stage(list_job(job), runtime, output)
    copy = output / "job" / "data.json"
    assert (copy.is_symlink(), copy.read_text()) == (False, "{}")


def test_a_link_to_a_folder_is_shipped_with_all_its_files(job: Path, tmp_path: Path) -> None:
    write(tmp_path / "shared" / "deep" / "money.py")
    (job / "shared").symlink_to(tmp_path / "shared")
    assert names(job) == ["job/main.py", "job/shared/deep/money.py"]


def test_the_hash_does_not_tell_a_link_from_a_copy(
    job: Path, runtime: RuntimeSource, tmp_path: Path
) -> None:
    (job / "a.py").symlink_to(write(tmp_path / "a.py"))
    linked = content_hash(list_job(job), runtime)
    (job / "a.py").unlink()
    write(job / "a.py")
    assert content_hash(list_job(job), runtime) == linked


@pytest.mark.parametrize("target", [".", "..", "../inner", "/"])
def test_a_link_to_a_folder_around_it_is_refused(target: str, job: Path) -> None:
    (job / "inner").mkdir()
    (job / "inner" / "loop").symlink_to(target)
    with pytest.raises(StagingError, match="holds the link itself"):
        list_job(job)


def test_links_in_a_circle_are_refused(job: Path) -> None:
    (job / "one").mkdir()
    (job / "two").mkdir()
    (job / "one" / "two").symlink_to(job / "two")
    (job / "two" / "one").symlink_to(job / "one")
    with pytest.raises(StagingError, match="holds the link itself"):
        list_job(job)


@pytest.mark.parametrize("target", ["nowhere", "link.py"])
def test_a_link_that_leads_nowhere_is_refused(target: str, job: Path) -> None:
    (job / "link.py").symlink_to(target)
    with pytest.raises(StagingError, match=f"link.py' .* it links to '{target}'"):
        list_job(job)


def test_a_link_that_leads_nowhere_may_be_left_out(job: Path) -> None:
    (job / "link.py").symlink_to("nowhere")
    assert names(job, "link.py") == ["job/main.py"]


# ---------------------------------------------------------------------- what cannot be shipped


def make_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's address has to be short
    try:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(path.name)
    finally:
        os.chdir(here)


@pytest.mark.parametrize("make", [os.mkfifo, make_socket])
def test_a_special_file_is_rejected(make: Callable[[Path], None], job: Path) -> None:
    make(job / "control")
    with pytest.raises(StagingError, match="control' cannot be shipped: it is neither a file nor"):
        list_job(job)


@pytest.mark.parametrize("name", [b"caf\xe9.py", b"a\nb.py", b"a\\b.py", b"...", b"bell\x07"])
def test_a_name_that_cannot_be_used_in_lambda_is_refused(name: bytes, job: Path) -> None:
    Path(os.fsdecode(os.fsencode(job) + b"/" + name)).write_text("")
    with pytest.raises(StagingError, match="its name cannot be used in Lambda"):
        list_job(job)


@pytest.mark.parametrize(
    ("name", "pattern"), [("Icon\r", "Icon*"), ("a\nb", "a*"), ("bell\x07.py", "bell*")]
)
def test_a_name_that_cannot_be_used_may_be_excluded(name: str, pattern: str, job: Path) -> None:
    write(job / name)
    assert names(job, pattern) == ["job/main.py"]


def test_a_folder_that_cannot_be_listed_is_refused(
    job: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(job / "private" / "a.py")
    iterdir = Path.iterdir

    def denied(path: Path) -> object:
        if path.name == "private":
            raise PermissionError(13, "Permission denied")
        return iterdir(path)

    monkeypatch.setattr(Path, "iterdir", denied)
    with pytest.raises(StagingError, match=r"private' .* cannot be read \(Permission denied\)"):
        list_job(job)


def test_a_file_that_cannot_be_read_is_refused(
    job: Path, runtime: RuntimeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    listed = list_job(job)
    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(StagingError, match=r"main\.py' .* cannot be read \(Permission denied\)"):
        content_hash(listed, runtime)


def test_more_than_lambda_takes_is_refused_with_the_largest_files(
    job: Path, runtime: RuntimeSource
) -> None:
    for name, megabytes in (("model.bin", 200), ("small.bin", 1), ("index.bin", 100)):
        with (job / name).open("wb") as file:
            file.truncate(megabytes * 1_000_000)  # sparse: it takes no room
    largest = r"job/model\.bin \(200 MB\), job/index\.bin \(100 MB\), job/small\.bin"
    with pytest.raises(StagingError, match=f"Lambda takes 262,144,000 unpacked.*{largest}"):
        content_hash(list_job(job), runtime)


def test_dependencies_count_too(
    job: Path, runtime: RuntimeSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = list_job(job)
    monkeypatch.setattr(folder_files, "MAX_UNZIPPED_BYTES", 100)
    write(tmp_path / "output" / "dependency.py", "#" * 100)
    with pytest.raises(StagingError, match=r"dependency\.py"):
        stage(listed, runtime, tmp_path / "output")


# ------------------------------------------------------------------------------------ modes

BIT = pytest.mark.parametrize("mode", [0o755, 0o700, 0o744, 0o555])


def staged_mode(output: Path, name: str) -> int:
    return (output / name).stat().st_mode & 0o7777


@BIT
def test_what_can_be_run_in_the_folder_can_be_run_in_lambda(
    mode: int, job: Path, runtime: RuntimeSource, tmp_path: Path
) -> None:
    write(job / "bin" / "convert").chmod(mode)
    stage(list_job(job), runtime, tmp_path / "output")
    assert staged_mode(tmp_path / "output", "job/bin/convert") == 0o755


@BIT
def test_the_hash_changes_with_the_x_bit(mode: int, job: Path, runtime: RuntimeSource) -> None:
    tool = write(job / "bin" / "convert")
    before = content_hash(list_job(job), runtime)
    tool.chmod(mode)
    assert content_hash(list_job(job), runtime) != before


@pytest.mark.parametrize("mode", [0o600, 0o444, 0o666, 0o640])
def test_other_bits_change_neither_the_hash_nor_what_is_shipped(
    mode: int, job: Path, runtime: RuntimeSource, tmp_path: Path
) -> None:
    (job / "main.py").chmod(0o644)
    before = content_hash(list_job(job), runtime)
    (job / "main.py").chmod(mode)
    stage(list_job(job), runtime, tmp_path / "output")
    assert content_hash(list_job(job), runtime) == before
    assert staged_mode(tmp_path / "output", "job/main.py") == 0o644


@pytest.mark.parametrize("umask", [0o077, 0o027, 0o002])
def test_lambda_s_user_can_read_everything_under_any_umask(
    umask: int, job: Path, runtime: RuntimeSource, tmp_path: Path
) -> None:
    write(job / "inner" / "deep" / "a.py")
    output = tmp_path / "output"
    before = os.umask(umask)
    try:
        write(output / "dependency" / "__init__.py")
        stage(list_job(job), runtime, output)
    finally:
        os.umask(before)
    modes = {path.is_dir(): staged_mode(output, str(path)) for path in output.rglob("*")}
    assert (modes, staged_mode(output, ".")) == ({True: 0o755, False: 0o644}, 0o755)


def test_empty_folders_are_neither_shipped_nor_hashed(
    job: Path, runtime: RuntimeSource, tmp_path: Path
) -> None:
    before = content_hash(list_job(job), runtime)
    (job / "empty").mkdir()
    stage(list_job(job), runtime, tmp_path / "output")
    assert content_hash(list_job(job), runtime) == before
    assert not (tmp_path / "output" / "job" / "empty").exists()
