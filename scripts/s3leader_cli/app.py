"""The command `s3leader` and its table of commands, each imported only when it is used."""

from __future__ import annotations

import difflib
import importlib
from typing import Any

import click

import s3leader

from .streams import print_out

# What a person wants to do, and the commands for it: `module:attribute` below s3leader_cli.
COMMANDS = {
    "Look": {
        "list": "observe.list:list_command",
        "status": "observe.status:status",
        "watch": "observe.watch:watch",
        "history": "observe.history:history",
        "logs": "operate.logs:logs",
        "alarms": "operate.alarms:alarms",
        "timeline": "timeline.command:timeline",
        "missed": "observe.missed:missed",
    },
    "Act": {
        "depose": "act.depose:depose",
        "trigger": "operate.trigger:trigger",
        "pause": "operate.switch:pause",
        "resume": "operate.switch:resume",
        "redrive": "operate.redrive:redrive",
        "skip": "act.skip:skip",
        "repair": "repair.group:repair",
    },
    "Check": {
        "doctor": "check.doctor.command:doctor",
        "certify": "certify.command:certify",
        "verify": "check.verify.command:verify",
        "cost": "check.cost.command:cost",
    },
    "Run": {
        "run": "run.options:run_command",
    },
    "Set up": {
        "completion": "completion:completion",
    },
}

EXIT_CODES = """\
Exit codes: 0 done, or nothing to do; 1 it needs you (the message says why); 2 usage error; 3 no
lock exists for an election of that name; 130 interrupted.
"""
SETTINGS = """\
Options may also be set by environment variables, as --help of a command shows, and in the file
~/.config/s3leader/config.toml (or $S3LEADER_CONFIG), such as: bucket = "locks". Also read:
$S3LEADER_ENCRYPTION, $S3LEADER_KMS_KEY and $S3LEADER_BUCKET_OWNER, as by the candidates, and what
boto3 reads, such as AWS_DEFAULT_REGION.
"""


class Commands(click.Group):
    """Imports a command when it is named, and lists the commands by purpose."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in the order of the table."""
        return [name for section in COMMANDS.values() for name in section]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command."""
        for section in COMMANDS.values():
            if cmd_name in section:
                module, _, attribute = section[cmd_name].partition(":")
                command = getattr(importlib.import_module(f"s3leader_cli.{module}"), attribute)
                assert isinstance(command, click.Command)  # noqa: S101 - the table is ours
                _add_help(command)
                return command
        return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the words name, or say which there are."""
        names = self.list_commands(ctx)
        if args[0] in names or args[0].startswith("-"):
            return super().resolve_command(ctx, args)
        close = difflib.get_close_matches(args[0], names, n=3)
        hint = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(names)}"
        raise click.UsageError(f"No such command {args[0]!r}: {hint}", ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands, one section for each purpose."""
        width = max(map(len, self.list_commands(ctx)))
        for title, section in COMMANDS.items():
            with formatter.section(title):
                rows = []
                for name in section:
                    command = self.get_command(ctx, name)
                    help_text = "" if command is None else command.get_short_help_str(80)
                    rows.append((name.ljust(width), help_text))
                formatter.write_dl(rows)


def _print_version(ctx: click.Context, _: click.Parameter, wanted: Any) -> None:  # noqa: ANN401
    """Print the version. It is looked up only here, because that takes time."""
    if wanted:
        print_out(f"s3leader {s3leader.__version__}\n")
        ctx.exit()


def _print_help(ctx: click.Context, _: click.Parameter, wanted: Any) -> None:  # noqa: ANN401
    """Print the help. Click's own option ends the process on a pipe that is closed."""
    if wanted and not ctx.resilient_parsing:
        print_out(ctx.get_help() + "\n")
        ctx.exit()


_HELP = click.Option(
    ["-h", "--help"],
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_help,
    help="Print this text and exit.",
)


def _add_help(command: click.Command) -> None:
    """Add the option to a command, and to the commands of a group."""
    command.add_help_option = False
    if _HELP not in command.params:
        command.params.append(_HELP)
    if isinstance(command, click.Group):
        for each in command.commands.values():
            _add_help(each)


@click.group(cls=Commands, epilog=f"{EXIT_CODES}\n{SETTINGS}")
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Print the version and exit.",
)
def app() -> None:
    """Show elections on S3, act on them, and run commands as singletons."""


_add_help(app)
