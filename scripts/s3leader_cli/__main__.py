"""Entry point of the `s3leader` command. It says which extra is missing, if one is."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from s3leader import BucketOptions, Election, InvalidArgument, S3LeaderError

from .configuration import defaults
from .exit_codes import INTERRUPTED, NEEDS_YOU, USAGE, Unchanged
from .json_errors import ErrorOutput
from .report import advice
from .run.codes import MISCONFIGURED
from .run.words import split_command
from .streams import OutputFailed, is_interactive, prepare, print_error, printable
from .streams import ask as ask_person

if TYPE_CHECKING:
    from .options import Ask, Elect, ElectionPlace

# The extra that has each package.
_EXTRAS = {"click": "cli", "rich": "cli", "vl_convert": "timeline"}


def main(argv: Sequence[str] | None = None, *, elect: Elect | None = None, ask: Ask = None) -> int:
    """Run the command line and return its exit code; tests replace `elect` and `ask`."""
    words, command = split_command(sys.argv[1:] if argv is None else argv)
    runs = words[:1] == ["run"]  # and leaves standard output to its command
    errors = ErrorOutput(as_json="--json" in words and not runs)
    try:
        prepare(prints=not runs)
        if ask is None and is_interactive():
            ask = ask_person
        return _run(words, command, elect or _election, ask, errors)
    except OutputFailed as error:
        print_error(f"s3leader: {error}")
        return NEEDS_YOU
    except Unchanged as error:
        return errors.show(error, "nothing was changed", NEEDS_YOU)
    except S3LeaderError as error:
        # An error with a cause is due to the environment (a profile, say), not to an argument.
        is_usage = isinstance(error, InvalidArgument) and error.__cause__ is None
        text = printable(" ".join(advice(error).split()))
        return errors.show(error, text, USAGE if is_usage else NEEDS_YOU)
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        text = (
            f"expected the package {error.name}, which is not installed: run pip install"
            f" 's3leader[{extra}]'"
        )
        return errors.show(error, text, NEEDS_YOU)
    except KeyboardInterrupt:  # during the imports
        print_error("\ns3leader: interrupted")
        return INTERRUPTED


def _run(
    words: Sequence[str], command: Sequence[str], elect: Elect, ask: Ask, errors: ErrorOutput
) -> int:
    """Parse the words and run the command."""
    import click  # noqa: PLC0415 - an extra

    from .app import app  # noqa: PLC0415 - the same
    from .options import Context  # noqa: PLC0415 - the same

    context = Context(elect=elect, ask=ask, words=tuple(command), errors=errors)
    usage = MISCONFIGURED if words[:1] == ["run"] else USAGE
    try:
        code = app.main(
            list(words),
            prog_name="s3leader",
            standalone_mode=False,
            obj=context,
            default_map=defaults(),
        )
    except click.exceptions.NoArgsIsHelpError as error:
        print_error(error.format_message())
        return usage
    except click.UsageError as error:
        if error.ctx is not None:
            print_error(error.ctx.get_usage())
        return errors.show(error, printable(" ".join(error.format_message().split())), usage)
    except click.Abort:  # Ctrl-C, after which click ends the line
        print_error("s3leader: interrupted")
        return INTERRUPTED
    except click.ClickException as error:
        return errors.show(error, printable(error.format_message()), NEEDS_YOU)
    return int(code or 0)


def _election(place: ElectionPlace) -> Election:
    """Return the election on the bucket, reached as its candidates reach it."""
    options = replace(BucketOptions.from_environment(), region=place.region)
    if place.encryption is not None:
        options = replace(options, encryption=place.encryption, kms_key=None)
    if place.kms_key is not None:
        options = replace(options, kms_key=place.kms_key)
    return Election(
        place.election,
        bucket=place.bucket,
        prefix=place.prefix,
        lease=place.lease,
        max_attempts=place.max_attempts,
        long_ledger=place.long_ledger,
        bucket_options=options,
    )


if __name__ == "__main__":
    sys.exit(main())
