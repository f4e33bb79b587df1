"""Operate a deployed job: the commands of docs/operating.md that take more than one AWS request.

They read the environment variables that the page sets: REGIONS (comma-separated, the home Region
first), ELECTION, and what `names` prints: JOBS ("region/function", separated by spaces),
LOCK_BUCKET and DATA_BUCKET.
"""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Callable

from . import job, ledger

COMMANDS: list[Callable[..., None]] = [
    job.names,
    job.output,
    job.disable,
    job.enable,
    job.run,
    job.logs,
    job.alarms,
    job.dead_letters,
    ledger.skip,
    ledger.move,
    ledger.restore_policy,
    ledger.highest,
    ledger.put_lock,
    ledger.restart,
]


def main(argv: list[str] | None = None) -> None:
    """Run the command; the parameters of its function are its arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    subparsers = parser.add_subparsers(required=True)
    for function in COMMANDS:
        command = subparsers.add_parser(function.__name__.replace("_", "-"), help=function.__doc__)
        command.set_defaults(function=function)
        for name, parameter in inspect.signature(function).parameters.items():
            optional = parameter.default is None
            command.add_argument(name, nargs="?" if optional else None)
    arguments = vars(parser.parse_args(argv))
    arguments.pop("function")(**arguments)


if __name__ == "__main__":
    main()
