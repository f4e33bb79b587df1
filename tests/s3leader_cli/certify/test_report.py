"""What the checks come to: a verdict, an exit code, JSON, Markdown and a table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from s3leader import InvalidArgument
from s3leader._core.requests import Create, Read
from s3leader.testing import FakeClock, MemoryStore
from s3leader_cli.__main__ import main
from s3leader_cli.certify.check import Scale, Subject
from s3leader_cli.certify.checks import CHECKS, GROUPS
from s3leader_cli.certify.command import Target
from s3leader_cli.certify.inspection import inspect, measure, total_costs
from s3leader_cli.certify.racers import ThreadRacers
from s3leader_cli.certify.render import markdown, matrix_row, table
from s3leader_cli.certify.report import Finding, Outcome, Report, Verdict
from tests.s3leader_cli.certify.broken_stores import Extras

SCALE = Scale(
    rounds=2, increments=2, terms=1, samples=2, connections=2, pages=True, processes=1,
    threads=4, race_s=60.0,
)  # fmt: skip
FAIL, NOT_CHECKED, SKIPPED = Outcome.FAIL, Outcome.NOT_CHECKED, Outcome.SKIPPED


def report(**outcomes: Outcome) -> Report:
    """Return a report in which all checks pass but those with the given names."""
    findings = tuple(
        Finding(
            check=check,
            outcome=outcomes.get(check.name.replace(" ", "_"), Outcome.PASS),
            detail="seen | this",
        )
        for check in CHECKS
    )
    return Report(
        store="s3://locks", server="a server", version="1", at="now", findings=findings, speed=None
    )


def subject() -> tuple[Subject, MemoryStore]:
    """Return a store whose clock goes on when a check sleeps."""
    clock = FakeClock()
    store = MemoryStore(clock_ms=clock.read_ms)
    examined = Subject(
        store=store,
        dated=store,
        connect=lambda: store,
        folder="certify/",
        racers=ThreadRacers(store, SCALE.threads),
        scale=SCALE,
        extras=Extras(),
        sleep=clock.sleep,
    )
    return examined, store


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        ({}, Verdict.USABLE),
        ({"second_page": SKIPPED}, Verdict.USABLE),
        ({"tags_are_kept": FAIL}, Verdict.LIMITED),
        ({"tags_are_kept": NOT_CHECKED}, Verdict.USABLE),
        ({"one_swap_wins": NOT_CHECKED}, Verdict.UNPROVED),
        ({"one_swap_wins": NOT_CHECKED, "Date": FAIL}, Verdict.UNUSABLE),
        ({"order": FAIL, "tags_are_kept": FAIL}, Verdict.UNUSABLE),
    ],
    ids=str,
)
def test_verdict_is_that_of_the_worst_needed_check(
    outcomes: dict[str, Outcome], verdict: Verdict
) -> None:
    made = report(**outcomes)
    assert (made.verdict, made.usable) == (verdict, verdict in {Verdict.USABLE, Verdict.LIMITED})


def test_report_without_findings_proves_nothing() -> None:
    assert replace(report(), findings=()).verdict is Verdict.UNPROVED


def test_summary_names_what_fails_and_what_the_store_cannot_do() -> None:
    assert "It fails: order, Date." in report(order=FAIL, Date=FAIL).summary
    assert "without the deletion of old locks" in report(tags_are_kept=FAIL).summary


def test_markdown_has_a_row_of_the_matrix_and_what_fails() -> None:
    made = report(order=FAIL)
    words = ["pass"] * len(GROUPS)
    words[GROUPS.index("lists")] = "fail"
    row = f"| a server 1 | unusable | {' | '.join(words)} |"
    assert matrix_row(made, "a server 1").startswith(row)
    text = markdown(made, "a server 1")
    assert row in text
    assert "| order | R1, R6 | fail | seen \\| this | unusable: a candidate" in text


def test_table_says_what_was_seen_and_what_it_means() -> None:
    text = " ".join(table(report(order=FAIL)).split())
    assert "in ascending order" in text
    assert "unusable: Hold no election on this store. It fails: order." in text


def test_json_has_each_check_with_its_rules_and_meaning() -> None:
    made = report(order=FAIL).as_json()
    assert (made["verdict"], made["usable"], len(made["checks"])) == (
        "unusable",
        False,
        len(CHECKS),
    )
    (order,) = (check for check in made["checks"] if check["check"] == "order")
    assert (order["rules"], order["result"], order["needed"]) == ("R1, R6", "fail", True)
    assert order["means"].startswith("unusable")


def test_memory_store_is_usable_and_fewer_requests_are_sent_than_announced() -> None:
    examined, store = subject()
    findings = inspect(examined, lambda _: None)
    speed = measure(examined, lambda _: None)
    made = replace(report(), findings=findings, speed=speed)
    assert made.verdict is Verdict.USABLE
    assert speed is not None
    assert speed.swaps_per_s > 0
    costs = total_costs(SCALE, SCALE.threads)
    reads = sum(isinstance(request, Read) for request in store.requests)
    writes = len(store.requests) - reads
    assert (writes <= 1.2 * costs.writes, reads <= 1.2 * costs.reads) == (True, True)
    assert costs.writes <= 2 * writes  # nor are far more announced


def test_everything_is_written_below_one_folder() -> None:
    examined, store = subject()
    inspect(examined, lambda _: None)
    created = {one.key.partition("/")[0] for one in store.requests if isinstance(one, Create)}
    assert created == {"certify"}


@pytest.mark.parametrize(
    ("text", "bucket", "prefix"),
    [
        ("s3://locks", "locks", ""),
        ("s3://locks/", "locks", ""),
        ("s3://locks/a/b", "locks", "a/b/"),
        ("arn:aws:s3:eu-west-1:111122223333:accesspoint/locks",) * 2 + ("",),
    ],
)
def test_target_is_a_bucket_and_a_folder(text: str, bucket: str, prefix: str) -> None:
    assert Target.parse(text, None) == Target(bucket=bucket, prefix=prefix, region=None)


@pytest.mark.parametrize("text", ["locks", "s3:/locks", "http://locks", "s3://", "s3://locks?a=b"])
def test_anything_else_is_an_error_that_shows_what_is_expected(text: str) -> None:
    with pytest.raises(InvalidArgument, match="expected a store such as s3://locks/elections, got"):
        Target.parse(text, None)


def test_directory_bucket_is_unusable_and_nothing_is_sent(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["certify", "s3://locks--use1-az4--x-s3"]) == 1
    out, err = capsys.readouterr()
    assert "S3 Express One Zone" in out
    assert (out.startswith("unusable: "), err) == (True, "")
