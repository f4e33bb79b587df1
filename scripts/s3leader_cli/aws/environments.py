"""Makes Lambda start new environments, which remember no lock."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click

from .clients import arn, client
from .failures import RequestFailed, explained

VARIABLE = "S3LEADER_LEDGER_RESTORED_AT"


@dataclass(frozen=True, kw_only=True)
class Function:
    """A function in a Region."""

    region: str
    name: str

    def forget(self) -> None:
        """Change a variable, which replaces all environments, and wait until that is done.

        The change is conditional on the revision that was read, so it overwrites no other. A
        repetition only replaces the environments once more.
        """
        with explained("lambda:UpdateFunctionConfiguration", _arn(self.region, self.name)):
            functions = client("lambda", self.region)
            for _ in range(3):
                functions.get_waiter("function_updated_v2").wait(FunctionName=self.name)
                found = functions.get_function_configuration(FunctionName=self.name)
                variables = variables_of(  # what is written replaces them all
                    found.get("Environment", {}),
                    f"{self.name} in {self.region}",
                    "they are left as they are",
                )
                # Emulators of Lambda may lack it.
                revision = {key: found[key] for key in ("RevisionId",) if key in found}
                try:
                    functions.update_function_configuration(
                        FunctionName=self.name,
                        Environment={"Variables": {**variables, VARIABLE: f"{time.time():.3f}"}},
                        **revision,
                    )
                except (
                    functions.exceptions.PreconditionFailedException,
                    functions.exceptions.ResourceConflictException,
                ):
                    continue
                functions.get_waiter("function_updated_v2").wait(FunctionName=self.name)
                return
        raise click.ClickException(
            f"{self.name} in {self.region} is being changed by somebody else; run the command again"
        )


def variables_of(environment: Mapping[str, Any], function: str, therefore: str) -> dict[str, str]:
    """Return all variables of a function's `Environment`; `RequestFailed` if they are not shown.

    `therefore` says what is not done without them.
    """
    if error := environment.get("Error"):  # in the place of those that cannot be decrypted
        raise RequestFailed(
            f"the variables of {function} cannot be read, so {therefore}:"
            f" {error.get('ErrorCode')}: {error.get('Message')}. Allow kms:Decrypt on their key, or"
            " deploy the function again"
        )
    return dict(environment.get("Variables", {}))


def log_group(region: str, name: str) -> str:
    """Return the name of a function's log group."""
    with explained("lambda:GetFunctionConfiguration", _arn(region, name)):
        found = client("lambda", region).get_function_configuration(FunctionName=name)
    group: str = found.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{name}"
    return group


def _arn(region: str, name: str) -> str:
    return name if name.startswith("arn:") else arn("lambda", region, f"function:{name}")
