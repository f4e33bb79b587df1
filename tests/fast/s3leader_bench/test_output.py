from __future__ import annotations

from pathlib import Path

import click
import pytest

from s3leader_bench.app import SECTIONS
from s3leader_bench.output import check_docs, write_docs
from s3leader_bench.tables import Table

PAGE = """# Page

<!-- bench one -->

old

<!-- end -->

between

<!-- bench two -->
<!-- end -->

after
"""
TABLE = Table("New", ("what", "how many"), [("wins", 3)])


@pytest.fixture
def page(tmp_path: Path) -> Path:
    (path := tmp_path / "page.md").write_text(PAGE)
    return path


def test_a_section_replaces_its_own_tables_only(page: Path) -> None:
    write_docs(page, "one", [TABLE])
    expected = PAGE.replace("old", "**New.**\n\n| what | how many |\n|---|---:|\n| wins | 3 |")
    assert page.read_text() == expected


def test_writing_again_changes_nothing(page: Path) -> None:
    write_docs(page, "two", [TABLE])
    once = page.read_text()
    write_docs(page, "two", [TABLE])
    assert page.read_text() == once


def test_no_other_file_is_left(page: Path) -> None:
    write_docs(page, "one", [TABLE])
    assert list(page.parent.iterdir()) == [page]


@pytest.mark.parametrize(
    "text",
    [
        "# Page without marks\n",
        "<!-- bench one -->\nnever closed\n",
        "<!-- bench one -->\n<!-- bench two -->\n<!-- end -->\n",
    ],
)
def test_a_page_without_both_marks_is_refused_and_kept(page: Path, text: str) -> None:
    page.write_text(text)
    message = "has no place for the section one"
    with pytest.raises(click.ClickException, match=message):
        check_docs(page, ["one"])
    with pytest.raises(click.ClickException, match=message):
        write_docs(page, "one", [TABLE])
    assert page.read_text() == text


def test_the_published_page_has_a_place_for_every_section() -> None:
    check_docs(Path(__file__).parents[3] / "docs/performance.md", [*SECTIONS])


def test_columns_of_text_are_aligned_left() -> None:
    table = Table("T", ("a", "b"), [("x", "y")], text=True)
    assert "|---|---|" in table.as_markdown()
