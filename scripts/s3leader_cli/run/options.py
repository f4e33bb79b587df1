"""The options of `s3leader run`."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from datetime import timedelta

DESCRIPTION = """\
Campaign, and if elected, run COMMAND while the lease is renewed. COMMAND finds in its environment
S3LEADER_TERM and S3LEADER_FENCING_TOKEN (send it with every write), S3LEADER_TICK,
S3LEADER_ATTEMPT, S3LEADER_LEG, S3LEADER_LAST_COMPLETED, S3LEADER_DEADLINE (of the first lease) and
S3LEADER_STATE_FILE (the checkpoint as JSON: rewrite it, and it is saved). What has no value is
empty. If COMMAND exits with 0, the term is completed; with anything else, it has failed. COMMAND's
process group gets SIGTERM, and later SIGKILL, when leadership is lost, when this process gets
SIGTERM, SIGINT or SIGHUP or is killed, and always before the lease ends."""


def add_run_options(run: argparse.ArgumentParser, environment: Mapping[str, str]) -> None:
    """Add the options; `environment` gives the defaults, as the decorator's."""

    def option(name: str, variable: str, default: str | None, **more: object) -> None:
        value = environment.get(f"S3LEADER_{variable}") or default
        run.add_argument(name, default=value, **more)  # type: ignore[arg-type]  # passed on

    option(
        "--lease", "LEASE_SECONDS", "30", type=_duration, metavar="SECONDS",
        help="how long others wait if this machine dies (default: $S3LEADER_LEASE_SECONDS, or 30)",
    )  # fmt: skip
    option(
        "--wait", "WAIT_SECONDS", "0", type=_duration, metavar="SECONDS",
        help="how long to wait while another leads (default: $S3LEADER_WAIT_SECONDS, or 0)",
    )  # fmt: skip
    option(
        "--tick", "TICK", None, metavar="now|TIME|floor:5m|none",
        help="the scheduled time: a tick that is completed is not led again. floor:5m rounds this"
        " machine's time down to five minutes (default: $S3LEADER_TICK, or none)",
    )  # fmt: skip
    option(
        "--max-attempts", "MAX_ATTEMPTS", None, type=_whole(1), metavar="N",
        help="how many terms a tick may have (default: $S3LEADER_MAX_ATTEMPTS, or no limit)",
    )  # fmt: skip
    run.add_argument(
        "--grace", default="10", type=_duration, metavar="SECONDS",
        help="between SIGTERM and SIGKILL; less if the lease ends sooner (default 10)",
    )  # fmt: skip
    run.add_argument(
        "--if-lost", default=0, type=_whole(0, 255), metavar="CODE",
        help="the exit code if not elected (default 0)",
    )  # fmt: skip
    run.add_argument("--quiet", action="store_true", help="print nothing if not elected")
    run.add_argument("--json", action="store_true", help="print this command's own lines as JSON")


def split_command(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the words before `--` and, for `run`, the command after it."""
    words = list(argv)
    if words[:1] != ["run"] or "--" not in words:
        return words, []
    at = words.index("--")
    return words[:at], words[at + 1 :]


def _duration(text: str) -> timedelta:
    try:
        seconds = timedelta(seconds=float(text))
    except (ValueError, OverflowError):
        seconds = timedelta(-1)
    if seconds < timedelta(0):
        raise argparse.ArgumentTypeError(f"expected a number of seconds from 0, got {text!r}")
    return seconds


class _whole:  # noqa: N801 - used as a function
    def __init__(self, least: int, most: int | None = None) -> None:
        self._least, self._most = least, most

    def __call__(self, text: str) -> int:
        number = int(text) if text.isascii() and text.isdigit() else -1
        if number < self._least or (self._most is not None and number > self._most):
            most = "" if self._most is None else f" to {self._most}"
            raise argparse.ArgumentTypeError(
                f"expected a whole number from {self._least}{most}, got {text!r}"
            )
        return number
