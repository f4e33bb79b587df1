"""What a program gets on standard output if a command with `--json` fails: one JSON document."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from .exit_codes import USAGE, Unchanged
from .streams import OutputFailed, has_written, print_error, print_out

_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass
class ErrorOutput:
    """Shows the errors of one command line.

    `as_json` is at first whether the words have `--json`, and whether it is an option once click
    has parsed them: it may be the value of another, or come from the configuration file.
    """

    as_json: bool = False

    def show(self, error: Exception, message: str, code: int) -> int:
        """Print an error on standard error, for programs on standard output too; return `code`.

        Nothing is added to output that a command has begun: a program gets one document, or the
        lines of a stream. The document is one line, so that it is an element of a stream as well.
        """
        print_error(f"s3leader: {message}")
        if self.as_json and not has_written():
            document = {"error": {"kind": _kind(error, code), "message": message}}
            try:
                print_out(json.dumps(document) + "\n")
            except OutputFailed as failed:
                print_error(f"s3leader: {failed}")
        return code


def _kind(error: Exception, code: int) -> str:
    """Return a word for programs."""
    if code == USAGE:
        return "usage"
    if isinstance(error, Unchanged):
        return "not_confirmed"
    if isinstance(error, ModuleNotFoundError):
        return "package_missing"
    name = type(error).__name__
    known = str(getattr(error, "kind", _WORD.sub("_", name).lower()))
    return "failed" if known == "click_exception" else known
