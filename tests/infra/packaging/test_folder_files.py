"""The files of a folder that are shipped, excluded or rejected."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from s3leader_cdk import StagingError, job_code
from s3leader_cdk._packaging import folder_files, package_cache
from s3leader_cdk._packaging.asset import list_job
from s3leader_cdk._packaging.staging import RuntimeSource, content_hash, stage


@pytest.fixture(autouse=True)
def _no_dependencies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package_cache, "install", lambda *_, **__: None)


def write(path: Path, text: str = "text\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def names(job: Path, *exclude: str) -> list[str]:
    return [each.name for each in list_job(job, exclude=exclude).files]


@pytest.mark.parametrize(
    "name",
    [
        "cdk.out.dev/tree.json",
        ".venv/lib/big.py",
        "venv/lib/big.py",
        "inner/node_modules/index.js",
        ".git",
        ".git/HEAD",
        ".env",
        ".env.production",
        ".aws/credentials",
        ".mypy_cache/3.11/cache.db",
        ".pytest_cache/README.md",
        ".ruff_cache/1",
        ".hypothesis/unicode",
        "job.egg-info/PKG-INFO",
        ".idea/job.iml",
        ".vscode/settings.json",
        "inner/.DS_Store",
        "main.py~",
        ".main.py.swp",
        "#main.py#",
        "tests/unit/helpers.py",
        "inner/test_main.py",
        "conftest.py",
    ],
)
def test_files_of_tools_and_tests_are_neither_shipped_nor_hashed(
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
def test_environments_and_outputs_are_not_shipped_under_any_name(marker: str, job: Path) -> None:
    write(job / "anything" / marker)
    write(job / "anything" / "lib" / "big.py")
    assert names(job) == ["job/main.py"]


def test_the_output_of_the_cli_is_not_shipped(job: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDK_OUTDIR", str(job / "build"))
    write(job / "build" / "asset.1" / "main.py")
    assert names(job) == ["job/main.py"]


def test_a_folder_above_that_is_called_like_a_cache_does_not_matter(tmp_path: Path) -> None:
    job = write(tmp_path / "__pycache__" / "tests" / "job" / "main.py").parent
    assert names(job) == ["job/main.py"]


@pytest.mark.parametrize("name", [".ENV", ".Env.local", ".AWS/credentials"])
def test_secrets_are_reported_in_any_case(name: str, job: Path) -> None:
    write(job / name)
    assert [each.name for each in list_job(job).withheld] == [name.partition("/")[0]]


@pytest.mark.parametrize("pattern", ["docs/", "*.md", "/docs/a.md", "**/a.md", "DOCS"])
def test_patterns_are_those_of_gitignore_in_any_case(pattern: str, job: Path) -> None:
    write(job / "docs" / "a.md")
    assert names(job, pattern) == ["job/main.py"]


def test_a_pattern_may_ship_files_that_are_excluded_by_default(job: Path) -> None:
    write(job / "tests" / "data.json")
    assert names(job, "!tests/") == ["job/main.py", "job/tests/data.json"]


def test_a_string_instead_of_patterns_is_rejected(job: Path) -> None:
    with pytest.raises(TypeError, match=r"give a list of patterns, \['docs'\]"):
        job_code(job, exclude="docs")


def test_a_folder_of_which_nothing_is_shipped_is_refused(job: Path) -> None:
    with pytest.raises(StagingError, match="has no files to ship"):
        job_code(job, exclude=["*.py"])


def test_a_link_is_shipped_and_hashed_as_a_copy_of_its_target(
    job: Path, runtime: RuntimeSource, tmp_path: Path
) -> None:
    (job / "data.json").symlink_to(write(tmp_path / "shared.json", "{}"))
    linked = content_hash(list_job(job), runtime)
    stage(list_job(job), runtime, tmp_path / "output")
    copy = tmp_path / "output" / "job" / "data.json"
    assert (copy.is_symlink(), copy.read_text()) == (False, "{}")
    (job / "data.json").unlink()
    write(job / "data.json", "{}")
    assert content_hash(list_job(job), runtime) == linked


def test_a_link_to_a_folder_is_shipped_with_all_its_files(job: Path, tmp_path: Path) -> None:
    write(tmp_path / "shared" / "deep" / "money.py")
    (job / "shared").symlink_to(tmp_path / "shared")
    assert names(job) == ["job/main.py", "job/shared/deep/money.py"]


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
def test_a_link_that_leads_nowhere_is_refused_unless_it_is_excluded(target: str, job: Path) -> None:
    (job / "link.py").symlink_to(target)
    with pytest.raises(StagingError, match=f"link.py' .* it links to '{target}'"):
        list_job(job)
    assert names(job, "link.py") == ["job/main.py"]


def test_a_special_file_is_rejected(job: Path) -> None:
    os.mkfifo(job / "control")
    with pytest.raises(StagingError, match="control' cannot be shipped: it is neither a file nor"):
        list_job(job)


@pytest.mark.parametrize("name", [b"caf\xe9.py", b"a\nb.py", b"a\\b.py", b"bell\x07"])
def test_a_name_that_cannot_be_used_in_lambda_is_refused(name: bytes, job: Path) -> None:
    Path(os.fsdecode(os.fsencode(job) + b"/" + name)).write_text("")
    with pytest.raises(StagingError, match="its name cannot be used in Lambda"):
        list_job(job)


def test_a_name_that_cannot_be_used_in_lambda_may_be_excluded(job: Path) -> None:
    write(job / "Icon\r")
    assert names(job, "Icon*") == ["job/main.py"]


@pytest.mark.parametrize(("method", "name"), [("iterdir", "job"), ("open", r"main\.py")])
def test_a_folder_or_a_file_that_cannot_be_read_is_refused(
    method: str, name: str, job: Path, runtime: RuntimeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    original: Callable[..., object] = getattr(Path, method)

    def denied(path: Path, *args: object) -> object:
        if job in (path, path.parent):
            raise PermissionError(13, "Permission denied")
        return original(path, *args)

    monkeypatch.setattr(Path, method, denied)
    with pytest.raises(StagingError, match=rf"{name}' .* cannot be read \(Permission denied\)"):
        content_hash(list_job(job), runtime)


def test_more_than_lambda_accepts_is_refused_with_the_largest_files(
    job: Path, runtime: RuntimeSource
) -> None:
    for name, megabytes in (("model.bin", 200), ("small.bin", 1), ("index.bin", 100)):
        with (job / name).open("wb") as file:
            file.truncate(megabytes * 1_000_000)  # sparse: it takes no room
    largest = r"job/model\.bin \(200 MB\), job/index\.bin \(100 MB\), job/small\.bin"
    with pytest.raises(StagingError, match=f"Lambda takes 262,144,000 unpacked.*{largest}"):
        content_hash(list_job(job), runtime)


def test_dependencies_count_towards_the_size(
    job: Path, runtime: RuntimeSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_files, "MAX_UNZIPPED_BYTES", 100)
    write(tmp_path / "output" / "dependency.py", "#" * 100)
    with pytest.raises(StagingError, match=r"dependency\.py"):
        stage(list_job(job), runtime, tmp_path / "output")


def staged_mode(output: Path, name: str) -> int:
    return (output / name).stat().st_mode & 0o7777


@pytest.mark.parametrize(
    ("mode", "staged"), [(0o700, 0o755), (0o555, 0o755), (0o600, 0o644), (0o444, 0o644)]
)
def test_of_a_files_mode_only_the_x_bit_is_shipped_and_hashed(
    mode: int, staged: int, job: Path, runtime: RuntimeSource, tmp_path: Path
) -> None:
    tool = write(job / "bin" / "convert")
    tool.chmod(staged)
    expected = content_hash(list_job(job), runtime)
    tool.chmod(mode)
    stage(list_job(job), runtime, tmp_path / "output")
    assert content_hash(list_job(job), runtime) == expected
    assert staged_mode(tmp_path / "output", "job/bin/convert") == staged


@pytest.mark.parametrize("umask", [0o077, 0o002])
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
