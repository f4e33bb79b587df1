"""The one error of the local cloud."""

from pathlib import Path

_TAIL_LINES = 40


class LocalCloudError(Exception):
    """The local cloud or a command failed; the message has the last lines of its log."""

    @classmethod
    def with_log(cls, what: str, log: Path) -> "LocalCloudError":
        """Return an error that says what failed, with the last lines of the log."""
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        tail = "\n".join(f"  | {line}" for line in lines[-_TAIL_LINES:]) or "  | (empty)"
        return cls(f"{what}; the end of {log}:\n{tail}")
