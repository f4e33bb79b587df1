"""Fifty thousand terms in a real browser."""

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.keys import Keys

from s3leader_cli.timeline.palette import LOOKS
from tests.browser.timeline_page import TimelinePage
from tests.s3leader_cli.timeline.ledgers import data_of, term

MANY, FAILED = 50_000, 31_416


@pytest.fixture(scope="module")
def page(chrome: Chrome, tmp_path_factory: pytest.TempPathFactory) -> TimelinePage:
    terms = [term(number, state={"after": number}) for number in range(1, MANY + 1)]
    terms[FAILED - 1] = term(FAILED, "failed", reason="no rows")
    opened = TimelinePage(chrome)
    opened.open(data_of(*terms), tmp_path_factory.mktemp("large"))
    return opened


@pytest.fixture(autouse=True)
def _whole(page: TimelinePage) -> None:
    page.press(Keys.ESCAPE, "0")


def test_the_page_is_smaller_than_twelve_megabytes(page: TimelinePage) -> None:
    size = page.browser.execute_script("return document.documentElement.outerHTML.length")
    assert size < 12_000_000


def test_one_failed_term_is_seen_among_fifty_thousand(page: TimelinePage) -> None:
    assert page.pixels(LOOKS["failed"].light) > 60


def test_no_more_is_drawn_than_there_are_pixels_for(page: TimelinePage) -> None:
    drawn = page.browser.execute_script(
        "return view.data('columns').length + view.data('bars').length"
    )
    assert 0 < drawn < 1400


def test_one_key_finds_the_failed_term(page: TimelinePage) -> None:
    page.press(Keys.HOME, Keys.ARROW_DOWN)
    assert page.text("details-title") == f"Term {FAILED:d}"


def test_zoomed_in_each_term_has_a_bar(page: TimelinePage) -> None:
    page.press(Keys.HOME, Keys.ARROW_DOWN, Keys.ENTER, "-", "-")
    bars = page.bars()
    assert (FAILED in bars, bars) == (True, [*range(bars[0], bars[-1] + 1)])


def test_every_term_is_counted_at_every_step_of_a_zoom(page: TimelinePage) -> None:
    """What is drawn stands for exactly the terms in sight, whichever way it is drawn."""
    script = """
        const [from, to] = view.signal("domain");
        const sum = (name) => view.data(name).reduce((all, each) => all + each.n, 0);
        const inside = drawn.filter((term) => term.e >= from && term.s <= to).length;
        return [view.signal("fine"), inside, sum("columns") + sum("bars") + sum("alarms")];
    """
    steps = []
    for _ in range(9):
        steps.append(page.browser.execute_script(script))
        page.press("+")
    # Coarse counts include whole parts at both edges of the section: at most two parts' terms.
    slack = 2 * (MANY // 4096 + 1)
    wrong = [step for step in steps if abs(step[1] - step[2]) > (0 if step[0] else slack)]
    assert (wrong, {step[0] for step in steps}) == ([], {True, False})
