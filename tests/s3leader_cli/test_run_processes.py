"""How `s3leader run` finds the processes that are left."""

import pytest

from s3leader_cli.run import processes


def test_what_a_child_hands_over_when_it_ends_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Process 7 ends after it was listed; its child 8 is listed only then."""
    lists = iter([[7], [8], [8]])
    monkeypatch.setattr(processes, "children", lambda: next(lists))
    monkeypatch.setattr(processes, "reap", lambda pid: pid == 7)
    assert processes.living_children() == [8]


def test_a_command_is_reaped_by_its_guard_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "children", lambda: [6])
    assert processes.living_children(but=6) == []
