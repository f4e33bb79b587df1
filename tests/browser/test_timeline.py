"""The timeline in a real browser: what is shown, by pointer and by keyboard."""

import base64
from datetime import timedelta
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.keys import Keys

from s3leader_cli.timeline.page import render_page
from s3leader_cli.timeline.palette import LOOKS, themes
from tests.browser.timeline_page import TimelinePage
from tests.s3leader_cli.timeline.ledgers import START, at, data_of, term

HOSTILE = "</script><img src=x onerror=\"document.title='broken'\">"
TERMS = (
    term(1),
    term(2, "failed", reason=HOSTILE, holder="blue"),
    term(3, "continued", holder="green"),
    term(4, tick=at(180), leg=2, holder="green"),
    term(5, "deposed", holder="blue"),
    term(6, None),
)
MISSED = [START + timedelta(minutes=7), START + timedelta(minutes=8)]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = data_of(*TERMS, missed=MISSED, schedule="rate(1 minute)")
    written = tmp_path_factory.mktemp("page") / "timeline.html"
    written.write_text(render_page(data), encoding="utf-8")
    return written


@pytest.fixture
def page(chrome: Chrome, file: Path) -> TimelinePage:
    opened = TimelinePage(chrome)
    opened.visit(file.as_uri())
    return opened


def test_the_page_asks_nobody_for_anything(page: TimelinePage, file: Path) -> None:
    assert page.requests() == [file.as_uri()]


def test_nothing_is_refused_by_the_policy_or_fails(page: TimelinePage) -> None:
    page.press(Keys.ARROW_RIGHT, Keys.ENTER, "0")
    assert page.complaints() == []


def test_every_term_has_a_bar(page: TimelinePage) -> None:
    assert page.bars() == [1, 2, 3, 4, 5, 6]


def test_arrow_keys_move_from_term_to_term(page: TimelinePage) -> None:
    shown = []
    for key in (Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_LEFT, Keys.END, Keys.HOME):
        page.press(key)
        shown.append(page.text("details-title"))
    assert shown == ["Term 1", "Term 2", "Term 1", "Term 6", "Term 1"]


def test_up_and_down_move_between_the_terms_that_need_a_look(page: TimelinePage) -> None:
    shown = []
    for key in (Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_UP):
        page.press(key)
        shown.append(page.text("details-title"))
    assert shown == ["Term 2", "Term 5", "Term 2"]


def test_a_screen_reader_is_given_the_details_of_the_chosen_term(page: TimelinePage) -> None:
    page.press(Keys.ARROW_RIGHT)
    details = page.element("details")
    assert (details.get_attribute("aria-live"), "nightly-eu/657c11bf" in details.text) == (
        "polite",
        True,
    )


def test_text_from_the_bucket_is_shown_as_text(page: TimelinePage) -> None:
    page.press(Keys.ARROW_DOWN)
    assert (HOSTILE in page.text("details"), page.browser.title) == (True, "nightly: terms")


def test_pointing_at_a_bar_shows_its_term(page: TimelinePage) -> None:
    page.point_at(page.place(4))
    assert (page.text("details-title"), "leg 2" in page.text("details")) == ("Term 4", True)


def test_the_successor_of_a_deposed_leader_says_that_it_took_over(page: TimelinePage) -> None:
    page.press(Keys.END)
    assert "from term 5, which was deposed" in page.text("details")


def test_what_needs_a_look_is_listed_with_missed_ticks_the_newest_first(
    page: TimelinePage,
) -> None:
    page.until("return document.querySelectorAll('#alarms tbody tr').length === 3")
    rows = page.text("alarms").splitlines()
    assert [word for row in rows for word in ("missed", "deposed", "failed") if word in row] == [
        "missed",
        "deposed",
        "failed",
    ]


def test_an_outcome_can_be_hidden_and_shown(page: TimelinePage) -> None:
    counts = []
    for _ in range(2):
        page.click("#outcomes button:first-child")
        counts.append(page.bars())
    assert counts == [[2, 3, 5, 6], [1, 2, 3, 4, 5, 6]]


@pytest.mark.parametrize(
    ("words", "found"), [("green", [3, 4]), ("06:05", [5]), ("#4", [4]), ("ONERROR", [2])]
)
def test_terms_are_found_by_holder_tick_number_and_reason(
    page: TimelinePage, words: str, found: list[int]
) -> None:
    page.element("find").send_keys(words)
    page.until("return view.signal('needle') !== ''")
    page.settle()
    assert page.bars() == found


def test_arrow_keys_pass_over_what_a_filter_hides(page: TimelinePage) -> None:
    page.element("find").send_keys("green")
    page.until("return view.signal('needle') !== ''")
    page.press(Keys.HOME)
    assert page.text("details-title") == "Term 3"


@pytest.mark.parametrize("how", ["wheel", "button", "key", "enter", "brush"])
def test_each_way_to_zoom_in_shortens_the_section(page: TimelinePage, how: str) -> None:
    before, left, y = page.section, page.signal("left"), page.signal("overview_y")
    if how == "wheel":
        page.scroll(-300)
    elif how == "button":
        page.click("[data-do=in]")
    elif how == "key":
        page.press("+")
    elif how == "enter":
        page.press(Keys.ARROW_RIGHT, Keys.ENTER)
    else:
        page.drag((left + 200, y + 20), (left + 500, y + 20))
    assert page.section < 0.8 * before


def test_zooming_out_ends_at_the_whole_ledger(page: TimelinePage) -> None:
    whole = page.section
    page.press("+", "+", "-", "-", "-")
    assert page.section == whole


@pytest.mark.parametrize("how", ["lanes", "brush", "button", "key"])
def test_each_way_to_go_on_in_time_keeps_the_length_of_the_section(
    page: TimelinePage, how: str
) -> None:
    page.press("+", "+")
    (start, end), left, y = page.signal("domain"), page.signal("left"), page.signal("overview_y")
    if how == "lanes":
        page.drag((600, 60), (400, 60))
    elif how == "brush":
        middle = left + page.signal("plot") / 2
        page.drag((middle, y + 20), (middle + 200, y + 20))
    elif how == "button":
        page.click("[data-do=later]")
    else:
        page.press(Keys.SHIFT + Keys.ARROW_RIGHT)
    first, last = page.signal("domain")
    assert (first > start, last - first) == (True, pytest.approx(end - start, abs=5))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_each_outcome_has_its_colour_in_both_themes(
    chrome: Chrome, tmp_path: Path, theme: str
) -> None:
    page = TimelinePage(chrome)
    page.open(data_of(*TERMS), tmp_path, theme=theme)
    page.settle()
    colours = {name: getattr(look, theme) for name, look in LOOKS.items()}
    seen = {name for name, colour in colours.items() if page.pixels(colour)}
    assert seen >= {"completed", "failed", "deposed", "held"}


def test_the_page_follows_a_change_of_theme(page: TimelinePage) -> None:
    page.set_theme("dark")
    page.until(f"return view.signal('theme').paper === '{themes()['dark']['paper']}'")
    page.settle()
    assert page.pixels(themes()["dark"]["lane"]) > 10_000


def test_it_is_printed_in_light_colours_as_vectors(page: TimelinePage) -> None:
    page.set_theme("dark")
    pdf = base64.b64decode(page.browser.print_page())
    fills = page.browser.execute_script(
        "const painted = [...document.querySelectorAll('#printed svg [fill]')];"
        "return painted.map((each) => each.getAttribute('fill'))"
    )
    assert (pdf[:5], LOOKS["failed"].light in fills, LOOKS["failed"].dark in fills) == (
        b"%PDF-",
        True,
        False,
    )


def test_an_election_without_terms_says_so(chrome: Chrome, tmp_path: Path) -> None:
    page = TimelinePage(chrome)
    page.open(data_of(), tmp_path)
    assert "no term yet" in page.text("details")
