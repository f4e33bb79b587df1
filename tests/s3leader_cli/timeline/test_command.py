"""`s3leader timeline`, over the memory store."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.s3leader_cli.command_line import TICK, Cli


@pytest.fixture
def led(cli: Cli) -> Cli:
    """Return a command line on an election with a completed term and one that is led."""
    cli.lead("web-1-400-0a1b2c3d").resign()
    cli.pass_time(60)
    cli.election("web-2-400-0a1b2c3d").campaign(tick="2026-11-23T06:01:00Z")
    return cli


def timeline_of(page: Path) -> dict[str, Any]:
    text = page.read_text(encoding="utf-8").partition('id="data">')[2].partition("</script>")[0]
    timeline: dict[str, Any] = json.loads(text)["timeline"]
    return timeline


def test_it_writes_a_page_of_the_terms(led: Cli, tmp_path: Path) -> None:
    page = tmp_path / "out.html"
    code, out, err = led.run("timeline", "--html", str(page))
    assert (code, out, err) == (0, "", f"wrote {page}: 2 terms of nightly\n")
    assert timeline_of(page)["terms"]["term"] == [1, 2]


def test_a_single_term_is_counted_in_the_singular(led: Cli, tmp_path: Path) -> None:
    page = tmp_path / "out.html"
    assert led.run("timeline", "--limit", "1", "--html", str(page))[2] == (
        f"wrote {page}: 1 term of nightly\n"
    )


def test_it_writes_an_svg(led: Cli, tmp_path: Path) -> None:
    code, _, _ = led.run("timeline", "--svg", str(tmp_path / "out.svg"))
    assert (code, (tmp_path / "out.svg").read_text()[:4]) == (0, "<svg")


def test_json_names_what_was_written(led: Cli, tmp_path: Path) -> None:
    page = str(tmp_path / "out.html")
    _, out, _ = led.run("timeline", "--html", page, "--json")
    assert json.loads(out) == {"election": "nightly", "terms": 2, "missed": 0, "html": page}


def test_a_dash_writes_to_standard_output(led: Cli) -> None:
    code, out, err = led.run("timeline", "--html", "-")
    assert (code, out[:15], err) == (0, "<!DOCTYPE html>", "")


@pytest.mark.parametrize("words", [[], ["--svg", "out.svg", "--open"]])
def test_without_a_page_to_write_it_says_which_options_there_are(
    led: Cli, words: list[str]
) -> None:
    code, _, err = led.run("timeline", *words)
    assert (code, "--html FILE" in err) == (2, True)


def test_an_election_without_terms_writes_nothing(cli: Cli, tmp_path: Path) -> None:
    code, _, err = cli.run("timeline", "--html", str(tmp_path / "out.html"))
    assert (code, [*tmp_path.iterdir()], "is the name right?" in err) == (3, [], True)


def test_older_terms_are_counted_and_not_drawn(led: Cli, tmp_path: Path) -> None:
    page = tmp_path / "out.html"
    led.run("timeline", "--html", str(page), "--limit", "1")
    timeline = timeline_of(page)
    assert (timeline["terms"]["term"], timeline["older"]) == ([2], 1)


def test_terms_that_ended_before_a_time_are_not_drawn(led: Cli, tmp_path: Path) -> None:
    page = tmp_path / "out.html"
    led.run("timeline", "--html", str(page), "--since", "2026-11-23T06:00:30Z")
    timeline = timeline_of(page)
    assert (timeline["terms"]["term"], timeline["older"]) == ([2], 1)


def test_a_corrupt_lock_is_drawn(cli: Cli, tmp_path: Path) -> None:
    cli.corrupt()
    page = tmp_path / "out.html"
    assert cli.run("timeline", "--html", str(page))[0] == 0
    assert timeline_of(page)["terms"]["reason"] == ["expected a JSON object, got []"]


@pytest.mark.parametrize(
    "written",
    [
        [TICK, "2026-11-23T06:05:00Z"],
        {"missed": ["2026-11-23T06:05:00Z"]},
        {"missed": [{"tick": "2026-11-23T06:05:00+00:00"}]},
    ],
)
def test_missed_ticks_are_read_from_a_file(led: Cli, tmp_path: Path, written: object) -> None:
    page, missed = tmp_path / "out.html", tmp_path / "missed.json"
    missed.write_text(json.dumps(written))
    led.run("timeline", "--html", str(page), "--missed", str(missed))
    assert timeline_of(page)["missed"] == [1795413900000]


@pytest.mark.parametrize("written", ["{", "7", '["soon"]', '{"missed": null}'])
def test_a_file_of_something_else_is_refused(led: Cli, tmp_path: Path, written: str) -> None:
    missed = tmp_path / "missed.json"
    missed.write_text(written)
    code, _, err = led.run("timeline", "--html", "-", "--missed", str(missed))
    assert (code, f"--missed {missed}: expected a" in err) == (2, True)


def test_a_folder_that_does_not_exist_is_named(led: Cli, tmp_path: Path) -> None:
    code, _, err = led.run("timeline", "--html", str(tmp_path / "none" / "out.html"))
    assert (code, "No such file or directory" in err) == (1, True)


def test_a_time_that_is_none_is_refused(led: Cli) -> None:
    code, _, err = led.run("timeline", "--html", "-", "--since", "yesterday")
    assert (code, "--since: expected a time such as" in err) == (2, True)


def test_without_the_extra_it_says_how_to_get_it(led: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    code, _, err = led.run("timeline", "--svg", "-")
    assert (code, "pip install 's3leader[timeline]'" in err) == (1, True)
