"""The exit codes of the commands, apart from `run`, which passes on those of its command."""

from __future__ import annotations

from typing import Final

DONE: Final = 0
NEEDS_YOU: Final = 1
USAGE: Final = 2
NO_ELECTION: Final = 3
INTERRUPTED: Final = 130  # 128 + SIGINT, as shells have it


class Unchanged(Exception):  # noqa: N818 - no error: a person has decided so
    """Nothing was changed, because nobody confirmed it; the command exits with `NEEDS_YOU`."""
