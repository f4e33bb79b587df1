"""The exit codes of `s3leader run`, apart from the command's own. Most are those of sysexits.h."""

from __future__ import annotations

from typing import Final

from s3leader import LeadershipLost, S3LeaderError, StoreUnavailable

BAD_CHECKPOINT: Final = 65  # EX_DATAERR
UNREACHABLE: Final = 75  # EX_TEMPFAIL
LOST: Final = 76
MISCONFIGURED: Final = 78  # EX_CONFIG
NOT_EXECUTABLE: Final = 126
NOT_FOUND: Final = 127

HELP = """\
exit codes: that of COMMAND, or 128 + n if signal n ended it; the code of --if-lost if not elected;
65 COMMAND succeeded, but its checkpoint cannot be saved; 75 S3 cannot be reached: try again later;
76 leadership was lost, and COMMAND was stopped, or its end could not be recorded; 78 an option,
the environment, the bucket or a permission must be corrected (the message says which), or a lock is
corrupt; 126 COMMAND cannot be executed; 127 COMMAND is not found; 128 + n signal n came before
COMMAND was started"""


def of_error(error: S3LeaderError) -> int:
    """Return the exit code for an error that kept the command from running."""
    if isinstance(error, StoreUnavailable):
        return UNREACHABLE
    return LOST if isinstance(error, LeadershipLost) else MISCONFIGURED
