"""The one error of the local cloud."""

from pathlib import Path

_TAIL_LINES = 40


class LocalCloudError(Exception):
    """The local cloud, or a command run against it, failed; the message ends with its log's end."""

    @classmethod
    def with_log(cls, what: str, log: Path) -> "LocalCloudError":
        """Say what failed, and show the last lines of the log that tells why."""
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        tail = "\n".join(f"  | {line}" for line in lines[-_TAIL_LINES:]) or "  | (empty)"
        return cls(f"{what}; the end of {log}:\n{tail}")
