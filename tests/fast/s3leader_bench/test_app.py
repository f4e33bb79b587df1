from __future__ import annotations

import click
import pytest

from s3leader_bench.app import SECTIONS, _chosen, _section


def test_other_libraries_are_measured_only_if_asked_for() -> None:
    assert _chosen([], peers=False) == [name for name in SECTIONS if name != "peers"]
    assert _chosen([], peers=True) == [*SECTIONS]


def test_a_section_can_be_measured_alone() -> None:
    assert _chosen(["peers"], peers=False) == ["peers"]
    assert _chosen(["dollars"], peers=True) == ["dollars", "peers"]


def test_an_unknown_section_is_named_with_those_that_exist() -> None:
    with pytest.raises(click.UsageError, match=r"'flow'; expected one of requests, .*floor"):
        _chosen(["flow"], peers=False)


@pytest.mark.parametrize("name", SECTIONS)
def test_each_section_can_be_run(name: str) -> None:
    assert callable(_section(name).run)
