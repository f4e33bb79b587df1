import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from s3leader_cli.timeline.page import render_page, script_json
from tests.s3leader_cli.timeline.ledgers import data_of, term

HOSTILE = "</script><script>alert(1)</script><!--\u2028\u2029\ud800&\"'@title@"


class Page(HTMLParser):
    """What a browser would find: the elements, and the texts of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {"script": [], "style": [], "title": []}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        tag = self.found[-1][0] if self.found else ""
        if tag in self.texts and data.strip():
            self.texts[tag].append(data)


@pytest.fixture(scope="module")
def page() -> str:
    hostile = term(1, "failed", holder=HOSTILE, reason=HOSTILE, state={HOSTILE: [HOSTILE]})
    return render_page(data_of(hostile, term(2), election=HOSTILE))


def policy(page: str) -> dict[str, list[str]]:
    (content,) = (a["content"] for _, a in Page(page).found if "http-equiv" in a)
    rules = [rule.split() for rule in (content or "").split(";")]
    return {name: values for name, *values in rules}


def test_text_from_the_bucket_adds_no_element(page: str) -> None:
    plain = render_page(data_of(term(1), term(2)))
    assert [tag for tag, _ in Page(page).found] == [tag for tag, _ in Page(plain).found]


def test_text_from_the_bucket_arrives_as_it_is(page: str) -> None:
    timeline = json.loads(Page(page).texts["script"][0])["timeline"]
    assert timeline["terms"]["reason"][0] == HOSTILE.replace("\u2028", "\\u2028").replace(
        "\u2029", "\\u2029"
    ).replace("\ud800", "\\ud800")


def test_the_page_can_be_written_as_utf_8(page: str) -> None:
    assert page.encode("utf-8")


@pytest.mark.parametrize("text", ["</script>", "<!--", "\u2028", "\ud800", "&amp;"])
def test_json_within_a_script_holds_no_character_that_html_reads(text: str) -> None:
    written = script_json({text: text})
    assert (re.search(r"[<>&\u0080-\uffff]", written), json.loads(written)) == (None, {text: text})


def test_the_policy_lets_nothing_be_fetched(page: str) -> None:
    rules = policy(page)
    rest = {name for name in rules if name not in {"script-src", "style-src"}}
    assert (rest, {value for name in rest for value in rules[name]}) == (
        {"default-src", "base-uri", "form-action"},
        {"'none'"},
    )


@pytest.mark.parametrize(("tag", "rule"), [("script", "script-src"), ("style", "style-src")])
def test_the_policy_names_the_hash_of_each_inline_text_and_nothing_else(
    page: str, tag: str, rule: str
) -> None:
    texts = Page(page).texts[tag][1 if tag == "script" else 0 :]  # the first script is the data
    hashes = [base64.b64encode(hashlib.sha256(t.encode()).digest()).decode() for t in texts]
    assert policy(page)[rule] == [f"'sha256-{each}'" for each in hashes]


def test_no_element_names_a_file_or_a_server(page: str) -> None:
    named = {name for _, attributes in Page(page).found for name in attributes}
    assert named & {"src", "href", "srcset", "action", "poster", "data-src"} == set()


def test_a_live_page_may_ask_its_own_server() -> None:
    assert policy(render_page(data_of(), live="/timeline.json"))["connect-src"] == ["'self'"]


def test_the_page_of_a_live_source_names_it() -> None:
    given = json.loads(Page(render_page(data_of(), live="/t.json")).texts["script"][0])
    assert given["live"] == "/t.json"


def test_the_page_says_whose_library_it_carries(page: str) -> None:
    assert "BSD 3-Clause" in page
