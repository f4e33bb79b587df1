"""The environment variables of processes in the local cloud.

An inherited AWS variable, certificate bundle or proxy would send requests elsewhere or break them,
so only the variables named here are passed on.
"""

import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

REGION = "us-east-1"
ACCOUNT = "000000000000"
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "SYSTEMROOT")
_LOOPBACK = "127.0.0.1,localhost"
_SECRET = "test"  # noqa: S105 - of a server on loopback


def new_key_id() -> str:
    """Return a key id that no other cloud has: the CDK CLI caches accounts by key id."""
    return "LOCAL" + secrets.token_hex(8).upper()


def aws_settings(port: int, key_id: str) -> dict[str, str]:
    """Return the variables that point any AWS client at the emulator, and nowhere else."""
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": key_id,
        "AWS_SECRET_ACCESS_KEY": _SECRET,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
    }


def process_environment(directory: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Return the whole environment of a process that runs in, or against, the local cloud."""
    return {
        **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        **settings,
        "HOME": str(directory),
        "TMPDIR": str(directory / "tmp"),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": _LOOPBACK,
        "no_proxy": _LOOPBACK,
        "PYTHONUNBUFFERED": "1",
    }


def emulator_environment(directory: Path, port: int) -> dict[str, str]:
    """Return the environment of the emulator itself, which each function's process inherits."""
    return {
        **process_environment(directory, {}),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "LOG_LEVEL": "INFO",
        "IOT_MTLS_ENABLED": "0",  # no listeners but the API
        "SFTP_ENABLED": "0",
        "DOCKER_HOST": f"unix://{directory}/no-docker.sock",  # keep away from a running daemon
    }


def enforcing_environment(key_id: str) -> dict[str, str]:
    """Return what makes the emulator check IAM, with `key_id` as the account's root."""
    return {"AUTH": "true", "AWS_ACCESS_KEY_ID": key_id, "AWS_SECRET_ACCESS_KEY": _SECRET}


def synth_environment(directory: Path) -> dict[str, str]:
    """Return the environment of `cdk synth`: this process's, less AWS variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | _cli_settings(directory, kept)


def deploy_environment(directory: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of `cdk bootstrap` and `cdk deploy`."""
    env = process_environment(directory, settings)
    return env | _cli_settings(directory, env)


def _cli_settings(directory: Path, env: Mapping[str, str]) -> dict[str, str]:
    python = str(Path(sys.executable).parent)
    return {
        "PATH": os.pathsep.join([python, env.get("PATH", os.defpath)]),
        "CDK_HOME": str(directory / "cdk-home"),  # else it writes into the user's home
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CDK_DISABLE_VERSION_CHECK": "1",
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
        "NO_COLOR": "1",
    }
