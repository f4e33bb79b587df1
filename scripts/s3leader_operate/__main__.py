"""Operate a deployed job: the commands of docs/operating.md that take more than one AWS request.

They read the environment variables that the page sets: REGIONS (comma-separated, the home Region
first), ELECTION, and what `names` prints: JOBS ("region/function", separated by spaces),
LOCK_BUCKET and DATA_BUCKET.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

from . import job, ledger


def main(argv: list[str] | None = None) -> None:
    """Run one command."""
    commands: dict[str, tuple[Callable[..., None], list[str]]] = {
        "names": (job.names, []),
        "output": (job.output, ["STACK", "NAME"]),
        "disable": (lambda: job.switch("DISABLED"), []),
        "enable": (lambda: job.switch("ENABLED"), []),
        "run": (job.run, ["[TICK]"]),
        "logs": (job.logs, []),
        "alarms": (job.alarms, []),
        "dead-letters": (job.dead_letters, []),
        "skip": (ledger.skip, ["TICK"]),
        "move": (ledger.move, ["NEW_BUCKET"]),
        "restore-policy": (ledger.restore_policy, []),
        "highest": (ledger.highest, []),
        "put-lock": (lambda number, done: ledger.put_lock(int(number), done), ["NUMBER", "DONE"]),
        "restart": (ledger.restart, []),
    }
    parser = argparse.ArgumentParser(description=__doc__)
    subparsers = parser.add_subparsers(dest="command", required=True)
    for name, (_, arguments) in commands.items():
        command = subparsers.add_parser(name)
        for argument in arguments:
            command.add_argument(argument.strip("[]"), nargs="?" if "[" in argument else None)
    values = vars(parser.parse_args(argv))
    function, arguments = commands[values["command"]]
    function(*(values[argument.strip("[]")] for argument in arguments))


if __name__ == "__main__":
    main()
