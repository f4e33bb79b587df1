import re
from typing import Any
from xml.etree import ElementTree as ET  # the document is our own

import pytest

from s3leader_cli.timeline.palette import LOOKS
from s3leader_cli.timeline.svg import render_svg
from tests.s3leader_cli.timeline.ledgers import START, at, data_of, term

MANY = 50_000


def svg_of(*terms: dict[str, Any], **others: Any) -> str:
    return render_svg(data_of(*terms, **others))


def widths(svg: str, mark: str, outcome: str) -> list[float]:
    """Return the widths of a mark's rectangles that have an outcome's colour."""
    _, _, after = svg.partition(f'role-mark {mark}"')
    drawn = after.partition("</g>")[0]
    found = re.findall(r' d="(M[^"]*)" fill="(#\w+)"', drawn)
    return [width(path) for path, colour in found if colour == LOOKS[outcome].light]


def width(path: str) -> float:
    """Return the width of a rectangle, which may have round corners."""
    if straight := re.search(r"h([\d.]+)", path):
        return float(straight[1])
    across = [float(x) for x, _ in re.findall(r"([\d.]+),([\d.]+)", path)]
    return max(across) - min(across)


@pytest.fixture(scope="module")
def large() -> str:
    terms = [term(number) for number in range(1, MANY + 1)]
    terms[31_415] = term(31_416, "failed")
    return svg_of(*terms)


def test_a_term_of_twenty_seconds_is_as_wide_as_the_axis_says() -> None:
    data = data_of(term(1), term(2))
    first, last = data["range"]
    plot = 1200 - 190 - 18
    (bar, _) = widths(render_svg(data), "bar", "completed")
    assert bar == pytest.approx(20_000 * plot / (last - first), abs=0.5)


def test_one_failed_term_among_fifty_thousand_is_two_pixels_wide(large: str) -> None:
    assert [each >= 2 for each in widths(large, "alarm", "failed")] == [True]


def test_fifty_thousand_terms_are_drawn_as_columns_that_fit_the_width(large: str) -> None:
    assert 300 < len(widths(large, "column", "completed")) < 700


def test_text_from_the_bucket_is_text_in_the_svg() -> None:
    hostile = "<script>alert(1)</script>&\"'"
    root = ET.fromstring(svg_of(term(1, holder=hostile), election=hostile))  # noqa: S314 - ours
    texts = [each.text or "" for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert (
        [each.tag for each in root.iter() if each.tag.endswith("script")],
        f"{hostile}: 1 term" in texts,
    ) == ([], True)


def test_a_missed_tick_is_a_cross() -> None:
    tick = START.replace(hour=7)
    plain, marked = (svg_of(term(1), missed=missed) for missed in ([], [tick]))
    colour = LOOKS["failed"].light
    assert (colour in plain, colour in marked) == (False, True)


def test_an_election_without_terms_can_be_drawn() -> None:
    assert svg_of().startswith("<svg")


def test_two_contenders_have_two_lanes() -> None:
    svg = svg_of(term(1, holder="blue"), term(2, holder="green", started_at=at(90)))
    assert (">blue</text>" in svg, ">green</text>" in svg) == (True, True)


@pytest.mark.parametrize(
    "name", ["\N{FIRECRACKER}" * 40, "job-" + "\U00020000" * 60], ids=["signs", "ideographs"]
)
def test_a_long_name_of_rare_characters_can_be_drawn(name: str) -> None:
    """Vega shortens it between the two halves of a character, which its measuring refuses."""
    assert "…" in svg_of(term(1, holder=name))
