"""`scripts/acceptance`: checks in an AWS account what s3leader assumes of AWS."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import click
from botocore.exceptions import BotoCoreError, ClientError

from s3leader_acceptance import setup
from s3leader_acceptance.account import AcceptanceError, Account
from s3leader_acceptance.checks.table import CHECKS, chosen
from s3leader_acceptance.deployment import Deployment
from s3leader_acceptance.destruction import destroy
from s3leader_acceptance.plan import plan
from s3leader_acceptance.progress import Progress
from s3leader_acceptance.redaction import Redactor
from s3leader_acceptance.report import Report
from s3leader_acceptance.results import Check
from s3leader_acceptance.runner import run_checks
from s3leader_acceptance.state import State, read_states

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_FOLDER = Path(".acceptance")


class Interrupted(BaseException):
    """A signal ends the run; what it has created is destroyed on the way out."""

    def __init__(self, number: int) -> None:
        """Keep the signal's number."""
        super().__init__(number)
        self.number = number


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--yes", is_flag=True, help="Do not ask before anything is created.")
@click.option("--only", multiple=True, metavar="CHECK", help="Make this check; may be repeated.")
@click.option("--list", "list_only", is_flag=True, help="List the checks, and create nothing.")
@click.option("--keep", is_flag=True, help="Keep the stack, to look at it; --destroy removes it.")
@click.option(
    "--destroy", "destroy_only", is_flag=True, help="Destroy what earlier runs have left."
)
@click.option("--region", metavar="REGION", help="Default: as for the AWS tools.")
@click.option("--profile", metavar="PROFILE", help="Default: as for the AWS tools.")
@click.option("--endpoint-url", metavar="URL", help="Of an emulator. Default: AWS.")
@click.option(
    "--fast",
    is_flag=True,
    help="For an emulator whose schedules fire to the second and whose retries take seconds.",
)
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=_FOLDER,
    show_default=True,
    metavar="DIR",
    help="Where reports, logs and the state of runs are written.",
)
def acceptance(
    *,
    yes: bool,
    only: tuple[str, ...],
    list_only: bool,
    keep: bool,
    destroy_only: bool,
    region: str | None,
    profile: str | None,
    endpoint_url: str | None,
    fast: bool,
    directory: Path,
) -> int:
    """Check in an AWS account what s3leader assumes of AWS.

    Deploys a throwaway stack, tries each assumption that docs/verification.md states, writes a
    report without account numbers, and destroys what it has made, also when it is interrupted.

    Exit codes: 0 no check failed; 1 one failed, or something is left; 2 usage; 128 + number of the
    signal that ended it.
    """
    try:
        checks = chosen(only)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--only") from error
    if list_only:
        for check in CHECKS:
            click.echo(f"{check.name:15} {check.does}\n{'':15} {check.assumption}")
        return 0
    progress = Progress()
    if destroy_only:
        return _destroy_all(directory, profile, progress)
    account = Account.open(profile=profile, region=region, endpoint=endpoint_url)
    if fast and account.endpoint is None:
        raise click.BadParameter("AWS is not as fast: give --endpoint-url too", param_hint="--fast")
    account.check_bootstrapped()
    state = State.create(directory, account)
    with state.locked():
        try:
            click.echo(plan(account, state.stack, fast=fast), err=True)
            if not yes:
                click.confirm("Go on?", err=True, abort=True)
        except BaseException:
            state.discard()
            raise
        return _run(state, account, progress, checks, keep=keep, fast=fast)


def _run(
    state: State,
    account: Account,
    progress: Progress,
    checks: Sequence[Check],
    *,
    keep: bool,
    fast: bool,
) -> int:
    began = datetime.now(UTC)
    try:
        assembly = setup.synthesize(state, account, progress, fast=fast)
        setup.record_assets(state, account, assembly)
        outputs = setup.deploy(state, account, assembly, progress)
        deployment = Deployment(
            account=account, state=state, outputs=outputs, progress=progress, fast=fast
        )
        report = Report(
            findings=run_checks(deployment, checks),
            region=account.region,
            endpoint=account.endpoint is not None,
            began=began,
            redactor=Redactor(account.number, [deployment.bucket]),
        )
        for path in report.write(state.folder):
            click.echo(path)
    except BaseException:
        _destroy(state, account, progress)
        raise
    if keep:
        progress.say(f"{state.stack} stays: scripts/acceptance --destroy removes it")
    else:
        _destroy(state, account, progress)
    return 1 if report.failed else 0


def _destroy(state: State, account: Account, progress: Progress) -> None:
    """Destroy the stack; a signal only says how to go on, a second one ends this."""

    def second(number: int, _frame: FrameType | None) -> None:
        raise Interrupted(number)

    def first(_number: int, _frame: FrameType | None) -> None:
        progress.say("still destroying; a second signal leaves the rest to --destroy")
        for each in _SIGNALS:
            signal.signal(each, second)

    for each in _SIGNALS:
        signal.signal(each, first)
    destroy(state, account, progress)


def _destroy_all(directory: Path, profile: str | None, progress: Progress) -> int:
    """Destroy what runs have left that are not running; each is in an account and Region."""
    states = read_states(directory)
    for state in states:
        account = Account.open(profile=profile, region=state.region, endpoint=state.endpoint)
        with state.locked() as free:
            if free:
                _destroy(state, account, progress)
            else:
                progress.say(f"{state.stack} is in use by a run: stop that one, and it destroys it")
    if not states:
        progress.say(f"no run has left anything, as far as {directory} says")
    return 0


def _interrupt(number: int, _frame: FrameType | None) -> None:
    raise Interrupted(number)


def main() -> int:
    """Run the command; return its exit code."""
    for each in _SIGNALS:
        signal.signal(each, _interrupt)
    try:
        code: int = acceptance.main(prog_name="scripts/acceptance", standalone_mode=False)
    except click.exceptions.Abort:
        return 2
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (AcceptanceError, BotoCoreError, ClientError) as error:
        click.echo(f"acceptance: {error}", err=True)
        return 1
    except Interrupted as interrupted:
        click.echo("acceptance: interrupted", err=True)
        return 128 + interrupted.number
    return code


if __name__ == "__main__":
    sys.exit(main())
