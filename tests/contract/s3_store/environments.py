"""Environments for clients, of which nothing of this machine's own is left."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def only(monkeypatch: pytest.MonkeyPatch, home: Path, **variables: str) -> None:
    """Leave of the variables that clients read only keys and `variables`, and an empty home."""
    for name in os.environ:
        if name.startswith(("AWS_", "BOTO", "S3LEADER_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name in ("REQUESTS_CA_BUNDLE", "_X_AMZN_TRACE_ID"):
        monkeypatch.delenv(name, raising=False)
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    for name, value in {**keys, "HOME": str(home), **variables}.items():
        monkeypatch.setenv(name, value)


def config_file(home: Path, profile: str) -> None:
    """Write `profile` as the default profile of the AWS configuration."""
    (home / ".aws").mkdir()
    (home / ".aws" / "config").write_text(f"[default]\n{profile}")
