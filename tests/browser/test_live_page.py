"""The demo's live page: a server on loopback, and the page that follows it."""

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.keys import Keys

from s3leader_demo.live_page import LivePage
from tests.browser.timeline_page import TimelinePage
from tests.s3leader_cli.timeline.ledgers import START, at, data_of, term


class Growing:
    """An election whose terms a test adds."""

    def __init__(self) -> None:
        self.terms = [term(1)]
        self.reads = 0

    def read(self) -> dict[str, Any]:
        self.reads += 1
        now = START.fromisoformat(at(600 + self.reads))
        return data_of(*self.terms, generated_at=now)


@pytest.fixture
def growing() -> Growing:
    return Growing()


@pytest.fixture
def served(growing: Growing) -> Iterator[tuple[LivePage, str]]:
    with LivePage() as live:
        yield live, live.serve("nightly/1", growing.read)


def get(address: str, host: str | None = None) -> tuple[int, bytes]:
    url = urlsplit(address)
    connection = HTTPConnection(url.hostname or "", url.port, timeout=30)
    try:
        connection.request("GET", url.path, headers={} if host is None else {"Host": host})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_it_listens_on_loopback_only(served: tuple[LivePage, str]) -> None:
    assert served[1].startswith("http://127.0.0.1:")


def test_it_answers_the_terms_as_json(served: tuple[LivePage, str]) -> None:
    status, body = get(f"{served[1]}/timeline.json")
    answer = json.loads(body)
    assert (status, answer["ended"], answer["timeline"]["terms"]["term"]) == (200, False, [1])


@pytest.mark.parametrize("path", ["", "/", "/other", "/nightly%2F1/other"])
def test_there_is_nothing_else(served: tuple[LivePage, str], path: str) -> None:
    url = urlsplit(served[1])
    assert get(f"http://{url.netloc}{path}")[0] == 404


def test_a_request_under_another_host_name_is_refused(served: tuple[LivePage, str]) -> None:
    assert get(served[1], host="attacker.example:80")[0] == 404


def test_after_the_end_the_last_terms_are_served(
    served: tuple[LivePage, str], growing: Growing
) -> None:
    growing.terms.append(term(2))
    served[0].end()
    growing.terms.append(term(3))
    answer = json.loads(get(f"{served[1]}/timeline.json")[1])
    assert (answer["ended"], answer["timeline"]["terms"]["term"]) == (True, [1, 2])


def test_the_page_grows_with_the_election_and_says_when_it_ends(
    served: tuple[LivePage, str], growing: Growing, chrome: Chrome
) -> None:
    live, address = served
    page = TimelinePage(chrome)
    page.visit(address)
    growing.terms.append(term(2, "failed"))
    page.until("return drawn.length === 2 && view.data('alarms').length === 1")
    live.end()
    page.until("return document.getElementById('live').textContent === 'ended'")
    hosts = {urlsplit(each).netloc for each in page.requests()}
    assert (page.bars(), hosts, page.complaints()) == ([1, 2], {urlsplit(address).netloc}, [])


def test_news_take_neither_the_focus_nor_the_choice_of_a_reader(
    served: tuple[LivePage, str], growing: Growing, chrome: Chrome
) -> None:
    page = TimelinePage(chrome)
    page.visit(served[1])
    page.press(Keys.ARROW_RIGHT)
    page.browser.execute_script("document.querySelector('#outcomes button').focus()")
    growing.terms[0] = term(1, reason="seen again")
    page.until("return document.getElementById('details').textContent.includes('seen again')")
    focus = page.browser.switch_to.active_element.get_attribute("aria-pressed")
    assert (focus, page.text("details-title")) == ("true", "Term 1")
