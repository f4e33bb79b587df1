"""`s3leader depose`: what it seals, what it asks, and what it warns of."""

import json

import pytest

from s3leader import Election, NotElected, StoreUnavailable, Term
from s3leader._core.requests import Create
from tests.s3leader_cli.command_line import FIRST, SECOND, TICK, Cli

EARLIER = "2026-11-23T05:00:00Z"


def outcome(cli: Cli) -> str | None:
    found: str | None = json.loads(cli.store.body(FIRST))["outcome"]
    return found


def force(cli: Cli, *more: str, answer: str | None = None) -> tuple[int, str, str]:
    return cli.run("depose", "--reason", "it hangs", "--force", *more, answer=answer)


@pytest.mark.parametrize("more", [[], ["--force"]], ids=["", "forced"])
def test_a_lapsed_lock_is_deposed_with_the_reason_and_without_a_warning(
    cli: Cli, more: list[str]
) -> None:
    cli.lead()
    cli.pass_time(34)
    code, _, err = cli.run("depose", "--reason", "host is gone", *more)
    assert (code, outcome(cli), err) == (0, "deposed", "")
    assert json.loads(cli.store.body(FIRST))["reason"] == "host is gone"


def test_a_held_lock_is_not_sealed_without_the_option_that_the_error_names(cli: Cli) -> None:
    cli.lead()
    code, _, err = cli.run("depose", "--reason", "too slow")
    assert (code, outcome(cli)) == (1, None)
    assert "is held by c1" in err
    assert ("--force" in err, "force=True" in err) == (True, False)


@pytest.mark.parametrize("words", [["status"], ["status", "--json"], ["depose", "--reason", "x"]])
def test_a_corrupt_lock_is_explained_with_the_options_of_this_command(
    cli: Cli, words: list[str]
) -> None:
    cli.corrupt()
    _, out, err = cli.run(*words)
    said = " ".join((out + err).split()).replace("\\u2026", "…")
    assert "`s3leader depose --reason … --force --done TICK`" in said
    assert ("force=True" in said, "done=" in said) == (False, False)


def test_forcing_with_yes_seals_a_held_lock_with_a_warning_and_without_asking(cli: Cli) -> None:
    cli.lead()
    code, _, err = force(cli, "--yes", answer="no")
    assert (code, outcome(cli), cli.asked) == (0, "deposed", [])
    assert "it does not stop its holder" in err


@pytest.mark.parametrize(
    ("answer", "code", "sealed"),
    [("yes", 0, "deposed"), *((other, 1, None) for other in ("", "no", "y", "YES!"))],
)
def test_forcing_asks_a_person_and_goes_on_only_after_yes(
    cli: Cli, answer: str, code: int, sealed: str | None
) -> None:
    cli.lead()
    assert (force(cli, answer=answer)[0], outcome(cli), len(cli.asked)) == (code, sealed, 1)


def test_forcing_does_not_seal_a_term_that_began_during_the_question(cli: Cli) -> None:
    term = cli.lead()

    def change_leaders() -> None:
        term.resign("failed")
        cli.lead("c2")

    cli.meanwhile = change_leaders
    code, out, _ = force(cli, answer="yes")
    assert (code, out.startswith("Nothing to depose"), cli.status()["leader"]) == (0, True, "c2")
    assert "is sealed already" not in out
    assert "term 2 has begun since" in out


def test_forcing_without_a_terminal_needs_yes(cli: Cli) -> None:
    cli.lead()
    code, _, err = force(cli)
    assert (code, outcome(cli), "add --yes" in err) == (1, None, True)


def test_a_corrupt_lock_is_sealed_by_force_alone(cli: Cli) -> None:
    cli.corrupt()
    assert cli.run("depose", "--reason", "half a write")[0] == 1
    assert (force(cli, "--done", "none", "--yes")[0], outcome(cli)) == (0, "deposed")


def test_a_sealed_lock_is_not_deposed(cli: Cli) -> None:
    cli.lead().resign()
    code, out, _ = cli.run("depose", "--reason", "to be sure")
    done = "Nothing to depose: the highest lock of nightly is sealed already.\n"
    assert (code, out) == (0, done)
    _, out, _ = cli.run("depose", "--reason", "to be sure", "--json")
    assert json.loads(out) == {"deposed": None}


def test_an_empty_reason_is_refused(cli: Cli) -> None:
    cli.store.perform(Create(FIRST, b'{"expired": false}'))
    code, _, err = cli.run("depose", "--reason", " ")
    assert (code, "expected a reason" in err) == (2, True)


def test_json_shows_the_deposed_lock(cli: Cli) -> None:
    cli.lead()
    cli.pass_time(34)
    _, out, _ = cli.run("depose", "--reason", "host is gone", "--json")
    assert json.loads(out)["deposed"]["outcome"] == "deposed"


@pytest.fixture(params=[False, True], ids=["before is there", "before is gone"])
def torn(cli: Cli, request: pytest.FixtureRequest) -> Cli:
    """Two ticks are completed; the last byte of the highest lock is missing."""
    for tick in (EARLIER, TICK):
        term = cli.election().campaign(tick=tick)
        assert isinstance(term, Term)
        term.save({"after": 41})
        term.resign("completed")
    if request.param:
        cli.store.expire_superseded()
    cli.store.put(SECOND, cli.store.body(SECOND)[:-1])
    return cli


def is_gone(cli: Cli) -> bool:
    return FIRST not in cli.store.keys()  # noqa: SIM118 - no dict


def test_a_torn_lock_is_not_sealed_without_the_latest_completed_tick(torn: Cli) -> None:
    before = torn.store.body(SECOND)
    code, _, err = force(torn, "--yes")
    assert (code, "--done TICK" in err, torn.store.body(SECOND)) == (2, True, before)


def test_what_is_known_of_a_torn_lock_and_the_one_before_is_shown(torn: Cli) -> None:
    shown = force(torn, "--yes")[2]
    known = "the checkpoint is lost" if is_gone(torn) else f"latest completed tick {EARLIER}"
    assert f'"tick": "{TICK}"' in shown
    assert known in shown


def test_a_tick_that_is_said_to_be_done_is_not_led_again(torn: Cli) -> None:
    state = "an empty checkpoint" if is_gone(torn) else "the checkpoint of the lock before it"
    code, out, _ = force(torn, "--done", TICK, "--yes")
    said = f"Ticks up to {TICK} are done. The next term begins with {state}"
    assert (code, said in out) == (0, True)
    result = torn.election().campaign(tick=TICK)
    assert isinstance(result, NotElected)
    assert result.reason == "done"


def test_a_person_is_not_asked_about_what_will_be_refused(cli: Cli) -> None:
    cli.corrupt()
    assert (force(cli, answer="yes")[0], cli.asked) == (2, [])


def test_a_person_sees_that_the_first_term_has_no_lock_before_it(cli: Cli) -> None:
    cli.corrupt()
    assert "there is no earlier lock" in force(cli, "--done", "none", answer="no")[2]


@pytest.mark.parametrize("done", ["yesterday", "2026-11-23T06:00:00", "9999-01-01T00:00:00Z"])
def test_a_tick_that_cannot_have_been_completed_is_a_usage_error(cli: Cli, done: str) -> None:
    cli.corrupt()
    assert (force(cli, "--done", done, "--yes")[0], cli.store.body(FIRST)) == (2, b"[]")


@pytest.mark.parametrize("words", [["--done", TICK], ["--done", TICK, "--force", "--yes"]])
def test_done_is_refused_where_the_lock_can_be_read(cli: Cli, words: list[str]) -> None:
    cli.lead()
    assert cli.run("depose", "--reason", "it hangs", *words)[0] == 2
    assert cli.status()["standing"] == "held"


@pytest.mark.parametrize(("led", "code"), [(True, 0), (False, 3)], ids=["sealed", "no lock"])
def test_done_does_not_matter_where_there_is_nothing_to_depose(
    cli: Cli, *, led: bool, code: int
) -> None:
    if led:
        cli.lead().resign()
    before = [cli.store.body(key) for key in cli.store.keys()]  # noqa: SIM118 - no dict
    found, out, err = force(cli, "--done", "none", "--yes")
    assert (found, out.startswith("Nothing to depose"), err) == (code, True, "")
    assert [cli.store.body(key) for key in cli.store.keys()] == before  # noqa: SIM118 - no dict


@pytest.mark.parametrize("more", [[], ["--force", "--yes"]], ids=["", "forced"])
@pytest.mark.parametrize(
    ("error", "code"), [(KeyboardInterrupt(), 130), (StoreUnavailable("no answer"), 1)]
)
def test_a_deposition_that_ends_early_says_how_to_go_on(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, more: list[str], error: BaseException, code: int
) -> None:
    def end(*_: object, **__: object) -> None:
        raise error

    cli.lead()
    monkeypatch.setattr(Election, "depose", end)
    found, _, err = cli.run("depose", "--reason", "it hangs", *more)
    assert (found, "whether the lock is sealed is not known" in err) == (code, True)
    assert "`s3leader status nightly`" in err
    # With --yes it would seal the lock of a term that has begun since, too.
    assert ("without --yes" in err) is bool(more)
