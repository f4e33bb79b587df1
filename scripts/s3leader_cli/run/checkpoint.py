"""The file that a command reads its checkpoint from, and writes it to."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from s3leader import InvalidArgument

_LONGEST = 1_000_000  # bytes; a lock holds 256 KiB


class CheckpointFile:
    """`S3LEADER_STATE_FILE`, which no other user can read."""

    def __init__(self, state: Mapping[str, Any]) -> None:
        """Write `state` to a new file; raise `OSError` if that is impossible."""
        self.folder = Path(tempfile.mkdtemp(prefix="s3leader-"))
        self.path = self.folder / "state.json"
        self._saved = dict(state)
        try:
            self.path.write_text(json.dumps(self._saved), encoding="utf-8")
        except OSError:  # a full disk
            self.remove()
            raise

    def changed(self) -> dict[str, Any] | None:
        """Return what the command has written since it was saved last; None if nothing.

        Raises `InvalidArgument` for anything but a JSON object, such as one half written.
        """
        try:
            with self.path.open("rb") as file:
                text = file.read(_LONGEST + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InvalidArgument(f"$S3LEADER_STATE_FILE cannot be read: {error}") from None
        try:
            state = json.loads(text) if len(text) <= _LONGEST else None
        except (ValueError, RecursionError):
            state = None
        if not isinstance(state, dict):
            raise InvalidArgument(
                f"expected $S3LEADER_STATE_FILE to hold a JSON object of at most 256 KiB, got"
                f" {text[:60]!r}; write it to another file first, and rename that"
            )
        return None if state == self._saved else state

    def note_saved(self, state: Mapping[str, Any]) -> None:
        """Remember that `state` was saved."""
        self._saved = dict(state)

    def remove(self) -> None:
        """Remove the file, and its folder if the command has left nothing else there."""
        with suppress(OSError):
            self.path.unlink()
        with suppress(OSError):
            self.folder.rmdir()
