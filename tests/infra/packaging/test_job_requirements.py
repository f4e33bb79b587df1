"""What a job requires is installed for its platform and shipped with it, beside the runtime."""

import re
from dataclasses import replace
from importlib.metadata import requires
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Annotations, Match, Template

from s3leader_cdk import JobFunction, StagingError
from s3leader_cdk._packaging import asset, dependencies, folder_files, package_cache
from s3leader_cdk._packaging.asset import list_job
from s3leader_cdk._packaging.dependencies import Installation
from s3leader_cdk._packaging.distributions import SUPPORTED
from s3leader_cdk._packaging.platforms import Platform
from s3leader_cdk._packaging.requirements import job_requirements
from s3leader_cdk._packaging.staging import RuntimeSource, content_hash, stage
from tests.infra.jobs import DECORATED
from tests.infra.packaging.wheels import lock, wheel

ARM = Platform(python="3.14", architecture="arm64")


@pytest.fixture
def source(runtime: RuntimeSource, wheels: Path) -> RuntimeSource:
    """Return a runtime with dependencies of its own."""
    made = [wheel(wheels, name="jmespath", version="1.1.0"), wheel(wheels, name="powertools")]
    return replace(runtime, requirements=lock(runtime.package.parent, *made))


def shipped(job: Path, source: RuntimeSource, text: str, platform: Platform = ARM) -> Path:
    """Stage a job with a requirements file."""
    (job / "requirements.txt").write_text(text)
    required = job_requirements(None, job)
    output = job.parent / "output"
    stage(list_job(job), source, output, None if required is None else required.on(platform))
    return output


def test_requirements_are_shipped_with_what_they_require(
    installer: str, job: Path, source: RuntimeSource, wheels: Path
) -> None:
    wheel(wheels, name="alpha", requires=["beta>=1"])
    wheel(wheels, name="beta")
    output = shipped(job, source, "alpha==1.0\n")
    names = {"alpha", "beta", "jmespath", "powertools", "s3leader", "job"}
    assert names <= {each.name for each in output.iterdir()}
    assert (list(output.glob("*/RECORD")), (output / "bin").exists()) == ([], False)


def test_the_job_s_own_version_replaces_the_runtime_s(
    installer: str, job: Path, source: RuntimeSource, wheels: Path
) -> None:
    wheel(wheels, name="jmespath", version="1.0.1")
    output = shipped(job, source, "JMESPath==1.0.1\n")
    assert (output / "jmespath" / "__init__.py").read_text() == "VERSION = '1.0.1'\n"
    assert [each.name for each in output.glob("jmespath-*")] == ["jmespath-1.0.1.dist-info"]


@pytest.mark.parametrize("version", ["1.0.0", "2.0.0"])
def test_a_version_that_the_runtime_cannot_use_is_refused(
    version: str, job: Path, source: RuntimeSource, wheels: Path
) -> None:
    wheel(wheels, name="jmespath", version=version)
    expected = rf"requirements.txt installs jmespath {version}, .* require jmespath>=1\.0\.1,<2$"
    with pytest.raises(StagingError, match=expected):
        shipped(job, source, f"jmespath=={version}\n")


def test_the_supported_versions_are_those_of_the_metadata() -> None:
    listed = [*(requires("s3leader") or []), *(requires("aws-lambda-powertools") or [])]
    for name, (first, end) in SUPPORTED.items():
        found = next(each for each in listed if re.match(rf"{name}\s*\(?[<>]", each))
        found = found.partition(";")[0]
        bounds = {each.strip(" ()") for each in found.removeprefix(name).split(",")}
        versions = {each[2:] if each.startswith(">=") else each[1:] for each in bounds}
        assert {each.removesuffix(".0.0") for each in versions} == {first, end} - {""}


def test_a_requirement_that_requires_s3leader_does_not_replace_the_runtime(
    job: Path, runtime: RuntimeSource, wheels: Path
) -> None:
    wheel(wheels, name="alpha", requires=["s3leader"])
    wheel(wheels, name="s3leader")
    output = shipped(job, runtime, "alpha==1.0\n")
    assert (output / "s3leader" / "__init__.py").read_text() == ""


def test_a_requirement_with_the_name_of_the_job_s_folder_is_refused(
    job: Path, runtime: RuntimeSource, wheels: Path
) -> None:
    wheel(wheels, name="job")
    with pytest.raises(StagingError, match="also have a package 'job': rename the job's folder"):
        shipped(job, runtime, "job==1.0\n")


@pytest.mark.parametrize("python", ["3.11", "3.14"])
def test_markers_are_those_of_lambda_and_not_of_this_machine(
    python: str, installer: str, job: Path, runtime: RuntimeSource, wheels: Path
) -> None:
    conditions = {
        "new": "python_version >= '3.13'",
        "old": "python_full_version < '3.12'",
        "arm": "platform_machine == 'aarch64'",
        "windows": "sys_platform == 'win32'",
    }
    for name in (*conditions, "direct"):
        wheel(wheels, name=name)
    wheel(wheels, name="alpha", requires=[f"{name}; {each}" for name, each in conditions.items()])
    text = f"alpha==1.0\ndirect==1.0 ; {conditions['old']}\n"
    output = shipped(job, runtime, text, Platform(python=python, architecture="arm64"))
    found = {each.name for each in output.iterdir()} & {*conditions, "direct"}
    assert found == {"arm", *(("old", "direct") if python == "3.11" else ("new",))}


@pytest.mark.parametrize(("python", "newer"), [("3.11", "2_28"), ("3.12", "2_35")])
@pytest.mark.usefixtures("installer")
def test_a_wheel_for_a_newer_glibc_than_the_runtime_s_is_not_installed(
    python: str, newer: str, job: Path, runtime: RuntimeSource, wheels: Path
) -> None:
    tag = f"cp{python.replace('.', '')}"
    wheel(wheels, f"{tag}-{tag}-manylinux_{newer}_x86_64")
    platform = Platform(python=python, architecture="x86_64")
    with pytest.raises(StagingError, match=r"no wheel of numbers[-_]of==1\.0 was found"):
        shipped(job, runtime, "numbers-of==1.0", platform)


def test_python_3_11_loads_wheels_for_its_glibc(
    installer: str, job: Path, runtime: RuntimeSource, wheels: Path
) -> None:
    wheel(wheels, "cp311-cp311-manylinux_2_17_x86_64")
    platform = Platform(python="3.11", architecture="x86_64")
    assert (shipped(job, runtime, "numbers-of==1.0", platform) / "numbers_of").is_dir()


def test_a_package_without_a_wheel_is_named_with_what_to_do(
    installer: str, job: Path, runtime: RuntimeSource, wheels: Path
) -> None:
    wheel(wheels, name="alpha", requires=["beta"])
    wheel(wheels, "cp314-cp314-macosx_11_0_arm64", name="beta")
    expected = (
        r"could not install .*requirements\.txt for Lambda \(Python 3\.14 on arm64 with glibc"
        r".*no wheel of beta(==1\.0)? was found .*--find-links"
    )
    with pytest.raises(StagingError, match=expected):
        shipped(job, runtime, "alpha==1.0\n")


def test_a_lock_file_that_is_not_complete_is_refused(
    installer: str, job: Path, runtime: RuntimeSource, wheels: Path
) -> None:
    made = wheel(wheels, name="alpha", requires=["beta"])
    wheel(wheels, name="beta")
    with pytest.raises(StagingError, match=r"(?i)beta"):
        shipped(job, runtime, lock(wheels, made).read_text())


def test_wheels_in_a_folder_beside_the_file_are_found(
    installer: str, job: Path, runtime: RuntimeSource, wheels: Path
) -> None:
    (job.parent / "own").mkdir()
    wheel(job.parent / "own", name="alpha")
    assert (shipped(job, runtime, "--find-links ../own\nalpha==1.0\n") / "alpha").is_dir()


def test_the_size_limit_covers_everything_that_is_shipped(
    job: Path, runtime: RuntimeSource, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_files, "MAX_UNZIPPED_BYTES", 1000)
    assert sum(each.size for each in list_job(job).files) < 1000
    wheel(wheels, name="alpha", requires=["beta" * 300 + "; python_version < '3'"])
    with pytest.raises(StagingError, match=r"largest files are alpha-1\.0\.dist-info/METADATA"):
        shipped(job, runtime, "alpha==1.0\n")


def test_the_asset_s_hash_changes_with_requirements_python_and_architecture(
    job: Path, runtime: RuntimeSource
) -> None:
    file = job.parent / "requirements.txt"
    hashes = []
    for text, platform in (
        ("a==1", ARM),
        ("a==2", ARM),
        ("a==1", replace(ARM, python="3.13")),
        ("a==1", replace(ARM, architecture="x86_64")),
    ):
        file.write_text(text)
        required = job_requirements(file, job)
        assert required is not None
        hashes.append(content_hash(list_job(job), runtime, required.on(platform)))
    hashes.append(content_hash(list_job(job), runtime))
    assert len(set(hashes)) == len(hashes)


@pytest.fixture
def billing(
    tmp_path: Path, source: RuntimeSource, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Return the folder of a job that requires `alpha`, for synths with the runtime above."""
    monkeypatch.setattr(asset, "locate_runtime", lambda: source)
    wheel(wheels, name="alpha")
    folder = tmp_path / "billing"
    folder.mkdir()
    (folder / "main.py").write_text(DECORATED)
    (folder / "requirements.txt").write_text("alpha==1.0\n")
    return folder


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that gets the name of each file that is installed."""
    found: list[str] = []
    install = dependencies.install

    def counted(wanted: Installation, output: Path) -> None:
        found.append(wanted.source.name)
        install(wanted, output)

    monkeypatch.setattr(package_cache, "install", counted)
    return found


def new_stack(tmp_path: Path, name: str, **context: object) -> cdk.Stack:
    return cdk.Stack(cdk.App(outdir=str(tmp_path / name), context=context), "Test")


def function(
    stack: cdk.Stack, folder: Path, name: str = "Function", **options: object
) -> JobFunction:
    return JobFunction(
        stack,
        name,
        code=folder,
        handler=f"{folder.name}.main.handler",
        **options,  # type: ignore[arg-type]
    )


def test_two_jobs_and_a_second_synth_share_one_installation(
    billing: Path, runs: list[str], tmp_path: Path
) -> None:
    second = tmp_path / "second"
    second.mkdir()
    (second / "main.py").write_text(DECORATED)
    for out in ("out1", "out2"):
        stack = new_stack(tmp_path, out)
        function(stack, billing, "One")
        function(stack, second, "Two", requirements=billing / "requirements.txt")
        assert len(list((tmp_path / out).glob("asset.*/alpha/__init__.py"))) == 2
    assert sorted(runs) == ["requirements.lock", "requirements.txt"]


def test_another_architecture_is_installed_for_itself(
    billing: Path, runs: list[str], tmp_path: Path
) -> None:
    stack = new_stack(tmp_path, "out")
    function(stack, billing, "One")
    function(stack, billing, "Two", architecture=lambda_.Architecture.X86_64)
    assert sorted(runs) == ["requirements.lock", "requirements.txt", "requirements.txt"]


def test_unit_tests_without_bundling_run_no_installer_and_get_the_same_template(
    billing: Path, runs: list[str], tmp_path: Path
) -> None:
    stacks = [
        new_stack(tmp_path, "test", **{"aws:cdk:bundling-stacks": []}),
        new_stack(tmp_path, "synth"),
    ]
    function(stacks[0], billing)
    assert runs == []
    function(stacks[1], billing)
    test, synth = (Template.from_stack(each).to_json() for each in stacks)
    assert test == synth


def test_without_requirements_nothing_is_installed_for_the_job(
    billing: Path, runs: list[str], tmp_path: Path
) -> None:
    function(new_stack(tmp_path, "out"), billing, requirements=False)
    assert runs == ["requirements.lock"]


def test_a_warning_names_what_is_not_pinned(billing: Path, tmp_path: Path) -> None:
    (billing / "requirements.txt").write_text("alpha\nbeta==1\n")
    stack = new_stack(tmp_path, "out", **{"aws:cdk:bundling-stacks": []})
    function(stack, billing)
    (found,) = Annotations.from_stack(stack).find_warning("*", Match.any_value())
    assert "requirements.txt does not pin alpha: " in str(found.entry.data)


def test_requirements_of_a_code_are_refused(billing: Path, tmp_path: Path) -> None:
    code = lambda_.Code.from_asset(str(billing))
    with pytest.raises(ValueError, match=r"requirements 'r\.txt' was given with a Code"):
        JobFunction(
            new_stack(tmp_path, "out"),
            "Function",
            code=code,
            handler="main.handler",
            requirements="r.txt",
        )


def test_requirements_for_a_runtime_of_the_deployment_are_refused(
    billing: Path, tmp_path: Path
) -> None:
    stack = new_stack(tmp_path, "out")
    runtime = lambda_.Runtime(cdk.CfnParameter(stack, "Runtime").value_as_string)
    with pytest.raises(ValueError, match=r"known only at deployment: .*requirements=False"):
        function(stack, billing, runtime=runtime)
